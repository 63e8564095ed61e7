/**
 * Snappy compression in the raw format (https://github.com/google/snappy/blob/main/format_description.txt): the length as a
 * varint, then literals and copies of earlier bytes. Greedy: a copy is the last place with the same four bytes, if it is near.
 */
const HASH_BITS = 14
/** Copies with a distance of two bytes are the only ones used. */
const MAX_DISTANCE = 0xffff
const MAX_COPY_BYTES = 64
const MIN_COPY_BYTES = 4
/** Longer literals have their length in further bytes. */
const MAX_SHORT_LITERAL = 60

/** Pure. */
export function snappyCompressRaw(input: Buffer): Buffer {
  const parts: Buffer[] = [varint(input.length)]
  const places = new Int32Array(1 << HASH_BITS).fill(-1)
  let literalFrom = 0
  let at = 0
  while (at + MIN_COPY_BYTES <= input.length) {
    const four = input.readUInt32LE(at)
    const hash = Math.imul(four, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const place = places[hash] as number
    places[hash] = at
    if (place < 0 || at - place > MAX_DISTANCE || input.readUInt32LE(place) !== four) {
      at++
      continue
    }
    let length = MIN_COPY_BYTES
    while (at + length < input.length && input[place + length] === input[at + length]) length++
    pushLiteral(parts, input.subarray(literalFrom, at))
    pushCopy(parts, at - place, length)
    at += length
    literalFrom = at
  }
  pushLiteral(parts, input.subarray(literalFrom))
  return Buffer.concat(parts)
}

function pushLiteral(parts: Buffer[], literal: Buffer): void {
  const rest = literal.length - 1
  if (rest < 0) return
  if (rest < MAX_SHORT_LITERAL) {
    parts.push(Buffer.from([rest << 2]), literal)
    return
  }
  const width = rest < 0x100 ? 1 : rest < 0x10000 ? 2 : rest < 0x1000000 ? 3 : 4
  const head = Buffer.alloc(1 + width)
  head[0] = (MAX_SHORT_LITERAL - 1 + width) << 2
  head.writeUIntLE(rest, 1, width)
  parts.push(head, literal)
}

function pushCopy(parts: Buffer[], distance: number, length: number): void {
  for (let left = length; left > 0; left -= MAX_COPY_BYTES) {
    const bytes = Math.min(left, MAX_COPY_BYTES)
    parts.push(Buffer.from([((bytes - 1) << 2) | 2, distance & 0xff, distance >>> 8]))
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
