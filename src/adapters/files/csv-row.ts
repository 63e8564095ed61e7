/** The fields of one line of CSV. */
import { isUtf8 } from 'node:buffer'
import { parseDecimal, parseInteger } from '../bytes/number.ts'
import { createTextReader, decodeUtf8 } from '../bytes/text.ts'

const QUOTE = 0x22
const SPACE = 0x20
const TAB = 0x09

/** The fields of one line, as positions in its bytes. One object is reused for all rows of a file. */
export class CsvRow {
  length = 0
  readonly #separator: number
  readonly #trim: boolean
  readonly #readText = createTextReader()
  #bytes: Buffer = Buffer.alloc(0)
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  /** Whether the field contains doubled quotes. */
  readonly #escaped: boolean[] = []

  /** `trim`: spaces and tabs around fields are not part of them. */
  constructor(separator = ',', trim = false) {
    this.#separator = separator.charCodeAt(0)
    this.#trim = trim
  }

  /** Returns what is wrong with the quoting, or `null`. */
  split(bytes: Buffer, start: number, end: number): string | null {
    this.#bytes = bytes
    this.length = 0
    const separator = this.#separator
    const trim = this.#trim
    let pos = start
    for (;;) {
      if (trim) while (pos < end && isSpace(bytes[pos], separator)) pos++
      if (pos < end && bytes[pos] === QUOTE) {
        const close = this.#quotedField(pos, end)
        if (close < 0) return `a quoted field does not end on its line`
        pos = close + 1
        if (trim) while (pos < end && isSpace(bytes[pos], separator)) pos++
        if (pos < end && bytes[pos] !== separator) return `text follows the closing quote of field ${this.length}`
      } else {
        const fieldStart = pos
        while (pos < end && bytes[pos] !== separator) pos++
        let fieldEnd = pos
        if (trim) while (fieldEnd > fieldStart && isSpace(bytes[fieldEnd - 1], separator)) fieldEnd--
        this.#add(fieldStart, fieldEnd, false)
      }
      if (pos >= end) return null
      pos++
    }
  }

  /** Whether the whole line is UTF-8. */
  get isUtf8(): boolean {
    const end = this.#ends[this.length - 1] as number
    return isUtf8(this.#bytes.subarray(this.#starts[0], end))
  }

  isEmpty(column: number): boolean {
    return this.#starts[column] === this.#ends[column]
  }

  /** `null` if the field is not UTF-8. */
  text(column: number): string | null {
    const start = this.#starts[column] as number
    const end = this.#ends[column] as number
    if (this.#escaped[column] !== true) return this.#readText(this.#bytes, start, end)
    return decodeUtf8(this.#bytes, start, end)?.replaceAll('""', '"') ?? null
  }

  integer(column: number): number {
    return parseInteger(this.#bytes, this.#starts[column] as number, this.#ends[column] as number)
  }

  decimal(column: number): number {
    return parseDecimal(this.#bytes, this.#starts[column] as number, this.#ends[column] as number)
  }

  read(column: number, read: (bytes: Buffer, start: number, end: number) => number): number {
    return read(this.#bytes, this.#starts[column] as number, this.#ends[column] as number)
  }

  /** Adds the field whose opening quote is at `open`; returns the index of its closing quote, or -1. */
  #quotedField(open: number, end: number): number {
    let escaped = false
    for (let pos = open + 1; pos < end; pos++) {
      if (this.#bytes[pos] !== QUOTE) continue
      if (pos + 1 < end && this.#bytes[pos + 1] === QUOTE) {
        escaped = true
        pos++
        continue
      }
      this.#add(open + 1, pos, escaped)
      return pos
    }
    return -1
  }

  #add(start: number, end: number, escaped: boolean): void {
    this.#starts[this.length] = start
    this.#ends[this.length] = end
    this.#escaped[this.length] = escaped
    this.length++
  }
}

/** A separator is never space, even where it is a tab. */
function isSpace(byte: number | undefined, separator: number): boolean {
  return (byte === SPACE || byte === TAB) && byte !== separator
}
