/** Writes Avro's binary encoding and the header of the single-object encoding; what reads it is cursor.ts. */
import { schemaFingerprint } from './fingerprint.ts'
import { loadSchemas } from './schemas.ts'

/** More than a point takes, so that only large results make it grow. */
const FIRST_BYTES = 4096
const MAX_LONG_BYTES = 10
const MAX_UTF8_BYTES_PER_UNIT = 3

/** `C3 01` and the fingerprint of the current version of a schema. */
export function headerOf(name: string): Buffer {
  const schema = loadSchemas().find((candidate) => candidate.name === name && candidate.current)
  if (schema === undefined) throw new TypeError(`schemas/${name}.avsc is missing`)
  const header = Buffer.from([0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64LE(schemaFingerprint(schema.type), 2)
  return header
}

/** One datum after another into the same bytes. avsc's own writer rounds negative longs below -2^52. */
export class Writer {
  #bytes = Buffer.alloc(FIRST_BYTES)
  #pos = 0

  begin(header: Buffer): void {
    this.#pos = header.copy(this.#bytes)
  }

  /** A copy of what was written. */
  end(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#pos))
  }

  writeString(text: string): void {
    this.#reserve(MAX_LONG_BYTES + text.length * MAX_UTF8_BYTES_PER_UNIT)
    this.writeLong(Buffer.byteLength(text))
    this.#pos += this.#bytes.write(text, this.#pos, 'utf8')
  }

  writeBytes(bytes: Uint8Array): void {
    this.#reserve(MAX_LONG_BYTES + bytes.length)
    this.writeLong(bytes.length)
    this.#bytes.set(bytes, this.#pos)
    this.#pos += bytes.length
  }

  writeDouble(value: number): void {
    this.#reserve(8)
    this.#pos = this.#bytes.writeDoubleLE(value, this.#pos)
  }

  writeBoolean(value: boolean): void {
    this.#reserve(1)
    this.#bytes[this.#pos++] = value ? 1 : 0
  }

  /** Zigzag, base 128. The zigzag of a safe integer needs 54 bits, so it is kept in two parts that doubles hold. */
  writeLong(value: number): void {
    this.#reserve(MAX_LONG_BYTES)
    const magnitude = value < 0 ? -value - 1 : value
    const low = (magnitude % 0x8000000) * 2 + (value < 0 ? 1 : 0)
    let high = Math.floor(magnitude / 0x8000000)
    let part = low
    for (let bits = 0; bits < 28; bits += 7) {
      const group = part & 0x7f
      part >>>= 7
      if (part === 0 && high === 0) {
        this.#bytes[this.#pos++] = group
        return
      }
      this.#bytes[this.#pos++] = group | 0x80
    }
    while (high > 0x7f) {
      this.#bytes[this.#pos++] = (high & 0x7f) | 0x80
      high = Math.floor(high / 128)
    }
    this.#bytes[this.#pos++] = high
  }

  /** The union `["null", T]`; `write` writes the T. */
  writeNullable<T>(value: T | null, write: (value: T) => void): void {
    this.writeLong(value === null ? 0 : 1)
    if (value !== null) write(value)
  }

  /** An array, or a map whose `writeItem` writes key and value, in one block. */
  writeList<T>(items: readonly T[], writeItem: (item: T) => void): void {
    if (items.length > 0) {
      this.writeLong(items.length)
      for (const item of items) writeItem(item)
    }
    this.writeLong(0)
  }

  #reserve(bytes: number): void {
    if (this.#pos + bytes <= this.#bytes.length) return
    const grown = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#pos + bytes))
    this.#bytes.copy(grown, 0, 0, this.#pos)
    this.#bytes = grown
  }
}
