/**
 * Unpacks the snappy codec of Avro container files: a raw snappy block and the big-endian CRC-32 of what it holds.
 * https://github.com/google/snappy/blob/main/format_description.txt
 */

const CRC_BYTES = 4

/** Throws a RangeError for anything that is not such a block, or unpacks to more than `maxBytes`. */
export function unpackSnappyBlock(block: Buffer, maxBytes: number): Buffer {
  if (block.length < CRC_BYTES) throw new RangeError('the block has no checksum')
  const unpacked = unsnap(block.subarray(0, -CRC_BYTES), maxBytes)
  if (crc32(unpacked) !== block.readUInt32BE(block.length - CRC_BYTES)) throw new RangeError('the checksum differs')
  return unpacked
}

function unsnap(packed: Buffer, maxBytes: number): Buffer {
  let pos = 0
  const byte = (): number => {
    const value = packed[pos++]
    if (value === undefined) throw new RangeError('the block is cut off')
    return value
  }
  const littleEndian = (bytes: number): number => {
    let value = 0
    for (let i = 0; i < bytes; i++) value += byte() * 256 ** i
    return value
  }

  let size = 0
  for (let shift = 0, more = true; more; shift += 7) {
    const group = byte()
    size += (group & 0x7f) * 2 ** shift
    more = group >= 0x80
    if (size > maxBytes) throw new RangeError(`the block unpacks to more than ${maxBytes} bytes`)
  }

  const out = Buffer.alloc(size)
  let length = 0
  while (pos < packed.length) {
    const tag = byte()
    const kind = tag & 3
    const upper = tag >> 2
    if (kind === 0) {
      const count = (upper < 60 ? upper : littleEndian(upper - 59)) + 1
      if (count > packed.length - pos || count > size - length) throw new RangeError('a literal does not fit')
      packed.copy(out, length, pos, pos + count)
      pos += count
      length += count
      continue
    }
    const count = kind === 1 ? (upper & 7) + 4 : upper + 1
    const distance = kind === 1 ? ((tag >> 5) << 8) | byte() : littleEndian(kind === 2 ? 2 : 4)
    if (distance === 0 || distance > length || count > size - length)
      throw new RangeError('a copy points outside of the block')
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < count; i++, length++) out[length] = out[length - distance] as number
  }
  if (length !== size) throw new RangeError(`the block unpacks to ${length} bytes instead of ${size}`)
  return out
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1))
  return crc
})

/** CRC-32 as in zlib, whose own `crc32` needs Node 22. */
function crc32(bytes: Buffer): number {
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = (CRC_TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
