#!/usr/bin/env bash
# Avro 1.12.1 (Java), avro 1.12.2 and fastavro 1.13.1 (Python): data that is read with a schema whose logical type differs
# from that of the writer.
#
# Guess: the specification demands equal scale and precision of two decimals, so another scale is an error. For timestamps,
#        either the unit is converted or the schemas do not match.
# True:  no library reports an error, and they disagree on the value. Java takes the number as it is and gives it the
#        reader's type: 1.25 becomes 0.0125, and a time in milliseconds read as microseconds lies in January 1970. Both
#        Python libraries ignore the reader's logical type and use the writer's: a reader that asks for a plain long gets a
#        datetime, and one that asks for a timestamp gets a plain number.
source "$(dirname "$0")/lib/check.sh"
source "$(dirname "$0")/lib/maven.sh"

pip_install avro==1.12.2 fastavro==1.13.1
maven_jars jars org.apache.avro:avro:1.12.1 org.slf4j:slf4j-nop:2.0.17
cat >read.py <<'EOF'
import io, json
from datetime import datetime, timezone
from decimal import Decimal
import avro.io, avro.schema, fastavro

def decimal(scale):
    return {'type': 'bytes', 'logicalType': 'decimal', 'precision': 10, 'scale': scale}

def timestamp(unit):
    return {'type': 'long', 'logicalType': f'timestamp-{unit}'}

noon = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
with open('cases.txt', 'w') as cases:
    for what, written, writer, reader in (
        ('decimal, scale 2 read as 4', Decimal('1.25'), decimal(2), decimal(4)),
        ('milliseconds read as microseconds', noon, timestamp('millis'), timestamp('micros')),
        ('milliseconds read as long', noon, timestamp('millis'), 'long'),
        ('long read as milliseconds', 1772366400000, 'long', timestamp('millis')),
    ):
        data = io.BytesIO()
        fastavro.schemaless_writer(data, writer, written)
        data.seek(0)
        print(f'fastavro: {what}: {fastavro.schemaless_reader(data, writer, reader)}')
        data.seek(0)
        schemas = (avro.schema.parse(json.dumps(schema)) for schema in (writer, reader))
        print(f'avro for Python: {what}: {avro.io.DatumReader(*schemas).read(avro.io.BinaryDecoder(data))}')
        print(what, data.getvalue().hex(), json.dumps(writer), json.dumps(reader), sep='|', file=cases)
EOF
cat >Read.java <<'EOF'
import java.nio.file.*;
import java.util.*;
import org.apache.avro.*;
import org.apache.avro.data.*;
import org.apache.avro.generic.*;
import org.apache.avro.io.*;

public class Read {
  public static void main(String[] arguments) throws Exception {
    var types = new GenericData();
    types.addLogicalTypeConversion(new Conversions.DecimalConversion());
    types.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    types.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
    for (String line : Files.readAllLines(Path.of("cases.txt"))) {
      String[] fields = line.split("\\|");
      Schema writer = new Schema.Parser().parse(fields[2]), reader = new Schema.Parser().parse(fields[3]);
      var decoder = DecoderFactory.get().binaryDecoder(HexFormat.of().parseHex(fields[1]), null);
      System.out.println("Java: " + fields[0] + ": " + new GenericDatumReader<>(writer, reader, types).read(null, decoder));
    }
  }
}
EOF
all() { venv/bin/python read.py && java -cp 'jars/*' Read.java; }
export -f all
expect bash -c all <<'EOF'
fastavro: decimal, scale 2 read as 4: 1.25
avro for Python: decimal, scale 2 read as 4: 1.25
fastavro: milliseconds read as microseconds: 2026-03-01 12:00:00+00:00
avro for Python: milliseconds read as microseconds: 2026-03-01 12:00:00+00:00
fastavro: milliseconds read as long: 2026-03-01 12:00:00+00:00
avro for Python: milliseconds read as long: 2026-03-01 12:00:00+00:00
fastavro: long read as milliseconds: 1772366400000
avro for Python: long read as milliseconds: 1772366400000
Java: decimal, scale 2 read as 4: 0.0125
Java: milliseconds read as microseconds: 1970-01-21T12:19:26.400Z
Java: milliseconds read as long: 1772366400000
Java: long read as milliseconds: 2026-03-01T12:00:00Z
EOF
holds 'Java reinterprets Avro numbers with the logical type of the reader, Python with that of the writer, none with an error'
