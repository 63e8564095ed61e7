#!/usr/bin/env bash
# avro 1.12.2 and fastavro 1.13.1 (Python) with avsc 5.7.9 (JavaScript): a record that was written before a field existed,
# read with the newer schema.
#
# Guess: the official package follows the specification: defaults as written there, aliases, defaults of enums. fastavro,
#        which is made for speed, fills a missing field with a value of the type that the schema says.
# True:  the official package knows neither aliases nor defaults of enums, and refuses the integer 1 as the default of a
#        double. The default "\u00ff" of bytes is one byte by the specification: avro makes two of it (UTF-8), fastavro gives
#        text. fastavro gives defaults as they stand in the JSON: the default {} of a record stays empty although its field
#        has a default, and a timestamp is a plain number. avsc does what the specification says.
source "$(dirname "$0")/lib/check.sh"

npm_install avsc@5.7.9
pip_install avro==1.12.2 fastavro==1.13.1
cat >cases.json <<'EOF'
{
  "bytes": [[], [{ "name": "f", "type": "bytes", "default": "\u00ff" }], {}],
  "record": [[], [{ "name": "f", "default": {}, "type": { "type": "record", "name": "Inner", "fields": [{ "name": "i", "type": "int", "default": 5 }] } }], {}],
  "double": [[], [{ "name": "f", "type": "double", "default": 1 }], {}],
  "timestamp": [[], [{ "name": "f", "type": { "type": "long", "logicalType": "timestamp-millis" }, "default": 0 }], {}],
  "alias": [[{ "name": "old", "type": "int" }], [{ "name": "f", "type": "int", "aliases": ["old"] }], { "old": 7 }],
  "enum": [[{ "name": "f", "type": { "type": "enum", "name": "E", "symbols": ["A", "NEW"] } }], [{ "name": "f", "type": { "type": "enum", "name": "E", "symbols": ["A", "B"], "default": "B" } }], { "f": "NEW" }]
}
EOF
cat >read.py <<'EOF'
import io, json
import avro.io, avro.schema, fastavro

def with_fastavro(writer, reader, data):
    return fastavro.schemaless_reader(data, writer, reader)

def with_avro(writer, reader, data):
    schemas = (avro.schema.parse(json.dumps(schema)) for schema in (writer, reader))
    return avro.io.DatumReader(*schemas).read(avro.io.BinaryDecoder(data))

for what, (old, new, value) in json.load(open('cases.json')).items():
    writer, reader = ({'type': 'record', 'name': 'Point', 'fields': fields} for fields in (old, new))
    for name, read in (('avro', with_avro), ('fastavro', with_fastavro)):
        data = io.BytesIO()
        fastavro.schemaless_writer(data, writer, value)
        data.seek(0)
        try:
            print(f'{what}, {name}: {read(writer, reader, data)["f"]!r}')
        except Exception as error:
            print(f'{what}, {name}: {type(error).__name__}')
EOF
cat >read.mjs <<'EOF'
import { readFileSync } from 'node:fs'
import avro from 'avsc'
for (const [what, [old, fields, value]] of Object.entries(JSON.parse(readFileSync('cases.json', 'utf8')))) {
  const [writer, reader] = [old, fields].map((each) => avro.Type.forSchema({ type: 'record', name: 'Point', fields: each }))
  const { f } = reader.fromBuffer(writer.toBuffer(value), reader.createResolver(writer))
  console.log(`${what}, avsc: ${Buffer.isBuffer(f) ? `one byte ${f.toString('hex')}` : JSON.stringify(f)}`)
}
EOF
both() { venv/bin/python read.py && node read.mjs; }
export -f both
expect bash -c both <<'EOF'
bytes, avro: b'\xc3\xbf'
bytes, fastavro: 'ÿ'
record, avro: {'i': 5}
record, fastavro: {}
double, avro: InvalidDefaultException
double, fastavro: 1
timestamp, avro: 0
timestamp, fastavro: 0
alias, avro: SchemaResolutionException
alias, fastavro: 7
enum, avro: SchemaResolutionException
enum, fastavro: 'B'
bytes, avsc: one byte ff
record, avsc: {"i":5}
double, avsc: 1
timestamp, avsc: 0
alias, avsc: 7
enum, avsc: "B"
EOF
holds 'two Avro packages for Python fill a missing field with different values, and neither with those of the specification'
