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
import { createJsonDecoder, shownPlace, type JsonDecoder } from '../json/decode.ts'
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
  ValueScan,
} from '../json/json-bytes.ts'
import { arrayPathsOf, LongObject, type ArrayPath } from './long-object.ts'
import type { LineReaderOptions } from './line-reader.ts'
import { FileRecord } from './record.ts'
import type { RecordBatch } from './record.ts'

/** Bytes of an element without an end that are kept for its dead letter. */
const KEPT_HEAD_BYTES = 4096
/** Bytes of a chunk that are joined at first with the rest of the chunk before it, to end the element between them. */
const SEAM_BYTES = 4096

const BROKEN_ELEMENT = undecodable('undecodable', 'not JSON: a bracket, a quote or a comma is missing')
const CUT_OFF_OBJECT = undecodable('undecodable', 'not JSON: the file ends within the object')
const CUT_OFF_ELEMENT = undecodable('undecodable', 'not JSON: the file ends within the element')
const NO_BYTES: Buffer = Buffer.alloc(0)

type ElementOptions = LineReaderOptions & { readonly decode: DecodeOptions }

/**
 * What is read does not depend on how the file is cut into chunks. Only the element that two chunks share is copied, because a
 * copy of each chunk would double the memory that waits for the garbage collector.
 */
export async function* readJsonElements(options: ElementOptions): AsyncGenerator<RecordBatch> {
  const reader = new ElementReader(options)
  let rest = NO_BYTES
  for await (const chunk of options.chunks) {
    let bytes = chunk
    while (rest.length > 0 && bytes.length > 0) {
      const restBytes = rest.length
      const added = Math.min(bytes.length, Math.max(SEAM_BYTES, restBytes))
      const seam = Buffer.concat([rest, bytes.subarray(0, added)])
      const end = reader.read(seam, restBytes, false)
      if (reader.records.length > 0) yield reader.takeBatch(seam.length)
      const isJoined = end >= restBytes
      rest = isJoined ? NO_BYTES : seam.subarray(end)
      bytes = bytes.subarray(isJoined ? end - restBytes : added)
    }
    if (bytes.length === 0) continue
    const end = reader.read(bytes, bytes.length, false)
    if (reader.records.length > 0) yield reader.takeBatch(bytes.length)
    rest = bytes.subarray(end)
  }
  reader.readEnd(rest)
  if (reader.records.length > 0) yield reader.takeBatch(rest.length)
}

/** What is read next. */
type Mode =
  /** The next element, or the next member of a long object. */
  | 'elements'
  /** After a broken element: the next whole object. */
  | 'search'
  /** The end of an element that is too long. */
  | 'skip'

class ElementReader {
  records: FileRecord[] = []
  readonly #options: ElementOptions
  readonly #decoder: JsonDecoder
  readonly #context: { readonly file: string }
  readonly #arrays: readonly ArrayPath[]
  readonly #oversized: Undecodable
  readonly #skipped = new ValueScan()
  #bytes = NO_BYTES
  #line = 1
  #mode: Mode = 'elements'
  /** The last byte before `#bytes` that is no white space, for a search that begins there. */
  #byteBefore = NEWLINE
  /** The long object whose array is being read; `null` between the elements of the file. */
  #outer: LongObject | null = null

  constructor(options: ElementOptions) {
    this.#options = options
    this.#decoder = createJsonDecoder(options.decode)
    this.#context = { file: options.file }
    this.#arrays = arrayPathsOf(options.decode)
    this.#oversized = undecodable('oversized', `the element is longer than ${options.maxRecordBytes} bytes`)
  }

  takeBatch(pinnedBytes: number): RecordBatch {
    const { records } = this
    this.records = []
    return { records, pinnedBytes }
  }

  /** Reads what starts before `until`. Returns where reading continues, with more bytes. `isEnd`: there are no more. */
  read(bytes: Buffer, until: number, isEnd: boolean): number {
    this.#bytes = bytes
    let at = 0
    while (at < until) {
      const next = this.#readNext(at, isEnd)
      if (next === null) break
      at = next
    }
    for (let before = at - 1; this.#mode !== 'elements' && before >= 0; before--) {
      if (isSpace(bytes[before] as number) && bytes[before] !== NEWLINE) continue
      this.#byteBefore = bytes[before] as number
      break
    }
    return at
  }

