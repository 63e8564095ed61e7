/**
 * Encodes values in Avro's single-object encoding as their schema says: `C3 01`, the fingerprint of the schema, and the
 * datum, which avsc writes. A new field needs a schema and a value, and no code here.
 * https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding
 */
import avro from 'avsc'
import { schemaFingerprint } from './fingerprint.ts'
import { currentSchema, parseSchema } from './schemas.ts'

/** `C3 01` and the fingerprint. */
export const HEADER_BYTES = 10
/** Size of the buffer that most data fit into; larger data make it grow. */
const FIRST_BYTES = 4096
/** A long takes at most this many bytes. */
const MAX_LONG_BYTES = 10

/**
 * Returns an encoder by the current version of a schema. Fields with a default may be missing from the value. The encoder
 * throws a TypeError for a value that does not fit, and for members that the schema lacks: it never drops one silently.
 */
export function createObjectEncoder(name: string): (value: object) => Buffer {
  const schema = currentSchema(name)
  const type = parseSchema(JSON.stringify(schema.schema({ exportAttrs: true })), { long: exactLong })
  const header = Buffer.from([0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64LE(schemaFingerprint(schema), 2)
  let buffer = Buffer.alloc(FIRST_BYTES)

  return (value) => {
    if (!type.isValid(value, STRICT))
      type.isValid(value, { ...STRICT, errorHook: (...at) => refuse(`${name}.avsc`, ...at) })
    let end = type.encode(value, buffer, HEADER_BYTES)
    if (end < 0) {
      // A negative result says how many bytes the buffer lacks.
      buffer = Buffer.alloc((buffer.length - end) * 2)
      end = type.encode(value, buffer, HEADER_BYTES)
    }
    header.copy(buffer)
    return Buffer.from(buffer.subarray(0, end))
  }
}

const STRICT = { noUndeclaredFields: true }

function refuse(file: string, path: string[], value: unknown, type: avro.Type): never {
  const place = path.length === 0 ? '' : ` in ${path.join('.')}`
  if (type instanceof avro.types.RecordType && typeof value === 'object' && value !== null) {
    const unknown = Object.keys(value).find((key) => type.field(key) === undefined)
    if (unknown !== undefined) throw new TypeError(`schemas/${file} has no field for ${unknown}${place}`)
  }
  throw new TypeError(`schemas/${file} expects ${type.typeName}${place}, not ${JSON.stringify(value)?.slice(0, 100)}`)
}

const varint = Buffer.alloc(MAX_LONG_BYTES)

/**
 * A long that writes every safe integer exactly; avsc's own rounds those below -2^52. Zigzag, base 128. The zigzag of a
 * safe integer needs 54 bits, so it is kept in two parts that doubles hold.
 */
function writeVarint(value: number): Buffer {
  const magnitude = value < 0 ? -value - 1 : value
  let part = (magnitude % 0x8000000) * 2 + (value < 0 ? 1 : 0)
  let high = Math.floor(magnitude / 0x8000000)
  let pos = 0
  for (let bits = 0; bits < 28; bits += 7) {
    const group = part & 0x7f
    part >>>= 7
    if (part === 0 && high === 0) {
      varint[pos++] = group
      return varint.subarray(0, pos)
    }
    varint[pos++] = group | 0x80
  }
  while (high > 0x7f) {
    varint[pos++] = (high & 0x7f) | 0x80
    high = Math.floor(high / 128)
  }
  varint[pos++] = high
  return varint.subarray(0, pos)
}

const exactLong = avro.types.LongType.__with(
  {
    toBuffer: writeVarint,
    isValid: Number.isSafeInteger,
    compare: (a: number, b: number) => a - b,
    fromJSON: Number,
    toJSON: Number,
    fromBuffer: () => {
      throw new TypeError('this type only writes; cursor.ts reads')
    },
  },
  true,
)
