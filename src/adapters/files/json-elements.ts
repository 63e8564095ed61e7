/**
 * Reads JSON files that are not lines: an array of records, on one line or pretty-printed, or JSON values one after another.
 * Each element of the array is a record. The file is never parsed as a whole: a scan finds where each element ends, so memory is
 * bounded by the largest element.
 *
 * The scan checks the structure as it goes. Where an element breaks it (a missing brace, a quote that does not end), the element
 * becomes a dead letter that ends before the next place at which a whole object begins, so that its neighbours are read.
 *
 * An object that is longer than a record may be, or broken, and has an array of records inside, such as `{"records":[…]}`, is
 * read in the same way: each element of its array is a record. See long-object.ts.
 */
import type { Decoded } from '../../core/point.ts'
import { decodeUtf8 } from '../bytes/text.ts'
import { createJsonDecoder, shownPlace } from '../json/decode.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import type { ElementPlace } from '../mapping/json-mapper.ts'
import { notUtf8, undecodable, type Undecodable } from '../mapping/undecodable.ts'
import {
  BROKEN,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  CUT_OFF,
  endOfValue,
  isBetweenMembers,
  isSpace,
  NEWLINE,
  OPEN_BRACE,
  OPEN_BRACKET,
} from '../json/json-bytes.ts'
import { arrayPathsOf, LongObject } from './long-object.ts'
import type { LineReaderOptions } from './line-reader.ts'
import { FileRecord } from './record.ts'
import type { RecordBatch } from './record.ts'

/** Bytes of an element without an end that are kept for its dead letter. */
const KEPT_HEAD_BYTES = 4096

const BROKEN_ELEMENT = undecodable('undecodable', 'not JSON: a bracket, a quote or a comma is missing')
const CUT_OFF_OBJECT = undecodable('undecodable', 'not JSON: the file ends within the object')
const CUT_OFF_ELEMENT = undecodable('undecodable', 'not JSON: the file ends within the element')

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
  /** The long object whose array is being read; `null` between the elements of the file. */
  let outer: LongObject | null = null
  const arrays = arrayPathsOf(options.decode)

  const add = (start: number, end: number, what: Undecodable | null): void => {
    const offset = numbering.next++
    const place = outer?.nextPlace()
    if (offset < numbering.decodeFrom) return
    const decoded = what === null ? decodeElement(start, end, place) : located(what, place)
    records.push(new FileRecord(offset, decoded, bytes, start, end, file, line))
  }
  const decodeElement = (start: number, end: number, place: ElementPlace | undefined): Decoded => {
    const scanned = place === undefined ? decoder.scan(bytes, start, end, context) : null
    if (scanned !== null) return scanned
    const text = decodeUtf8(bytes, start, end)
    return text === null ? located(notUtf8(), place) : decoder.decodeText(text, context, place)
  }
  const countLines = (from: number, to: number): void => {
    for (let at = bytes.indexOf(NEWLINE, from); at >= 0 && at < to; at = bytes.indexOf(NEWLINE, at + 1)) line++
  }
  const oversized = undecodable('oversized', `the element is longer than ${maxRecordBytes} bytes`)

  /** Reads elements; returns where reading continues with more bytes. */
  const readElements = (isEnd: boolean): number => {
    let at = 0
    for (;;) {
      if (outer !== null && outer.array === null && !isSkipping) {
        const step = outer.readMember(bytes, at, isEnd, maxRecordBytes)
        if (step === null) return at
        countLines(at, step.start)
        if (step.problem !== null) add(step.start, step.problemEnd, step.problem)
        countLines(step.start, step.end)
        at = step.end
        isSkipping = step.isLost
        if (step.isLast) outer = null
        continue
      }
      const start = isSkipping
        ? nextObject(bytes, at, isEnd)
        : nextElement(bytes, at, outer === null ? isBetweenElements : isBetweenMembers)
      countLines(at, start)
      at = start
      if (start >= bytes.length) return at
      if (outer !== null && !isSkipping && (bytes[start] === CLOSE_BRACKET || bytes[start] === CLOSE_BRACE)) {
        // A brace ends the object, although the bracket of the array is missing.
        if (bytes[start] === CLOSE_BRACE) add(start, start + 1, BROKEN_ELEMENT)
        outer.array = null
        if (bytes[start] === CLOSE_BRACKET) at++
        continue
      }
      isSkipping = false
      const end = endOfValue(bytes, start, isEnd)
      const isShort = end >= 0 && end - start <= maxRecordBytes
      if (isShort) {
        add(start, end, null)
        countLines(start, end)
        at = end
        continue
      }
      if (end === CUT_OFF && !isEnd && bytes.length - start <= maxRecordBytes) return at
      if (outer === null && arrays.length > 0 && bytes[start] === OPEN_BRACE) {
        outer = new LongObject(arrays)
        at = start + 1
        continue
      }
      if (end >= 0) {
        add(start, start + KEPT_HEAD_BYTES, oversized)
        countLines(start, end)
        at = end
        continue
      }
      const next = nextObject(bytes, start + 1, isEnd)
      if (end === BROKEN && next >= bytes.length && !isEnd && bytes.length - start <= maxRecordBytes) return at
      const brokenEnd = trimmed(bytes, start, next)
      if (end === CUT_OFF && !isEnd) add(start, start + KEPT_HEAD_BYTES, oversized)
      else add(start, Math.min(brokenEnd, start + maxRecordBytes), end === BROKEN ? BROKEN_ELEMENT : CUT_OFF_ELEMENT)
      countLines(start, next)
      at = next
      isSkipping = next >= bytes.length
    }
  }

  for await (const chunk of options.chunks) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const consumed = readElements(false)
    if (records.length > 0) yield { records, pinnedBytes: bytes.length }
    records = []
    bytes = bytes.subarray(consumed)
  }
  readElements(true)
  if (outer !== null && !isSkipping) {
    ;(outer as LongObject).array = null
    add(bytes.length, bytes.length, CUT_OFF_OBJECT)
  }
  if (records.length > 0) yield { records, pinnedBytes: bytes.length }
}

/** The start of the next value. */
function nextElement(bytes: Buffer, from: number, isBetween: (byte: number) => boolean): number {
  let at = from
  while (at < bytes.length && isBetween(bytes[at] as number)) at++
  return at
}

/** Bytes between the elements of the file, and around its array. */
function isBetweenElements(byte: number): boolean {
  return isSpace(byte) || byte === COMMA || byte === OPEN_BRACKET || byte === CLOSE_BRACKET
}

/** Names the place in front of a problem. */
function located(decoded: Undecodable, place: ElementPlace | undefined): Decoded {
  return undecodable(decoded.code, shownPlace(place) + decoded.detail)
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
