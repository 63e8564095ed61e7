/**
 * Files of this folder: decode.ts, the decoder of points and manifests in JSON, with fast paths in scan.ts; mapping.ts, the
 * names of fields in other formats; this file, the fast path of a mapping; line-protocol.ts, the line protocol by a mapping;
 * json-bytes.ts, the characters of JSON.
 *
 * Reads the wanted members of a JSON object straight from its bytes, without building the object. JSON.parse spends most of its
 * time on keys and values that a mapping does not use.
 *
 * The scanner knows the usual forms only: ASCII, no escapes, no wanted key twice, and wanted members that are texts, numbers,
 * `true`, `false` or `null`. It checks the whole text against the JSON grammar as it reads. For anything else `scan` returns
 * `false`, and the caller parses the text with JSON.parse. So a scanned record has exactly the values that JSON.parse gives.
 */
import { createTextReader } from '../bytes/text.ts'
import { isPlainName, parsePath } from '../mapping/path.ts'
import type { RecordContext } from '../mapping/spec.ts'
import type { BytesReader, RowAccess } from '../mapping/text.ts'
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from './json-bytes.ts'

const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const UPPER_E = 0x45
const LOWER_E = 0x65

/** What a slot holds. */
const ABSENT = 0
const TEXT = 1
const NUMBER = 2
const TRUE = 3
const FALSE = 4
const NULL = 5

/** The text is not of the usual form. */
const UNUSUAL = -1
/** Deeper nesting is left to JSON.parse. */
const MAX_DEPTH = 32
/** Any integer of so many digits is below 2^53, so that it and its quotient by a power of ten are rounded once at most. */
const EXACT_DIGITS = 15
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent)

/** A key of an object that is on the way to a wanted member. */
interface Key {
  readonly bytes: Buffer
  /** The slot of the value; -1 for an object that holds wanted members. */
  slot: number
  readonly keys: Key[]
  /** Whether a record with this key is left to JSON.parse. */
  isUnusual: boolean
  /** Number of the last record that had this key. */
  seenIn: number
}

/** A path that the scanner does not support, such as one with an index. */
export class UnscannablePath extends Error {}

/** The wanted members of the record that was scanned last. */
export class ScannedRow implements RowAccess {
  readonly columns = null
  context: RecordContext = {}
  readonly #root: Key = newKey('')
  readonly #slots = new Map<string, number>()
  readonly #kinds: number[] = []
  readonly #numbers: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #readText = createTextReader()
  #bytes: Buffer = Buffer.alloc(0)
  #records = 0

