/**
 * Decodes a body into records, or into a list of all its problems. Pure. Items in JSON may have any shape that the setting
 * `fields` maps, and an item may hold several points. Items are checked by the same rules that a run
 * applies to the records of the topic: an item that would become a dead letter there is refused here, while the sender can
 * still correct it. If one item is bad, nothing of the request is stored.
 */
import { createDecoder } from '../adapters/avro/decode.ts'
import { decodeUtf8 } from '../adapters/bytes/text.ts'
import { createJsonDecoder } from '../adapters/json/decode.ts'
import { notUtf8 } from '../adapters/mapping/undecodable.ts'
import { isPlainMapping, type DecodeOptions } from '../adapters/json/mapping.ts'
import { decodedEntries } from '../core/entries.ts'
import type { Decoded, DecodedEntry, EpochMs } from '../core/point.ts'
import type { Refusal } from '../core/fate.ts'
import { refuseManifest, refusePoint } from '../core/refusals.ts'
import type { Windowing } from '../core/windowing.ts'
import type { BodyFormat } from './media-type.ts'
import type { ItemKind } from './meter.ts'
import type { LogRecord } from '../ports/point-log.ts'
import { ProblemError, type ItemProblem, type ProblemCode } from './problem.ts'

export interface ItemRules {
  /** `POST /v1/points` accepts points only, `POST /v1/manifests` manifests only. */
  readonly kind: ItemKind
  readonly maxItems: number
  /** The rules of the job that reads the topic. */
  readonly windowing: Windowing
  readonly nowMs: EpochMs
}

export interface ItemReader {
  /** Returns the records in the order of the body. Throws a ProblemError that lists every bad item. */
  read(body: Buffer, format: BodyFormat, rules: ItemRules): LogRecord[]
}

/** Throws a RangeError if the mapping of the options cannot be used. */
export function createItemReader(options: DecodeOptions = {}): ItemReader {
  const json = createJsonDecoder(options)
  const isMapped = options.mapping !== undefined && !isPlainMapping(options.mapping)
  const avro = createDecoder(options)

  const decode = (body: Buffer, format: BodyFormat, { kind, maxItems }: ItemRules): Decoded[] => {
    if (body.length === 0) throw badBody('BODY_EMPTY', 'the body is empty')
    if (format === 'avro') return avro.decodeSequence(body)
    const text = decodeUtf8(body, 0, body.length)
    if (text === null && format === 'json') throw badBody('BODY_NOT_UTF8', 'the body is not UTF-8')
    if (format === 'json') {
      return listOf(text as string, maxItems, isMapped).map((item) => json.decodeValue(asItem(item, kind)))
    }
    return linesOf(body, maxItems).map((line) => decodeLine(line, kind))
  }

  const decodeLine = (bytes: Buffer, kind: ItemKind): Decoded => {
    const text = decodeUtf8(bytes, 0, bytes.length)
    if (text === null) return notUtf8()
    const parsed = parsedOrNull(text)
    // A line that is not JSON goes through the decoder as text, for the decoder's error message.
    return parsed === null ? json.decodeText(text) : json.decodeValue(asItem(parsed.value, kind))
  }

  return {
    read(body, format, rules) {
      const decoded = decode(body, format, rules)
      if (decoded.length > rules.maxItems) throw tooManyItems(decoded.length, rules.maxItems)
      const records: LogRecord[] = []
      const problems: ItemProblem[] = []
      for (const [index, item] of decoded.entries()) {
        for (const entry of decodedEntries(item)) {
          const problem = problemOf(entry, rules)
          if (problem !== null) problems.push({ index, ...problem })
          else if (entry.kind !== 'undecodable') records.push(entry)
        }
      }
      if (problems.length > 0) throw badItems(problems, decoded.length)
      if (records.length > rules.maxItems) throw tooManyItems(records.length, rules.maxItems)
      return records
    },
  }
}

function problemOf(item: DecodedEntry, { kind, windowing, nowMs }: ItemRules): Omit<ItemProblem, 'index'> | null {
  if (item.kind === 'undecodable') return { code: item.code, reason: item.detail }
  if ((item.kind === 'manifest') !== (kind === 'manifest')) {
    const place = item.kind === 'manifest' ? '/v1/manifests' : '/v1/points'
    return { code: 'wrong-kind', reason: `a ${item.kind}, which goes to ${place}` }
  }
  const refused =
    item.kind === 'manifest' ? refuseManifest(item.manifest, nowMs, windowing) : refuseReading(item, nowMs, windowing)
  return refused === null ? null : { code: refused.reason, reason: refused.detail }
}

/** A place without a reading is judged as a point with a plain value there. */
export function refuseReading({ kind, point }: Reading, nowMs: EpochMs, windowing: Windowing): Refusal | null {
  return refusePoint(kind === 'point' ? point : { ...point, value: 0 }, nowMs, windowing)
}

type Reading = Extract<DecodedEntry, { readonly kind: 'point' | 'no-reading' }>

/** On the manifest route, a manifest may be sent without its wrapper: the path already identifies it. */
function asItem(item: unknown, kind: ItemKind): unknown {
  const isBare = kind === 'manifest' && typeof item === 'object' && item !== null && !Object.hasOwn(item, 'manifest')
  return isBare ? { manifest: item } : item
}

/** `mayBeOne`: a body that is no list is one item, since a mapping may read lists within it. */
function listOf(text: string, maxItems: number, mayBeOne: boolean): unknown[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw badBody('BODY_NOT_JSON', `the body is not JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(parsed) && mayBeOne) return [parsed]
  if (!Array.isArray(parsed)) throw badBody('BODY_NOT_A_LIST', 'the body is JSON, but not an array')
  if (parsed.length > maxItems) throw tooManyItems(parsed.length, maxItems)
  return parsed
}

function parsedOrNull(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

const LINE_FEED = 0x0a
/** Space, tab, carriage return: allowed around the JSON of a line. */
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d

/** All lines that are not blank. */
function linesOf(body: Buffer, maxItems: number): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < body.length;) {
    const found = body.indexOf(LINE_FEED, start)
    const end = found === -1 ? body.length : found
    const line = body.subarray(start, end)
    if (!line.every(isBlank)) lines.push(line)
    if (lines.length > maxItems) throw tooManyItems(lines.length, maxItems)
    start = end + 1
  }
  return lines
}

function badBody(code: ProblemCode, detail: string): ProblemError {
  const remedy = 'Send a JSON array, lines of JSON or Avro records, matching the Content-Type; see /openapi.json.'
  return new ProblemError({ status: 400, code, detail, remedy })
}

function badItems(items: readonly ItemProblem[], of: number): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'BAD_ITEMS',
    detail: `${items.length} of ${of} items cannot be accepted, so none was stored`,
    remedy: 'Correct or remove the items listed, and send the request again.',
    items,
  })
}

export function tooManyItems(count: number, maxItems: number): ProblemError {
  return new ProblemError({
    status: 413,
    code: 'TOO_MANY_ITEMS',
    detail: `the request has ${count} or more items; at most ${maxItems} are allowed`,
    remedy: 'Send fewer items in one request; the limit is the gateway setting maxItems.',
  })
}
