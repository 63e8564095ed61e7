/**
 * What a partition's input has looked like since the job's first record, for the operator who must see at a glance that a
 * run was useless: which records could not be used, by reason, with the first of each; and whether the timestamps are
 * plausible at all. Wrong units are the usual cause: seconds that are read as milliseconds lie in 1970.
 *
 * Each commit stores the findings up to its cut, so a crash or a restart neither loses nor repeats any of them.
 */
import type { Refusal } from './fate.ts'
import type { EpochMs, RawRecord, SourceRecord } from './point.ts'

/** No operator means a point before this time: 1990-01-01T00:00:00Z. */
export const EARLIEST_PLAUSIBLE: EpochMs = Date.UTC(1990, 0, 1)

const MAX_CHARACTERS = 160
/** Enough for a detail that names a remedy. */
const MAX_DETAIL_CHARACTERS = 400

/** A record that stands for others of its kind. */
export interface ExampleRecord {
  readonly offset: number
  readonly place: RawRecord['place']
  /** What is wrong, with the offending value. */
  readonly detail: string
  /** The beginning of the record, as text. */
  readonly record: string
}

export interface CountedRecords {
  readonly count: number
  readonly first: ExampleRecord
}

/** As they are stored and merged. */
export interface EncodedFindings {
  /** Refused records by the reason of their dead letters. */
  readonly refused: { readonly [reason: string]: CountedRecords }
  /** Points that were not refused, with an earlier timestamp than {@link EARLIEST_PLAUSIBLE}. */
  readonly early: CountedRecords | null
  /** The others, and their lowest timestamp. */
  readonly others: (CountedRecords & { readonly lowest: EpochMs }) | null
  /** An earlier version of Windrow, which made no findings, has read the beginning of the input. */
  readonly isPartial?: true
}

export const NO_FINDINGS: EncodedFindings = { refused: {}, early: null, others: null }

export class InputFindings {
  readonly #refused = new Map<string, { count: number; readonly first: ExampleRecord }>()
  #early = 0
  #firstEarly: ExampleRecord | null = null
  #others = 0
  #firstOther: ExampleRecord | null = null
  #lowest: EpochMs = Infinity
  readonly #isPartial: boolean

  constructor(stored: EncodedFindings = NO_FINDINGS) {
    for (const [reason, { count, first }] of Object.entries(stored.refused)) this.#refused.set(reason, { count, first })
    this.#early = stored.early?.count ?? 0
    this.#firstEarly = stored.early?.first ?? null
    this.#others = stored.others?.count ?? 0
    this.#firstOther = stored.others?.first ?? null
    this.#lowest = stored.others?.lowest ?? Infinity
    this.#isPartial = stored.isPartial === true
  }

  refuse({ reason, detail }: Refusal, record: SourceRecord): void {
    const before = this.#refused.get(reason)
    if (before === undefined) this.#refused.set(reason, { count: 1, first: this.#example(record, detail) })
    else before.count++
  }

  /** A point that was not refused. Called for each, so it does next to nothing. */
  accept(timestamp: EpochMs, record: SourceRecord): void {
    if (timestamp < EARLIEST_PLAUSIBLE) {
      this.#early++
      this.#firstEarly ??= this.#example(record, timestampText(timestamp))
      return
    }
    this.#others++
    if (timestamp >= this.#lowest) return
    this.#lowest = timestamp
    this.#firstOther ??= this.#example(record, timestampText(timestamp))
  }

  #example(record: SourceRecord, detail: string): ExampleRecord {
    const { bytes, place } = record.raw()
    const text = new TextDecoder().decode(bytes.subarray(0, MAX_CHARACTERS))
    return {
      offset: record.offset,
      place: { ...place },
      detail: detail.slice(0, MAX_DETAIL_CHARACTERS),
      record: printable(text),
    }
  }

  encode(): EncodedFindings {
    return {
      refused: Object.fromEntries([...this.#refused].map(([reason, counted]) => [reason, { ...counted }])),
      early: counted(this.#early, this.#firstEarly),
      others: withLowest(counted(this.#others, this.#firstOther), this.#lowest),
      ...(this.#isPartial ? { isPartial: true } : {}),
    }
  }
}

/** The findings of several partitions together. The first example is the one with the lowest offset. */
export function addFindings(a: EncodedFindings, b: EncodedFindings): EncodedFindings {
  const refused: { [reason: string]: CountedRecords } = { ...a.refused }
  for (const [reason, counted] of Object.entries(b.refused)) {
    refused[reason] = added(refused[reason] ?? null, counted) as CountedRecords
  }
  const lowest = Math.min(a.others?.lowest ?? Infinity, b.others?.lowest ?? Infinity)
  return {
    refused,
    early: added(a.early, b.early),
    others: withLowest(added(a.others, b.others), lowest),
    ...(a.isPartial === true || b.isPartial === true ? { isPartial: true } : {}),
  }
}

function added(a: CountedRecords | null, b: CountedRecords | null): CountedRecords | null {
  if (a === null || b === null) return a ?? b
  return { count: a.count + b.count, first: a.first.offset <= b.first.offset ? a.first : b.first }
}

function counted(count: number, first: ExampleRecord | null): CountedRecords | null {
  return first === null ? null : { count, first }
}

function withLowest(counted: CountedRecords | null, lowest: EpochMs): EncodedFindings['others'] {
  return counted && { count: counted.count, first: counted.first, lowest }
}

/** A date shows a wrong unit better than a number of 16 digits. Accepted timestamps are within the range of dates. */
function timestampText(timestamp: EpochMs): string {
  return `timestamp ${timestamp} is ${new Date(timestamp).toISOString()}`
}

/** One line that cannot steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
}
