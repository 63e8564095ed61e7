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

/**
 * Whether the records have the fields of a point under their own names. Only such records are read by the strict types of a point;
 * under any mapping, numbers may be text, and an empty value is no reading.
 */
export function hasOwnNames({ mapping = {}, requireSeq }: DecodeOptions): boolean {
  if (requireSeq === false) return true
  return Object.entries(mapping).every(([field, name]) => name === field || (field === 'producer' && name === null))
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
    requireSeq: requireSeq ?? seq !== null,
    checkYears,
  }
}