  /** Reads the last bytes of the file. */
  readEnd(bytes: Buffer): void {
    this.read(bytes, bytes.length, true)
    if (this.#outer === null || this.#mode === 'search') return
    this.#outer.array = null
    this.#add(bytes.length, bytes.length, CUT_OFF_OBJECT)
  }

  /** Returns where the next thing starts; `null` if this one needs more bytes. */
  #readNext(from: number, isEnd: boolean): number | null {
    const bytes = this.#bytes
    if (this.#mode === 'skip') return this.#skip(from, isEnd)
    if (this.#mode === 'search') {
      const found = this.#nextObject(from, bytes.length, isEnd)
      this.#countLines(from, found.at)
      if (found.isDecided && found.at < bytes.length) this.#mode = 'elements'
      // A place that is not decided yet is found again, as the first one.
      return found.at === from && !found.isDecided ? null : found.at
    }
    const outer = this.#outer
    if (outer !== null && outer.array === null) return this.#readMember(outer, from, isEnd)
    const start = nextElement(bytes, from, outer === null ? isBetweenElements : isBetweenMembers)
    this.#countLines(from, start)
    if (start >= bytes.length) return start
    if (outer !== null && (bytes[start] === CLOSE_BRACKET || bytes[start] === CLOSE_BRACE)) {
      // A brace ends the object, although the bracket of the array is missing.
      if (bytes[start] === CLOSE_BRACE) this.#add(start, start + 1, BROKEN_ELEMENT)
      outer.array = null
      return bytes[start] === CLOSE_BRACKET ? start + 1 : start
    }
    return this.#readElement(start, isEnd) ?? (start > from ? start : null)
  }

  #readElement(start: number, isEnd: boolean): number | null {
    const bytes = this.#bytes
    const { maxRecordBytes } = this.#options
    // What is decided depends on these bytes only, so that it is the same however the file comes in chunks.
    const limit = Math.min(bytes.length, start + maxRecordBytes + 1)
    const isWhole = limit - start > maxRecordBytes
    const end = endOfValue(bytes, start, limit, isEnd && limit === bytes.length)
    if (end >= 0 && end - start <= maxRecordBytes) {
      this.#add(start, end, null)
      this.#countLines(start, end)
      return end
    }
    if (end === CUT_OFF && !isWhole && !isEnd) return null
    if (this.#outer === null && this.#arrays.length > 0 && bytes[start] === OPEN_BRACE) {
      this.#outer = new LongObject(this.#arrays)
      return start + 1
    }
    if (end >= 0 || (end === CUT_OFF && isWhole)) {
      this.#add(start, start + Math.min(KEPT_HEAD_BYTES, maxRecordBytes), this.#oversized)
      this.#skipped.begin()
      this.#mode = 'skip'
      return this.#skip(start, isEnd)
    }
    const found = this.#nextObject(start + 1, limit, isEnd)
    const isFound = found.isDecided && found.at < limit
    if (!found.isDecided || (!isFound && !isWhole && !isEnd)) return null
    const brokenEnd = Math.min(trimmed(bytes, start, found.at), start + maxRecordBytes)
    this.#add(start, brokenEnd, end === BROKEN ? BROKEN_ELEMENT : CUT_OFF_ELEMENT)
    this.#countLines(start, found.at)
    if (!isFound) this.#mode = 'search'
    return found.at
  }

  #readMember(outer: LongObject, from: number, isEnd: boolean): number | null {
    const step = outer.readMember(this.#bytes, from, isEnd, this.#options.maxRecordBytes)
    if (step === null) return null
    this.#countLines(from, step.start)
    if (step.problem !== null) this.#add(step.start, step.problemEnd, step.problem)
    this.#countLines(step.start, step.end)
    if (step.isLast) this.#outer = null
    if (step.skip === 'elements') this.#mode = 'search'
    if (step.skip === 'value') {
      this.#skipped.begin()
      this.#mode = 'skip'
    }
    return step.end
  }

  /** Reads on in a value that is too long. */
  #skip(from: number, isEnd: boolean): number {
    const bytes = this.#bytes
    const end = this.#skipped.read(bytes, from, bytes.length, isEnd)
    const at = end === CUT_OFF ? bytes.length : end === BROKEN ? this.#skipped.brokenAt : end
    this.#countLines(from, at)
    if (end === BROKEN) this.#outer = null
    if (end !== CUT_OFF) this.#mode = end === BROKEN ? 'search' : 'elements'
    return at
  }

  /**
   * The start of the first whole object in `bytes[from, to)` that follows a comma, a bracket or a line break; `to` if there is
   * none. Not decided: whether the object is whole.
   */
  #nextObject(from: number, to: number, isEnd: boolean): { readonly at: number; readonly isDecided: boolean } {
    const bytes = this.#bytes
    const { maxRecordBytes } = this.#options
    for (let at = bytes.indexOf(OPEN_BRACE, from); at >= 0 && at < to; at = bytes.indexOf(OPEN_BRACE, at + 1)) {
      let before = at - 1
      while (before >= 0 && isSpace(bytes[before] as number) && bytes[before] !== NEWLINE) before--
      const byte = before < 0 ? this.#byteBefore : bytes[before]
      if (byte !== COMMA && byte !== OPEN_BRACKET && byte !== NEWLINE) continue
      const limit = Math.min(bytes.length, at + maxRecordBytes + 1)
      const end = endOfValue(bytes, at, limit, isEnd && limit === bytes.length)
      if (end >= 0 || (end === CUT_OFF && limit - at > maxRecordBytes)) return { at, isDecided: true }
      if (end === CUT_OFF && !isEnd) return { at, isDecided: false }
    }
    return { at: to, isDecided: true }
  }

  #add(start: number, end: number, problem: Undecodable | null): void {
    const { numbering, file } = this.#options
    const offset = numbering.next++
    const place = this.#outer?.nextPlace()
    if (offset < numbering.decodeFrom) return
    const decoded = problem === null ? this.#decode(start, end, place) : located(problem, place)
    this.records.push(new FileRecord(offset, decoded, this.#bytes, start, end, file, this.#line))
  }

  #decode(start: number, end: number, place: ElementPlace | undefined): Decoded {
    const bytes = this.#bytes
    const scanned = place === undefined ? this.#decoder.scan(bytes, start, end, this.#context) : null
    if (scanned !== null) return scanned
    const text = decodeUtf8(bytes, start, end)
    return text === null ? located(notUtf8(), place) : this.#decoder.decodeText(text, this.#context, place)
  }

  #countLines(from: number, to: number): void {
    const bytes = this.#bytes
    for (let at = bytes.indexOf(NEWLINE, from); at >= 0 && at < to; at = bytes.indexOf(NEWLINE, at + 1)) this.#line++
  }
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

function trimmed(bytes: Buffer, start: number, end: number): number {
  let at = end
  while (at > start + 1 && (isSpace(bytes[at - 1] as number) || bytes[at - 1] === COMMA)) at--
  return at
}
