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

/** Whether the open levels are objects; one scan at a time uses it. */
const isObjectAt: boolean[] = []

/** Index after the value that starts at `start`, or CUT_OFF or BROKEN. */
export function endOfValue(bytes: Buffer, start: number, isEnd: boolean): number {
  let depth = 0
  let next = VALUE
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (isSpace(byte)) continue
    if (byte === QUOTE) {
      if (next === AFTER_KEY || next === AFTER_VALUE) return BROKEN
      at = endOfText(bytes, at)
      if (at < 0) return at
      next = next === KEY || next === KEY_OR_END ? AFTER_KEY : AFTER_VALUE
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if ((next !== VALUE && next !== VALUE_OR_END) || depth === MAX_DEPTH) return BROKEN
      isObjectAt[depth++] = byte === OPEN_BRACE
      next = byte === OPEN_BRACE ? KEY_OR_END : VALUE_OR_END
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      const isObject = byte === CLOSE_BRACE
      const isAllowed = next === AFTER_VALUE || next === (isObject ? KEY_OR_END : VALUE_OR_END)
      if (depth === 0 || isObjectAt[depth - 1] !== isObject || !isAllowed) return BROKEN
      depth--
      next = AFTER_VALUE
    } else if (byte === COMMA) {
      if (next !== AFTER_VALUE) return BROKEN
      next = isObjectAt[depth - 1] === true ? KEY : VALUE
    } else if (byte === COLON) {
      if (next !== AFTER_KEY) return BROKEN
      next = VALUE
    } else {
      if (next !== VALUE && next !== VALUE_OR_END) return BROKEN
      while (at + 1 < bytes.length && isWord(bytes[at + 1] as number)) at++
      if (at + 1 === bytes.length && !isEnd) return CUT_OFF
      next = AFTER_VALUE
    }
    if (depth === 0 && next === AFTER_VALUE) return at + 1
  }
  return CUT_OFF
}

/** Bytes of numbers and of words such as `true`. */
function isWord(byte: number): boolean {
  return !isSpace(byte) && byte !== COMMA && byte !== CLOSE_BRACE && byte !== CLOSE_BRACKET && byte !== COLON
}

/** Index of the closing quote. A line break within a text is no JSON. */
export function endOfText(bytes: Buffer, open: number): number {
  for (let at = open + 1; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === BACKSLASH) at++
    else if (byte === QUOTE) return at
    else if (byte === NEWLINE) return BROKEN
  }
  return CUT_OFF
}
