/**
 * One JSON text, a line of a file or the value of a Kafka record, to a point or a manifest:
 *
 *   {"vmId","metric","timestamp","seq","value"[,"producer","replaces"]}
 *   {"manifest":{"vmId","windowStart","firstSeq","count"[,"producer","last","counts","metrics","corrects","replaces"]}}
 *
 * Unknown fields are ignored. Nothing throws: what is wrong becomes an `undecodable` value that names field and value.
 */
import { checkManifest, checkPoint } from '../../core/shape.ts'
import type { DataPoint, Decoded, DecodedEntry, WindowManifest } from '../../core/point.ts'
import { decodedEntries, joinEntries } from '../../core/entries.ts'
import { decodeUtf8 } from '../bytes/text.ts'
import { createJsonMapper, type ElementPlace, type JsonMapper } from '../mapping/json-mapper.ts'
import { placeOf } from '../mapping/record-levels.ts'
import type { RecordContext } from '../mapping/spec.ts'
import { implausibleTime, isPlausible, withLikelyUnit } from '../mapping/time.ts'
import { hasOwnNames, isPlainMapping, resolveOptions, specOf } from './mapping.ts'
import type { DecodeOptions, FieldNames } from './mapping.ts'
import { createScan, type Scan } from './scan.ts'
import { notUtf8, quote, undecodable } from '../mapping/undecodable.ts'

/** `context` is what is known of the record beside its bytes; only mappings that use it need it. */
export interface JsonDecoder {
  /** For a text that was parsed elsewhere, as a member of a list. */
  decodeValue(parsed: unknown, context?: RecordContext): Decoded
  /** With `place`: the text is an element of an array in a record that is too long to be parsed as a whole. */
  decodeText(text: string, context?: RecordContext, place?: ElementPlace): Decoded
  decode(bytes: Uint8Array, context?: RecordContext): Decoded
  /** Reads the usual form faster than the other methods; `null` for a text of any other form. */
  readonly scan: Scan
}

const NO_CONTEXT: RecordContext = {}

type Fields = Readonly<Record<string, unknown>>

/** Decodes JSON by the mapping of the options. Throws a RangeError if the mapping cannot be used, such as an unknown time zone. */
export function createJsonDecoder(options: DecodeOptions = {}): JsonDecoder {
  const decodeParsed = createParsedDecoder(options)
  const scan = createScan(options)

  const decodeText = (text: string, context = NO_CONTEXT, place?: ElementPlace): Decoded => {
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      return undecodable('undecodable', `${shownPlace(place)}not JSON: ${quote(text)}`)
    }
    return decodeParsed(parsed, context, place)
  }

  return {
    decodeValue: (parsed, context = NO_CONTEXT) => decodeParsed(parsed, context),
    decodeText,
    scan,
    decode(bytes, context = NO_CONTEXT) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const scanned = scan(buffer, 0, buffer.length, context)
      if (scanned !== null) return scanned
      const text = decodeUtf8(buffer, 0, buffer.length)
      return text === null ? notUtf8() : decodeText(text, context)
    },
  }
}

/** Fields with plain names are read directly. A manifest is the same under every mapping. */
function createParsedDecoder(options: DecodeOptions): JsonMapper {
  const { mapping } = options
  if (mapping === undefined || isPlainMapping(mapping)) {
    const decodeOne = createNamedDecoder(options)
    return (parsed, context) => {
      if (!Array.isArray(parsed)) return decodeOne(parsed, context)
      const elements = parsed as unknown[]
      return elements.length === 0
        ? undecodable('invalid', 'the array is empty')
        : joinEntries(elements.map((element) => decodeOne(element, context)))
    }
  }
  const map = createJsonMapper(mapping, options.checkYears === true)
  return (parsed, context, place) => {
    const manifest = isObject(parsed) ? parsed['manifest'] : undefined
    return isObject(manifest) && place === undefined ? decodeManifest(manifest) : map(parsed, context, place)
  }
}

/** Reads objects whose fields have plain names. What the strict types of a point refuse is read as by any other mapping. */
function createNamedDecoder(options: DecodeOptions): (parsed: unknown, context: RecordContext) => DecodedEntry {
  const names = resolveOptions(options)
  if (hasOwnNames(options)) return (parsed) => decodeValue(parsed, names)
  const map = createJsonMapper(specOf(options), names.checkYears)
  return (parsed, context) => {
    const strict = decodeValue(parsed, names)
    const isOther = !isObject(parsed) || isObject(parsed['manifest']) || parsed['replaces'] !== undefined
    if (strict.kind !== 'undecodable' || isOther) return strict
    const [mapped = strict] = decodedEntries(map(parsed, context))
    return mapped.kind === 'undecodable' ? strict : mapped
  }
}

/** What messages show before a problem of an element. */
export function shownPlace(place: ElementPlace | undefined): string {
  return place === undefined ? '' : `${placeOf(place.path, [place.index])}: `
}

