/** Writes points and manifests in Avro single-object encoding, with the current schemas. */
import { checkManifest, checkPoint } from '../../core/shape.ts'
import type { DataPoint, WindowManifest } from '../../core/point.ts'
import { schemaFingerprint } from './fingerprint.ts'
import { loadSchemas } from './schemas.ts'

export interface AvroEncoder {
  /** Throws a TypeError for a point that a decoder would refuse, one without a seq included. */
  encodePoint(point: DataPoint): Buffer
  /** Throws a TypeError for a manifest that a decoder would refuse. */
  encodeManifest(manifest: WindowManifest): Buffer
}

/** More than a header, the bounded texts of a point at three bytes a character, and its numbers take. */
const SCRATCH_BYTES = 4096

export function createEncoder(): AvroEncoder {
  const pointHeader = headerOf('data-point')
  const manifestHeader = headerOf('window-manifest')
  const writer = new Writer()

  return {
    encodePoint(point) {
      const problem =
        point.seq === null ? 'seq is null, and the Avro schema has no point without one' : checkPoint(point)
      if (problem !== null) throw new TypeError(problem)
      writer.begin(pointHeader)
      writer.writeString(point.vmId)
      writer.writeString(point.metric)
      writer.writeLong(point.timestamp)
      writer.writeLong(point.seq as number)
      writer.writeDouble(point.value)
      writer.writeString(point.producer)
      return writer.end()
    },
    encodeManifest(manifest) {
      const problem = checkManifest(manifest)
      if (problem !== null) throw new TypeError(problem)
      writer.begin(manifestHeader)
      writer.writeString(manifest.vmId)
      writer.writeString(manifest.producer)
      writer.writeLong(manifest.windowStart)
      writer.writeLong(manifest.firstSeq)
      writer.writeLong(manifest.count)
      writer.writeBoolean(manifest.last)
      return writer.end()
    },
  }
}

function headerOf(name: string): Buffer {
  const schema = loadSchemas().find((candidate) => candidate.name === name && candidate.current)
  if (schema === undefined) throw new TypeError(`schemas/${name}.avsc is missing`)
  const header = Buffer.from([0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeBigUInt64LE(schemaFingerprint(schema.type), 2)
  return header
}

/** Avro's binary encoding; avsc's own writer rounds negative longs below -2^52. */
class Writer {
  readonly #bytes = Buffer.alloc(SCRATCH_BYTES)
  #pos = 0

  begin(header: Buffer): void {
    this.#pos = header.copy(this.#bytes)
  }

  /** A copy of what was written. */
  end(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#pos))
  }

  writeString(text: string): void {
    this.writeLong(Buffer.byteLength(text))
    this.#pos += this.#bytes.write(text, this.#pos, 'utf8')
  }

  writeDouble(value: number): void {
    this.#pos = this.#bytes.writeDoubleLE(value, this.#pos)
  }

  writeBoolean(value: boolean): void {
    this.#bytes[this.#pos++] = value ? 1 : 0
  }

  /** Zigzag, base 128. The zigzag of a safe integer needs 54 bits, so it is kept in two parts that doubles hold. */
  writeLong(value: number): void {
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
}
