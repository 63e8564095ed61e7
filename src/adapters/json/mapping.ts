/** How fields of other people's records are called; shared by every format that has named fields. */

export interface FieldMapping {
  readonly vmId?: string
  readonly producer?: string
  readonly metric?: string
  readonly timestamp?: string
  readonly seq?: string
  readonly value?: string
  /** The metric of records that carry none; wins over a field. */
  readonly constantMetric?: string
  /** Unit of timestamps that are numbers; fractions of seconds are rounded to whole milliseconds. @default 'ms' */
  readonly timestampUnit?: 'ms' | 's'
}

/** A mapping with every name filled in. */
export interface FieldNames {
  readonly vmId: string
  readonly producer: string
  readonly metric: string
  readonly timestamp: string
  readonly seq: string
  readonly value: string
  readonly constantMetric: string | null
  /** Factor from a number to milliseconds. */
  readonly msPerUnit: 1 | 1000
  /** Whether timestamps may be texts: only where a mapping says that the records are not Windrow's own. */
  readonly isoTimestamps: boolean
}

export interface DecodeOptions {
  readonly mapping?: FieldMapping
  /** Whether a point without a seq is invalid; `false` gives it the seq `null`. @default true */
  readonly requireSeq?: boolean
}

export function resolveMapping(mapping: FieldMapping | undefined): FieldNames {
  return {
    vmId: mapping?.vmId ?? 'vmId',
    producer: mapping?.producer ?? 'producer',
    metric: mapping?.metric ?? 'metric',
    timestamp: mapping?.timestamp ?? 'timestamp',
    seq: mapping?.seq ?? 'seq',
    value: mapping?.value ?? 'value',
    constantMetric: mapping?.constantMetric ?? null,
    msPerUnit: mapping?.timestampUnit === 's' ? 1000 : 1,
    isoTimestamps: mapping !== undefined,
  }
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
