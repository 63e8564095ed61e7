/**
 * Reads JSON files that are not lines: an array of records, on one line or pretty-printed, or JSON values one after another.
 * Each element of the array is a record. The file is never parsed as a whole: a scan finds where each element ends, so memory is
 * bounded by the largest element.
 *
 * The scan checks the structure as it goes. Where an element breaks it (a missing brace, a quote that does not end), the element
 * becomes a dead letter that ends before the next place at which a whole object begins, so that its neighbours are read.
 */
import type { Decoded } from '../../core/point.ts'
import { decodeUtf8 } from '../bytes/text.ts'
import { createJsonDecoder } from '../json/decode.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { notUtf8, undecodable } from '../mapping/undecodable.ts'
import type { LineReaderOptions } from './line-reader.ts'
import { FileRecord } from './record.ts'
import type { RecordBatch } from './record.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NEWLINE = 0x0a

/** The value does not end within the bytes. */
const CUT_OFF = -1
/** The bytes are no JSON. */
const BROKEN = -2
/** Nesting deeper than this is broken, like a file of open brackets. */
const MAX_DEPTH = 200
/** Bytes of an element without an end that are kept for its dead letter. */
const KEPT_HEAD_BYTES = 4096

export async function* readJsonElements(
  options: LineReaderOptions & { readonly decode: DecodeOptions },
): AsyncGenerator<RecordBatch> {
  const { file, numbering, maxRecordBytes } = options
  const decoder = createJsonDecoder(options.decode)
  const context = { file }
  let bytes: Buffer = Buffer.alloc(0)
  let line = 1
  let records: FileRecord[] = []
  /** A broken element has its dead letter, and the next whole object is still to be found. */
  let isSkipping = false

  const add = (start: number, end: number, what: (() => Decoded) | null): void => {
    const offset = numbering.next++
    if (offset < numbering.decodeFrom) return
    const decoded = what === null ? decodeElement(start, end) : what()
    records.push(new FileRecord(offset, decoded, bytes, start, end, file, line))
  }
  const decodeElement = (start: number, end: number): Decoded => {
    const scanned = decoder.scan(bytes, start, end, context)
    if (scanned !== null) return scanned
    const text = decodeUtf8(bytes, start, end)
    return text === null ? notUtf8() : decoder.decodeText(text, context)
  }
  const countLines = (from: number, to: number): void => {
    for (let at = bytes.indexOf(NEWLINE, from); at >= 0 && at < to; at = bytes.indexOf(NEWLINE, at + 1)) line++
  }

  /** Reads elements; returns where reading continues with more bytes. */
  const readElements = (isEnd: boolean): number => {
    let at = 0
    for (;;) {
      const start = isSkipping ? nextObject(bytes, at, isEnd) : nextElement(bytes, at)
      countLines(at, start)
      at = start
      if (start >= bytes.length) return at
      isSkipping = false
      const end = endOfValue(bytes, start, isEnd)
      if (end >= 0) {
        if (end - start > maxRecordBytes) add(start, start + KEPT_HEAD_BYTES, oversized)
        else add(start, end, null)
        countLines(start, end)
        at = end
        continue
      }
      if (end === CUT_OFF && !isEnd && bytes.length - start <= maxRecordBytes) return at
      const next = nextObject(bytes, start + 1, isEnd)
      if (end === BROKEN && next >= bytes.length && !isEnd && bytes.length - start <= maxRecordBytes) return at
      const brokenEnd = trimmed(bytes, start, next)
      if (end === CUT_OFF && !isEnd) add(start, start + KEPT_HEAD_BYTES, oversized)
      else add(start, Math.min(brokenEnd, start + maxRecordBytes), end === BROKEN ? broken : cutOff)
      countLines(start, next)
      at = next
      isSkipping = next >= bytes.length
    }
  }
  const oversized = (): Decoded => undecodable('oversized', `the element is longer than ${maxRecordBytes} bytes`)
  const broken = (): Decoded => undecodable('undecodable', 'not JSON: a bracket, a quote or a comma is missing')
  const cutOff = (): Decoded => undecodable('undecodable', 'not JSON: the file ends within the element')

  for await (const chunk of options.chunks) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const consumed = readElements(false)
    if (records.length > 0) yield { records, pinnedBytes: bytes.length }
    records = []
    bytes = bytes.subarray(consumed)
  }
  readElements(true)
  if (records.length > 0) yield { records, pinnedBytes: bytes.length }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** The start of the next value: what stands between values and around the array is passed over. */
function nextElement(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at] as number
    if (!isSpace(byte) && byte !== COMMA && byte !== OPEN_BRACKET && byte !== CLOSE_BRACKET) break
    at++
  }
  return at
}

/** The start of the next whole object that follows a comma, a bracket or a line break; the end of the bytes if there is none. */
function nextObject(bytes: Buffer, from: number, isEnd: boolean): number {
  for (let at = bytes.indexOf(OPEN_BRACE, from); at >= 0; at = bytes.indexOf(OPEN_BRACE, at + 1)) {
    let before = at - 1
    while (before >= 0 && isSpace(bytes[before] as number) && bytes[before] !== NEWLINE) before--
    const byte = bytes[before]
    if (byte !== COMMA && byte !== OPEN_BRACKET && byte !== NEWLINE && before >= 0) continue
    const end = endOfValue(bytes, at, isEnd)
    if (end >= 0 || (end === CUT_OFF && !isEnd)) return at
  }
  return bytes.length
}

function trimmed(bytes: Buffer, start: number, end: number): number {
  let at = end
  while (at > start + 1 && (isSpace(bytes[at - 1] as number) || bytes[at - 1] === COMMA)) at--
  return at
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
function endOfValue(bytes: Buffer, start: number, isEnd: boolean): number {
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
function endOfText(bytes: Buffer, open: number): number {
  for (let at = open + 1; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === BACKSLASH) at++
    else if (byte === QUOTE) return at
    else if (byte === NEWLINE) return BROKEN
  }
  return CUT_OFF
}