  /** A record that has this key at its top level is left to JSON.parse. */
  refuse(name: string): void {
    childOf(this.#root, name).isUnusual = true
  }

  bind(path: string): () => unknown {
    const slot = this.slotOf(path)
    return () => this.value(slot)
  }

  bindNumber(path: string): () => number {
    const slot = this.slotOf(path)
    const kinds = this.#kinds
    const numbers = this.#numbers
    return () => (kinds[slot] === NUMBER ? (numbers[slot] as number) : Number.NaN)
  }

  bindObject(path: string): never {
    throw new UnscannablePath(path)
  }

  bindBytes(path: string, read: BytesReader): () => number {
    const slot = this.slotOf(path)
    return () =>
      this.#kinds[slot] === TEXT
        ? read(this.#bytes, this.#starts[slot] as number, this.#ends[slot] as number)
        : Number.NaN
  }

  /** Throws an UnscannablePath. */
  slotOf(path: string): number {
    const known = this.#slots.get(path)
    if (known !== undefined) return known
    const isPlain = isPlainName(path)
    const steps = isPlain ? [path] : parsePath(path)
    // JSON.parse gives every object a member __proto__.
    const isScannable = steps?.every((step) => typeof step === 'string' && step !== '__proto__') === true
    if (path === '' || !isScannable) throw new UnscannablePath(path)
    // A member whose name is the text of the path comes before the members on the path.
    if (!isPlain) this.refuse(path)
    const key = (steps as string[]).reduce(childOf, this.#root)
    // Two paths such as `a.b` and `a["b"]` are the same.
    const slot = key.slot >= 0 ? key.slot : this.#kinds.length
    this.#slots.set(path, slot)
    if (key.slot >= 0) return slot
    key.slot = slot
    // A value that is on the way to another one.
    if (key.keys.length > 0) key.isUnusual = true
    this.#kinds.push(ABSENT)
    this.#numbers.push(0.5)
    this.#starts.push(0)
    this.#ends.push(0)
    return slot
  }

  /** The value that JSON.parse gives; `undefined` if the record lacks it. */
  value(slot: number): unknown {
    switch (this.#kinds[slot]) {
      case TEXT:
        return this.#readText(this.#bytes, this.#starts[slot] as number, this.#ends[slot] as number)
      case NUMBER:
        return this.#numbers[slot]
      case TRUE:
        return true
      case FALSE:
        return false
      case NULL:
        return null
      default:
        return undefined
    }
  }

  /** Reads the object that is the text `bytes[start, end)`. Returns `false` if it is not of the usual form. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes
    this.#records++
    const kinds = this.#kinds
    for (let i = 0; i < kinds.length; i++) kinds[i] = ABSENT
    const open = skipSpace(bytes, start, end)
    if (open >= end || bytes[open] !== OPEN_BRACE) return false
    const close = this.#scanObject(this.#root, bytes, open + 1, end, 1)
    return close !== UNUSUAL && skipSpace(bytes, close, end) === end
  }

  /** `at`: after the opening brace. Returns the index after the closing one. */
  #scanObject(parent: Key, bytes: Buffer, from: number, end: number, depth: number): number {
    const { keys } = parent
    let at = skipSpace(bytes, from, end)
    if (at < end && bytes[at] === CLOSE_BRACE) return at + 1
    // Records mostly have their keys in the same order.
    let expected = 0
    for (;;) {
      if (at >= end || bytes[at] !== QUOTE) return UNUSUAL
      const keyStart = at + 1
      const keyEnd = endOfText(bytes, keyStart, end)
      if (keyEnd < 0) return UNUSUAL
      at = skipSpace(bytes, keyEnd + 1, end)
      if (at >= end || bytes[at] !== COLON) return UNUSUAL
      at = skipSpace(bytes, at + 1, end)
      if (at >= end) return UNUSUAL
      let key: Key | null = null
      for (let tried = 0; tried < keys.length; tried++) {
        const one = keys[expected] as Key
        if (++expected === keys.length) expected = 0
        if (isSame(one.bytes, bytes, keyStart, keyEnd)) {
          key = one
          break
        }
      }
      at = key === null ? skipValue(bytes, at, end, depth) : this.#scanMember(key, bytes, at, end, depth)
      if (at < 0) return UNUSUAL
      at = skipSpace(bytes, at, end)
      if (at >= end) return UNUSUAL
      if (bytes[at] === CLOSE_BRACE) return at + 1
      if (bytes[at] !== COMMA) return UNUSUAL
      at = skipSpace(bytes, at + 1, end)
    }
  }

  #scanMember(key: Key, bytes: Buffer, at: number, end: number, depth: number): number {
    // Of a key that comes twice, JSON.parse takes the second value.
    if (key.isUnusual || key.seenIn === this.#records) return UNUSUAL
    key.seenIn = this.#records
    const { slot } = key
    const byte = bytes[at] as number
    if (slot < 0) {
      if (byte !== OPEN_BRACE || depth === MAX_DEPTH) return UNUSUAL
      return this.#scanObject(key, bytes, at + 1, end, depth + 1)
    }
    if (byte === QUOTE) {
      const close = endOfText(bytes, at + 1, end)
      if (close < 0) return UNUSUAL
      this.#kinds[slot] = TEXT
      this.#starts[slot] = at + 1
      this.#ends[slot] = close
      return close + 1
    }
    if (byte === MINUS || isDigit(byte)) return this.#scanNumber(slot, bytes, at, end)
    const next = skipWord(bytes, at, end)
    if (next !== UNUSUAL) this.#kinds[slot] = byte === 0x74 ? TRUE : byte === 0x66 ? FALSE : NULL
    return next
  }

  #scanNumber(slot: number, bytes: Buffer, start: number, end: number): number {
    const next = skipNumber(bytes, start, end)
    if (next === UNUSUAL) return UNUSUAL
    this.#kinds[slot] = NUMBER
    this.#numbers[slot] = numberIn(bytes, start, next)
    return next
  }
}

function newKey(name: string): Key {
  return { bytes: Buffer.from(name), slot: -1, keys: [], isUnusual: false, seenIn: 0 }
}

function childOf(parent: Key, name: string): Key {
  const known = parent.keys.find(({ bytes }) => bytes.equals(Buffer.from(name)))
  if (known !== undefined) return known
  const key = newKey(name)
  parent.keys.push(key)
  if (parent.slot >= 0) parent.isUnusual = true
  return key
}

function isSame(name: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = name
  if (length !== end - start) return false
  for (let i = 0; i < length; i++) if (name[i] !== bytes[start + i]) return false
  return true
}

/** Index of the closing quote of a text without escapes. */
function endOfText(bytes: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === QUOTE) return at
    if (byte === BACKSLASH || byte < 0x20 || byte >= 0x80) return UNUSUAL
  }
  return UNUSUAL
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9
}