/** A point whose fields have the right types, to what the shape rules make of it. */
export function toPoint(point: DataPoint): DecodedEntry {
  const problem = checkPoint(point)
  return problem === null ? { kind: 'point', point } : undecodable('invalid', problem)
}

/** The same for the place of a point that had no reading. */
export function toNoReading(point: DataPoint): DecodedEntry {
  const decoded = toPoint({ ...point, value: 0 })
  return decoded.kind === 'point' ? { kind: 'no-reading', point: { ...point, value: Number.NaN } } : decoded
}

export function toManifest(manifest: WindowManifest): DecodedEntry {
  const problem = checkManifest(manifest)
  return problem === null ? { kind: 'manifest', manifest } : undecodable('invalid', problem)
}

function decodeValue(parsed: unknown, names: FieldNames): DecodedEntry {
  if (!isObject(parsed)) return undecodable('invalid', `expected an object, got ${quote(parsed)}`)
  if (isObject(parsed['manifest'])) return decodeManifest(parsed['manifest'])
  const vmId = parsed[names.vmId]
  const producer = (names.producer === null ? null : parsed[names.producer]) ?? ''
  const metric = parsed[names.metric]
  const timestamp = parsed[names.timestamp]
  const seq = (names.seq === null ? null : parsed[names.seq]) ?? null
  const value = parsed[names.value]
  if (typeof vmId !== 'string') return wrongType(names.vmId, vmId, 'a text')
  if (typeof producer !== 'string') return wrongType(names.producer ?? 'producer', producer, 'a text')
  if (typeof metric !== 'string') return wrongType(names.metric, metric, 'a text')
  if (!isSafeInteger(timestamp))
    return withLikelyUnit(wrongInteger(names.timestamp, timestamp), names.timestamp, timestamp)
  if (names.checkYears && !isPlausible(timestamp)) {
    const problem = implausibleTime(names.timestamp, timestamp, 'ms', timestamp)
    if (problem !== null) return undecodable('implausible-time', problem)
  }
  if (seq === null ? names.requireSeq : !Number.isSafeInteger(seq)) return wrongSeq(parsed, names)
  if (typeof value !== 'number') return wrongType(names.value, value, 'a number')
  const replaces = parsed['replaces'] ?? false
  if (typeof replaces !== 'boolean') return wrongType('replaces', replaces, 'true or false')
  const point = { vmId, producer, metric, timestamp, seq: seq as number | null, value }
  return toPoint(replaces ? { ...point, replaces } : point)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function decodeManifest(fields: Fields): DecodedEntry {
  const { vmId, windowStart, count } = fields
  const counts = fields['counts'] ?? 'samples'
  const metrics = fields['metrics'] ?? null
  const corrects = fields['corrects'] ?? false
  const replaces = fields['replaces'] ?? false
  const firstSeq = fields['firstSeq'] ?? (counts === 'points' ? null : undefined)
  const producer = fields['producer'] ?? ''
  const last = fields['last'] ?? false
  if (typeof vmId !== 'string') return wrongType('manifest.vmId', vmId, 'a text')
  if (typeof producer !== 'string') return wrongType('manifest.producer', producer, 'a text')
  if (!Number.isSafeInteger(windowStart)) return wrongInteger('manifest.windowStart', windowStart)
  if (counts !== 'samples' && counts !== 'points') return wrongType('manifest.counts', counts, '"samples" or "points"')
  if (firstSeq !== null && !Number.isSafeInteger(firstSeq)) return wrongInteger('manifest.firstSeq', firstSeq)
  if (!Number.isSafeInteger(count)) return wrongInteger('manifest.count', count)
  if (typeof last !== 'boolean') return wrongType('manifest.last', last, 'true or false')
  if (metrics !== null && !isTexts(metrics)) return wrongType('manifest.metrics', metrics, 'a list of texts')
  if (typeof corrects !== 'boolean') return wrongType('manifest.corrects', corrects, 'true or false')
  if (typeof replaces !== 'boolean') return wrongType('manifest.replaces', replaces, 'true or false')
  return toManifest({
    vmId,
    producer,
    windowStart: windowStart as number,
    firstSeq: firstSeq as number | null,
    count: count as number,
    last,
    ...(counts === 'samples' ? {} : { counts }),
    ...(metrics === null ? {} : { metrics }),
    ...(corrects ? { corrects } : {}),
    ...(replaces ? { replaces } : {}),
  })
}

function isSafeInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function wrongSeq(fields: Fields, names: FieldNames): DecodedEntry {
  const name = names.seq ?? 'seq'
  return wrongInteger(name, fields[name])
}

function wrongType(field: string, value: unknown, expected: string): DecodedEntry {
  return undecodable('invalid', `${field} is ${quote(value)}, expected ${expected}`)
}

/** JSON.parse has rounded a literal beyond 2^53 already, so all that is known of it is that it was one. */
function wrongInteger(field: string, value: unknown): DecodedEntry {
  if (!Number.isInteger(value)) return wrongType(field, value, 'a whole number')
  return undecodable('integer-beyond-2^53', `${field} is about ${String(value)}`)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
