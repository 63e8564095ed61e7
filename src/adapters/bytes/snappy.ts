/**
 * Snappy decompression: the raw format (https://github.com/google/snappy/blob/main/format_description.txt), bare as
 * librdkafka writes it or in the blocks of snappy-java's stream ("xerial" framing), as the Java client and the broker do:
 *
 *   stream := 0x82 "SNAPPY" 0x00, version int32, compatible int32, (length int32, raw block)*
 */
import { WindrowError } from '../../errors/index.ts'

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

export function snappyDecompress(input: Buffer, maxBytes: number): Buffer {
  if (!input.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyDecompressRaw(input, maxBytes)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEADER_BYTES; at < input.length;) {
    if (at + 4 > input.length) throw corrupt('a block length is cut off')
    const length = input.readInt32BE(at)
    at += 4
    if (length < 0 || at + length > input.length) throw corrupt(`a block of ${length} bytes is cut off`)
    const block = snappyDecompressRaw(input.subarray(at, at + length), maxBytes - total)
    blocks.push(block)
    total += block.length
    at += length
  }
  return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks, total)
}

/** Decompresses the raw format. Throws CORRUPT_BATCH for anything else, and for what would hold more than `maxBytes`. */
export function snappyDecompressRaw(input: Buffer, maxBytes: number): Buffer {
  const [size, bodyStart] = readLength(input)
  if (size > maxBytes) throw corrupt(`it says it holds ${size} bytes, more than the ${maxBytes} allowed`)
  const output = Buffer.allocUnsafe(size)
  let from = bodyStart
  let to = 0
  while (from < input.length) {
    const tag = input[from++] as number
    if ((tag & 3) === 0) {
      let length = (tag >>> 2) + 1
      if (length > 60) {
        const width = length - 60
        if (from + width > input.length) throw corrupt('a literal length is cut off')
        length = input.readUIntLE(from, width) + 1
        from += width
      }
      if (from + length > input.length || to + length > size) throw corrupt('a literal is cut off')
      input.copy(output, to, from, from + length)
      from += length
      to += length
      continue
    }
    const [length, distance, width] = readCopy(input, from, tag)
    from += width
    if (distance === 0 || distance > to || to + length > size) throw corrupt(`a copy from ${distance} bytes back`)
    to = copyWithin(output, to, distance, length)
  }
  if (to !== size) throw corrupt(`it holds ${to} bytes instead of ${size}`)
  return output
}

/** The size that the data say they have decompressed. Throws CORRUPT_BATCH if it is cut off. */
export function snappySize(input: Buffer): number {
  return readLength(input)[0]
}

function readLength(input: Buffer): [size: number, next: number] {
  let size = 0
  for (let at = 0, scale = 1; at < Math.min(5, input.length); at++, scale *= 128) {
    const byte = input[at] as number
    size += (byte & 0x7f) * scale
    if (byte < 0x80) return [size, at + 1]
  }
  throw corrupt('its length is cut off')
}

function readCopy(input: Buffer, at: number, tag: number): [length: number, distance: number, width: number] {
  const width = [0, 1, 2, 4][tag & 3] as number
  if (at + width > input.length) throw corrupt('a copy is cut off')
  if (width === 1) return [((tag >>> 2) & 7) + 4, ((tag >>> 5) << 8) | (input[at] as number), 1]
  return [(tag >>> 2) + 1, input.readUIntLE(at, width), width]
}

/** Copies from `distance` bytes back; source and target may overlap, which repeats the pattern. Returns the new end. */
export function copyWithin(output: Buffer, to: number, distance: number, length: number): number {
  if (distance >= length) output.copyWithin(to, to - distance, to - distance + length)
  else for (let i = 0; i < length; i++) output[to + i] = output[to + i - distance] as number
  return to + length
}

function corrupt(what: string): WindrowError {
  return new WindrowError(`snappy data cannot be read: ${what}`, { code: 'CORRUPT_BATCH' })
}
