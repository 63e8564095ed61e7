/**
 * Published results in Avro single-object encoding, and back: from the JSON line that the pipeline publishes to bytes,
 * and from bytes to the same line. What the built-in aggregator says is typed; the result of any other one, and every
 * state, travels as JSON text. Only half a surrogate pair at the end of an `error` that was cut is lost: it has no UTF-8.
 */
import type { VmWindowResult, SeqRangeList } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { MetricSummary } from '../../core/summary.ts'
import { resultLine } from '../../ledger/result-line.ts'
import { createLineDecoder, type LineDecoder } from './decode-line.ts'
import { headerOf, Writer } from './writer.ts'

/** In the order of the schema, `count` before them. */
const FIGURES = ['sum', 'min', 'max', 'mean', 'stddev', 'first', 'last', 'p25', 'p50', 'p75', 'p95', 'p99'] as const
/** Does not compile when a member of the result is missing here: the schema and both functions must have it too. */
const MEMBERS: Readonly<Record<keyof VmWindowResult, true>> = {
  vmId: true,
  windowStart: true,
  windowEnd: true,
  revision: true,
  reason: true,
  expected: true,
  received: true,
  duplicates: true,
  missing: true,
  missingCount: true,
  unexpected: true,
  deduplicated: true,
  producers: true,
  error: true,
  promoted: true,
  metrics: true,
  state: true,
}

/** Bytes of a published line. Throws a TypeError for a line with a member that the schema lacks, rather than drop it. */
export function createResultEncoder(): (line: string) => Buffer {
  const header = headerOf('vm-window-result')
  const writer = new Writer()
  const writeLong = (value: number): void => writer.writeLong(value)
  const writeString = (value: string): void => writer.writeString(value)
  const writeRanges = (ranges: SeqRangeList): void =>
    writer.writeList(ranges, ([first, last]) => {
      writer.writeLong(first)
      writer.writeLong(last)
    })

  return (line) => {
    const result = JSON.parse(line) as VmWindowResult
    const unknown = Object.keys(result).find((name) => !Object.hasOwn(MEMBERS, name))
    if (unknown !== undefined) throw new TypeError(`schemas/vm-window-result.avsc has no field for ${unknown}`)
    const summaries = summariesOf(result.metrics)
    writer.begin(header)
    writer.writeString(result.vmId)
    writer.writeLong(result.windowStart)
    writer.writeLong(result.windowEnd)
    writer.writeLong(result.revision)
    writer.writeString(result.reason)
    writer.writeNullable(result.expected, writeLong)
    writer.writeLong(result.received)
    writer.writeLong(result.duplicates)
    writeRanges(result.missing)
    writer.writeLong(result.missingCount)
    writeRanges(result.unexpected)
    writer.writeBoolean(result.deduplicated)
    writer.writeNullable(result.producers ?? null, (producers) =>
      writer.writeList(producers, (one) => {
        writer.writeString(one.producer)
        writer.writeNullable(one.expected, writeLong)
        writer.writeLong(one.received)
        writeRanges(one.missing)
      }),
    )
    writer.writeNullable(result.error ?? null, writeString)
    writer.writeList(summaries ?? [], ([metric, summary]) => {
      writer.writeString(metric)
      writer.writeLong(summary.count)
      for (const figure of FIGURES) writer.writeDouble(summary[figure])
    })
    writer.writeNullable(summaries === null ? JSON.stringify(result.metrics) : null, writeString)
    writer.writeNullable(result.state === null ? null : JSON.stringify(result.state), writeString)
    writer.writeNullable(result.promoted ?? null, ({ by, partition, certificate }) => {
      writer.writeString(by)
      writer.writeLong(partition)
      writer.writeLong(certificate)
    })
    return writer.end()
  }
}

/** The metrics by name where each is what the built-in aggregator makes, else `null`. */
function summariesOf(metrics: Json): [string, MetricSummary][] | null {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) return null
  const entries = Object.entries(metrics)
  return entries.every(([, one]) => isSummary(one)) ? (entries as [string, MetricSummary][]) : null
}

function isSummary(json: unknown): boolean {
  if (typeof json !== 'object' || json === null || Object.keys(json).length !== FIGURES.length + 1) return false
  const one = json as { readonly [name: string]: unknown }
  return Number.isSafeInteger(one['count']) && FIGURES.every((figure) => typeof one[figure] === 'number')
}

type Retyped = 'missing' | 'unexpected' | 'producers' | 'error' | 'promoted' | 'state'

interface StoredResult extends Omit<VmWindowResult, Retyped> {
  readonly missing: readonly StoredRange[]
  readonly unexpected: readonly StoredRange[]
  readonly producers: readonly (Omit<ProducerShare, 'missing'> & { readonly missing: readonly StoredRange[] })[] | null
  readonly error: string | null
  readonly promoted: VmWindowResult['promoted'] | null
  readonly custom: string | null
  readonly state: string | null
}

type ProducerShare = NonNullable<VmWindowResult['producers']>[number]

interface StoredRange {
  readonly firstSeq: number
  readonly lastSeq: number
}

/** Lines from bytes of any version of the schema; the line is the one that was published, byte for byte. */
export function createResultDecoder(): LineDecoder {
  return createLineDecoder('vm-window-result', (value) => {
    const { missing, unexpected, producers, error, promoted, metrics, custom, state, ...rest } =
      value as unknown as StoredResult
    const result: VmWindowResult = {
      ...rest,
      missing: missing.map(toRange),
      unexpected: unexpected.map(toRange),
      ...(producers === null
        ? {}
        : { producers: producers.map((one) => ({ ...one, missing: one.missing.map(toRange) })) }),
      ...(error === null ? {} : { error }),
      ...(promoted === null || promoted === undefined ? {} : { promoted }),
      metrics: custom === null ? metrics : (JSON.parse(custom) as Json),
      state: state === null ? null : (JSON.parse(state) as Json),
    }
    // As results are stored: members of members sorted by name.
    return resultLine(JSON.parse(canonicalJson(result)) as object)
  })
}

function toRange({ firstSeq, lastSeq }: StoredRange): readonly [number, number] {
  return [firstSeq, lastSeq]
}