function skipDigits(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && isDigit(bytes[at] as number)) at++
  return at
}

/** Index after the number that starts at `start`. */
function skipNumber(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start
  let at = skipDigits(bytes, first, end)
  if (at === first || (at > first + 1 && bytes[first] === ZERO)) return UNUSUAL
  if (at < end && bytes[at] === POINT) {
    const fraction = at + 1
    at = skipDigits(bytes, fraction, end)
    if (at === fraction) return UNUSUAL
  }
  if (at < end && (bytes[at] === LOWER_E || bytes[at] === UPPER_E)) {
    at++
    if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++
    const exponent = at
    at = skipDigits(bytes, exponent, end)
    if (at === exponent) return UNUSUAL
  }
  return at
}

/** The number that is the JSON text `bytes[start, end)`, rounded as JSON.parse does. */
function numberIn(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS
  const first = isNegative ? start + 1 : start
  // With the point.
  if (end - first > EXACT_DIGITS + 1) return Number(bytes.toString('latin1', start, end))
  let value = 0
  let pointAt = end - 1
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit >= 0 && digit <= 9) value = value * 10 + digit
    else if (digit === POINT - ZERO) pointAt = at
    else return Number(bytes.toString('latin1', start, end))
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number(bytes.toString('latin1', start, end))
  const decimals = end - 1 - pointAt
  // Both operands are exact, so the one division rounds once.
  const magnitude = decimals > 0 ? value / (POWERS_OF_TEN[decimals] as number) : value
  return isNegative ? -magnitude : magnitude
}

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word))

function skipWord(bytes: Buffer, start: number, end: number): number {
  for (const word of WORDS) {
    if (word[0] !== bytes[start]) continue
    const next = start + word.length
    return next <= end && isSame(word, bytes, start, next) ? next : UNUSUAL
  }
  return UNUSUAL
}

/** Index after a value that is not wanted. */
function skipValue(bytes: Buffer, start: number, end: number, depth: number): number {
  const byte = bytes[start] as number
  if (byte === QUOTE) {
    const close = endOfText(bytes, start + 1, end)
    return close < 0 ? UNUSUAL : close + 1
  }
  if (byte === MINUS || isDigit(byte)) return skipNumber(bytes, start, end)
  if (byte !== OPEN_BRACE && byte !== OPEN_BRACKET) return skipWord(bytes, start, end)
  if (depth === MAX_DEPTH) return UNUSUAL
  const isObject = byte === OPEN_BRACE
  const last = isObject ? CLOSE_BRACE : CLOSE_BRACKET
  let at = skipSpace(bytes, start + 1, end)
  if (at < end && bytes[at] === last) return at + 1
  for (;;) {
    if (isObject) {
      if (at >= end || bytes[at] !== QUOTE) return UNUSUAL
      const close = endOfText(bytes, at + 1, end)
      if (close < 0) return UNUSUAL
      at = skipSpace(bytes, close + 1, end)
      if (at >= end || bytes[at] !== COLON) return UNUSUAL
      at = skipSpace(bytes, at + 1, end)
    }
    if (at >= end) return UNUSUAL
    at = skipValue(bytes, at, end, depth + 1)
    if (at < 0) return UNUSUAL
    at = skipSpace(bytes, at, end)
    if (at >= end) return UNUSUAL
    if (bytes[at] === last) return at + 1
    if (bytes[at] !== COMMA) return UNUSUAL
    at = skipSpace(bytes, at + 1, end)
  }
}
