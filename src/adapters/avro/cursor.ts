/**
 * Reads Avro's binary encoding (https://avro.apache.org/docs/1.12.0/specification/#binary-encoding) without ever
 * throwing, rounding or reading past the end. avsc is used for schemas, not for this: it reads past the end, replaces
 * bytes that are not UTF-8 by U+FFFD, and throws on longs beyond 2^53 only after it has rounded them.
 *
 * A read that fails sets `problem`, if it is the first, and returns an arbitrary value of its type. If `broken` is set,
 * the position of the next value is unknown. Otherwise only this value is invalid, and the next one can be read.
 */
import type { DecodeProblem } from '../../core/point.ts'
import type { TextReader } from '../bytes/text.ts'

export interface CursorProblem {
  readonly code: DecodeProblem
  readonly detail: string
}

const scratch = new DataView(new ArrayBuffer(8))
const scratchBytes = new Uint8Array(scratch.buffer)

export class Cursor {
  bytes: Buffer = Buffer.alloc(0)
  pos = 0
  problem: CursorProblem | null = null
  broken = false
  readonly #readText: TextReader
  /** The exact text of the number that `#readVarint` could not return. */
  #beyond = ''

  constructor(readText: TextReader) {
    this.#readText = readText
  }

  reset(bytes: Buffer, pos: number): void {
    this.bytes = bytes
    this.pos = pos
    this.problem = null
    this.broken = false
  }

  /** Forgets a problem that leaves the place of the next value known. */
  clearProblem(): void {
    this.problem = null
  }

  readLong(): number {
    const value = this.#readVarint()
    if (!Number.isNaN(value)) return value
    this.note('integer-beyond-2^53', this.#beyond)
    return 0
  }

  /** Zigzag, base 128, least significant group first; NaN for what a double cannot hold exactly. */
  #readVarint(): number {
    const { bytes } = this
    const end = bytes.length
    let pos = this.pos
    // Three parts that 32-bit integers hold: bits 0-27, 28-55 and 56-63.
    let low = 0
    let high = 0
    let top = 0
    for (let shift = 0; ; shift += 7) {
      if (pos >= end) return this.#truncated()
      const byte = bytes[pos++] as number
      if (shift < 28) low |= (byte & 0x7f) << shift
      else if (shift < 56) high |= (byte & 0x7f) << (shift - 28)
      else top |= (byte & 0x7f) << (shift - 56)
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) return this.#break('a number is longer than 64 bits')
        break
      }
      if (shift === 63) return this.#break('a number is longer than 64 bits')
    }
    this.pos = pos
    if (high === 0 && top === 0) return (low >>> 1) ^ -(low & 1)
    const magnitude = (low >>> 1) + high * 0x8000000
    const value = low & 1 ? -magnitude - 1 : magnitude
    if (top !== 0 || !Number.isSafeInteger(value)) {
      const zigzag = BigInt(low) | (BigInt(high) << 28n) | (BigInt(top) << 56n)
      this.#beyond = String((zigzag >> 1n) ^ -(zigzag & 1n))
      return Number.NaN
    }
    return value
  }

  readDouble(): number {
    return this.#loadScratch(8) ? scratch.getFloat64(0, true) : 0
  }

  readFloat(): number {
    return this.#loadScratch(4) ? scratch.getFloat32(0, true) : 0
  }

  readBoolean(): boolean {
    const byte = this.bytes[this.pos]
    if (byte === 0 || byte === 1) {
      this.pos++
      return byte === 1
    }
    if (byte === undefined) this.#truncated()
    else this.#break(`a boolean is ${byte}, expected 0 or 1`)
    return false
  }

  /** Strings, and bytes read as a string. */
  readString(): string {
    const start = this.#readLength()
    if (this.broken) return ''
    const text = this.#readText(this.bytes, start, this.pos)
    if (text === null) this.note('undecodable', 'not UTF-8')
    return text ?? ''
  }

  /** A view of the bytes. */
  readBytes(): Buffer {
    const start = this.#readLength()
    return this.bytes.subarray(start, this.pos)
  }

  skipString(): void {
    this.#readLength()
  }

  skip(bytes: number): void {
    if (bytes < 0 || bytes > this.bytes.length - this.pos) this.#truncated()
    else this.pos += bytes
  }

  /** Any number, however long: a skipped one may be beyond 2^53. */
  skipLong(): void {
    this.#readVarint()
  }

  /** Reads the branch of a union. If there is no such branch, returns -1 and sets `broken`. */
  readBranch(branches: number): number {
    const index = this.#readVarint()
    if (this.broken) return -1
    if (index >= 0 && index < branches) return index
    this.#break(`a union branch is ${index}, expected 0 to ${branches - 1}`)
    return -1
  }

  /** Reads the number of items in an array or map block. A negative count is followed by a byte size, which is skipped. */
  readBlockCount(): number {
    let count = this.#readVarint()
    if (count < 0) {
      count = -count
      this.#readVarint()
    }
    // Every item has at least one byte (nulls have none, but no schema here has lists of them). A larger count is rejected,
    // so that it cannot keep the loop busy.
    return count <= this.bytes.length - this.pos ? count : this.#break(`a list of ${count} items does not fit`)
  }

  /** Keeps the first problem of a record: later ones are often its consequences. */
  note(code: DecodeProblem, detail: string): void {
    this.problem ??= { code, detail }
  }

  breakOff(detail: string): void {
    this.#break(detail)
  }

  /** Moves behind a length-prefixed value and returns where it begins. */
  #readLength(): number {
    const length = this.#readVarint()
    const start = this.pos
    if (this.broken) return start
    if (Number.isNaN(length)) return this.#break(`a length is ${this.#beyond}`)
    if (length < 0) return this.#break(`a length is ${length}`)
    if (length > this.bytes.length - start) return this.#truncated()
    this.pos = start + length
    return start
  }

  #loadScratch(count: 4 | 8): boolean {
    const { bytes, pos } = this
    if (count > bytes.length - pos) {
      this.#truncated()
      return false
    }
    for (let i = 0; i < count; i++) scratchBytes[i] = bytes[pos + i] as number
    this.pos = pos + count
    return true
  }

  #truncated(): number {
    return this.#break(`the bytes end at ${this.bytes.length}, in the middle of a value`)
  }

  #break(detail: string): number {
    this.note('undecodable', detail)
    this.broken = true
    this.pos = this.bytes.length
    return 0
  }
}
