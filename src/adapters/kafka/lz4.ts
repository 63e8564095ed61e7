/**
 * LZ4 frame decompression (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Checksums are skipped: Kafka
 * guards the whole batch with its own CRC-32C, which the broker checks on arrival.
 */
import { WindrowError } from '../../errors/index.ts'
import { copyWithin } from '../bytes/snappy.ts'

const FRAME_MAGIC = 0x184d2204
const SKIPPABLE_MAGIC_BASE = 0x184d2a50
const STORED_BLOCK = 0x80000000
const MIN_MATCH = 4

export function lz4Decompress(input: Buffer, maxBytes: number): Buffer {
  const output = new Output(Math.min(maxBytes, Math.max(1024, input.length * 4)), maxBytes)
  let at = 0
  while (at < input.length) {
    const magic = readUInt32(input, at)
    if (magic >>> 4 === SKIPPABLE_MAGIC_BASE >>> 4) at += 8 + readUInt32(input, at + 4)
    else if (magic === FRAME_MAGIC) at = readFrame(input, at + 4, output)
    else throw corrupt(`no frame begins at byte ${at}`)
  }
  return output.bytes()
}

function readFrame(input: Buffer, start: number, output: Output): number {
  if (start + 3 > input.length) throw corrupt('a frame header is cut off')
  const flags = input[start] as number
  if (flags >>> 6 !== 1) throw corrupt(`version ${flags >>> 6} of the frame format is not known`)
  const [blockChecksum, contentSize, contentChecksum, dictionary] = [0x10, 0x08, 0x04, 0x01].map(
    (bit) => (flags & bit) !== 0,
  )
  if (dictionary === true) throw corrupt('it needs a dictionary')
  const frameStart = output.length
  let at = start + 3 + (contentSize === true ? 8 : 0)
  for (;;) {
    const word = readUInt32(input, at)
    at += 4
    if (word === 0) break
    const size = word % STORED_BLOCK
    if (at + size > input.length) throw corrupt(`a block of ${size} bytes is cut off`)
    if (word >= STORED_BLOCK) output.append(input, at, size)
    else readBlock(input, at, at + size, output, frameStart)
    at += size + (blockChecksum === true ? 4 : 0)
  }
  return at + (contentChecksum === true ? 4 : 0)
}

function readBlock(input: Buffer, start: number, end: number, output: Output, frameStart: number): void {
  let at = start
  while (at < end) {
    const token = input[at++] as number
    let literals = token >>> 4
    if (literals === 15) [literals, at] = readMore(input, at, end, literals)
    if (at + literals > end) throw corrupt('a literal is cut off')
    output.append(input, at, literals)
    at += literals
    if (at === end) return // the last sequence has no match
    if (at + 2 > end) throw corrupt('a match is cut off')
    const distance = input.readUInt16LE(at)
    at += 2
    let length = token & 15
    if (length === 15) [length, at] = readMore(input, at, end, length)
    if (distance === 0 || distance > output.length - frameStart) throw corrupt(`a match from ${distance} bytes back`)
    output.repeat(distance, length + MIN_MATCH)
  }
}

function readMore(input: Buffer, start: number, end: number, base: number): [length: number, next: number] {
  let length = base
  for (let at = start; at < end; at++) {
    const byte = input[at] as number
    length += byte
    if (byte !== 255) return [length, at + 1]
  }
  throw corrupt('a length is cut off')
}

function readUInt32(input: Buffer, at: number): number {
  if (at + 4 > input.length) throw corrupt('it is cut off')
  return input.readUInt32LE(at)
}

/** A buffer that grows up to a limit. */
class Output {
  length = 0
  #buffer: Buffer
  readonly #maxBytes: number

  constructor(initialBytes: number, maxBytes: number) {
    this.#buffer = Buffer.allocUnsafe(initialBytes)
    this.#maxBytes = maxBytes
  }

  append(from: Buffer, start: number, length: number): void {
    this.#reserve(length)
    from.copy(this.#buffer, this.length, start, start + length)
    this.length += length
  }

  repeat(distance: number, length: number): void {
    this.#reserve(length)
    this.length = copyWithin(this.#buffer, this.length, distance, length)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.#buffer.length) return
    if (needed > this.#maxBytes) throw corrupt(`it holds more than the ${this.#maxBytes} bytes allowed`)
    const grown = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(needed, this.#buffer.length * 2)))
    this.#buffer.copy(grown, 0, 0, this.length)
    this.#buffer = grown
  }
}

function corrupt(what: string): WindrowError {
  return new WindrowError(`an lz4 batch cannot be read: ${what}`, { code: 'CORRUPT_BATCH' })
}
