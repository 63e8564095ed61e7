/**
 * JSON as bytes: the characters of its structure, and where a value ends. The scan checks the structure on its way and parses
 * nothing.
 */

export const QUOTE = 0x22
export const BACKSLASH = 0x5c
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const OPEN_BRACKET = 0x5b
export const CLOSE_BRACKET = 0x5d
export const NEWLINE = 0x0a

/** The value does not end within the bytes. */
export const CUT_OFF = -1
/** The bytes are no JSON. */
export const BROKEN = -2
/** Nesting deeper than this is broken, like a file of open brackets. */
const MAX_DEPTH = 200

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** Index of the first byte from `from` on that is no white space; `end` if there is none. */
export function skipSpace(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && isSpace(bytes[at] as number)) at++
  return at
}

/** Bytes between the members of an object, or the elements of an array. */
export function isBetweenMembers(byte: number): boolean {
  return isSpace(byte) || byte === COMMA
}

/** What may come next in the object or array that is open. */
const KEY_OR_END = 0
const KEY = 1
const AFTER_KEY = 2
const VALUE = 3
const VALUE_OR_END = 4
const AFTER_VALUE = 5

/** Index after the value that starts at `start`, or CUT_OFF or BROKEN. The value must end before `end`. */
export function endOfValue(bytes: Buffer, start: number, end: number, isEnd: boolean): number {
  return ONE_SCAN.begin().read(bytes, start, end, isEnd)
}

/** Finds where a value ends. Its bytes may come in parts, so that a value of any length needs no memory. */
export class ValueScan {
  /** Where the last part turned out to be no JSON. */
  brokenAt = 0
  /** Whether the open levels are objects. */
  readonly #isObjectAt: boolean[] = []
  #depth = 0
  #next = VALUE
  #isInText = false
  #isInWord = false
  /** Whether the part before ended with the backslash of an escape. */
  #isEscaped = false

  begin(): this {
    this.#depth = 0
    this.#next = VALUE
    this.#isInText = this.#isInWord = this.#isEscaped = false
    return this
  }

  /**
   * Reads `bytes[from, end)`, which is the next part of the value. Returns the index after the value, or CUT_OFF or BROKEN.
   * `isEnd`: no part follows.
   */
  read(bytes: Buffer, from: number, end: number, isEnd: boolean): number {
    const isObjectAt = this.#isObjectAt
    let depth = this.#depth
    let next = this.#next
    let at = from
    let isText = this.#isInText
    let isWord = this.#isInWord
    for (; at < end || isWord; at++) {
      if (isText) {
        const first = at === from && this.#isEscaped ? at + 1 : at
        const close = quoteOrBreak(bytes, first, end)
        if (close === end) {
          this.#isEscaped = endsWithEscape(bytes, first, end)
          break
        }
        if (bytes[close] === NEWLINE) return this.#broken(close)
        this.#isEscaped = false
        isText = false
        at = close
        next = next === KEY || next === KEY_OR_END ? AFTER_KEY : AFTER_VALUE
      } else if (isWord) {
        while (at < end && isWordByte(bytes[at] as number)) at++
        if (at === end && !isEnd) break
        isWord = false
        at--
        next = AFTER_VALUE
      } else {
        const byte = bytes[at] as number
        if (isSpace(byte)) continue
        if (byte === QUOTE) {
          if (next === AFTER_KEY || next === AFTER_VALUE) return this.#broken(at)
          isText = true
          continue
        } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
          if ((next !== VALUE && next !== VALUE_OR_END) || depth === MAX_DEPTH) return this.#broken(at)
          isObjectAt[depth++] = byte === OPEN_BRACE
          next = byte === OPEN_BRACE ? KEY_OR_END : VALUE_OR_END
        } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
          const isObject = byte === CLOSE_BRACE
          const isAllowed = next === AFTER_VALUE || next === (isObject ? KEY_OR_END : VALUE_OR_END)
          if (depth === 0 || isObjectAt[depth - 1] !== isObject || !isAllowed) return this.#broken(at)
          depth--
          next = AFTER_VALUE
        } else if (byte === COMMA) {
          if (next !== AFTER_VALUE) return this.#broken(at)
          next = isObjectAt[depth - 1] === true ? KEY : VALUE
        } else if (byte === COLON) {
          if (next !== AFTER_KEY) return this.#broken(at)
          next = VALUE
        } else {
          if (next !== VALUE && next !== VALUE_OR_END) return this.#broken(at)
          isWord = true
        }
      }
      if (depth === 0 && next === AFTER_VALUE) return at + 1
    }
    this.#depth = depth
    this.#next = next
    this.#isInText = isText
    this.#isInWord = isWord
    return CUT_OFF
  }

  #broken(at: number): number {
    this.brokenAt = at
    return BROKEN
  }
}

const ONE_SCAN = new ValueScan()

/** Bytes of numbers and of words such as `true`. */
function isWordByte(byte: number): boolean {
  return !isSpace(byte) && byte !== COMMA && byte !== CLOSE_BRACE && byte !== CLOSE_BRACKET && byte !== COLON
}

/** Index of the closing quote of the text whose characters start at `from`. A line break within a text is no JSON. */
export function endOfText(bytes: Buffer, from: number, end: number): number {
  const close = quoteOrBreak(bytes, from, end)
  return close === end ? CUT_OFF : bytes[close] === QUOTE ? close : BROKEN
}

/** Index of the first quote or line break that has no backslash in front; `end` if there is none. */
function quoteOrBreak(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === BACKSLASH) at++
    else if (byte === QUOTE || byte === NEWLINE) return at
  }
  return end
}

/** Whether the last byte of `bytes[from, end)`, all within a text, is the backslash of an escape. */
function endsWithEscape(bytes: Buffer, from: number, end: number): boolean {
  let first = end
  while (first > from && bytes[first - 1] === BACKSLASH) first--
  return (end - first) % 2 === 1
}
