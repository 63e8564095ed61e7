/** How fields of other people's records are called; shared by every format that has named fields. */

import { isPlainName } from '../mapping/path.ts'
import type { CsvDialect, RecordMappingSpec } from '../mapping/spec.ts'

export interface RecordMapping {
  readonly vmId?: string
  /** `null`: the records have none, and all are of the producer "". */
  readonly producer?: string | null
  readonly metric?: string
  readonly timestamp?: string
  /** `null`: the records have none; see `DataPoint.seq`. */
  readonly seq?: string | null
  readonly value?: string
  /** The metric of records that carry none; wins over a field. */
  readonly constantMetric?: string
  /**
   * How timestamps are written: numbers of milliseconds, numbers of seconds (fractions are rounded to whole
   * milliseconds), or texts such as `2024-05-01T12:00:00.250Z`.
   * @default 'ms'
   */
  readonly timestampUnit?: 'ms' | 's' | 'iso-8601'
}

export interface DecodeOptions {
  /** Plain names of fields, or a mapping in its general form. */
  readonly mapping?: RecordMapping | RecordMappingSpec
  /** How files in CSV are written. */
  readonly csv?: CsvDialect
  /** Timestamps whose unit is most likely another one are refused; see mapping/time.ts. @default false */
  readonly checkYears?: boolean
  /** Whether a point without a seq is invalid; `false` gives it the seq `null`. @default whether the mapping has a seq */
  readonly requireSeq?: boolean
}

/** Decode options with everything filled in. */
export interface FieldNames {
  readonly vmId: string
  readonly producer: string | null
  readonly metric: string
  readonly timestamp: string
  readonly seq: string | null
  readonly value: string
  readonly constantMetric: string | null
  readonly timestampUnit: 'ms' | 's' | 'iso-8601'
  readonly requireSeq: boolean
  readonly checkYears: boolean
}

/** Whether a mapping only renames fields, so that the fast decoders can read them. */
export function isPlainMapping(mapping: RecordMapping | RecordMappingSpec): mapping is RecordMapping {
  const { metrics, records, decimal, ...fields } = mapping as Partial<RecordMappingSpec>
  return (
    metrics === undefined &&
    records === undefined &&
    decimal === undefined &&
    Object.values(fields).every((field) => field === null || (typeof field === 'string' && isPlainName(field)))
  )
}

/** The mapping of the options in its general form. */
export function specOf({ mapping = {}, requireSeq }: DecodeOptions): RecordMappingSpec {
  const { vmId = 'vmId', producer = 'producer', timestamp = 'timestamp', value = 'value' } = mapping
  const isWide = 'metrics' in mapping && mapping.metrics !== undefined
  const { metric = isWide ? null : 'metric', seq = requireSeq === false ? null : 'seq' } = mapping
  return { ...mapping, vmId, producer, metric, timestamp, seq, value }
}

/** Of options with a plain mapping. */
export function resolveOptions({
  mapping: anyMapping = {},
  requireSeq,
  checkYears = false,
}: DecodeOptions): FieldNames {
  const mapping = anyMapping as RecordMapping
  const seq = mapping.seq === undefined ? 'seq' : mapping.seq
  return {
    vmId: mapping.vmId ?? 'vmId',
    producer: mapping.producer === undefined ? 'producer' : mapping.producer,
    metric: mapping.metric ?? 'metric',
    timestamp: mapping.timestamp ?? 'timestamp',
    seq,
    value: mapping.value ?? 'value',
    constantMetric: mapping.constantMetric ?? null,
    timestampUnit: mapping.timestampUnit ?? 'ms',
    requireSeq: requireSeq ?? seq !== null,
    checkYears,
  }
}

/** Milliseconds of a timestamp that came as a number; NaN where texts are expected. */
export function numberToMs(value: number, names: FieldNames): number {
  if (names.timestampUnit === 'ms') return value
  return names.timestampUnit === 's' ? Math.round(value * 1000) : Number.NaN
}

const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

/**
 * Milliseconds of an ISO-8601 text, `null` for anything else. A text without a zone is refused: it would mean another
 * time on another machine. Digits beyond milliseconds are cut off.
 */
export function parseIsoTimestamp(text: string): number | null {
  const match = ISO_8601.exec(text)
  if (match === null) return null
  // Date.parse turns 30 February into 2 March.
  const daysInMonth = new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate()
  const ms = Number(match[3]) <= daysInMonth ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}
