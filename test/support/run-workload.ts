/**
 * Runs a random workload through the real pipeline over in-memory ports, and verifies what it published. This is the fastest
 * way from raw lines to results: no file, no process and no waiting.
 */
import { createJsonDecoder, toNoReading } from '../../src/adapters/json/decode.ts'
import { MemoryEngine } from './memory-engine.ts'
import { MemoryResults, memorySink } from './memory-publisher.ts'
import { MemorySource } from './memory-source.ts'
import { MemoryStore } from './memory-store.ts'
import type { Decoded, SourceRecord } from '../../src/core/point.ts'
import { summary } from '../../src/core/summary.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { submitRequest } from '../../src/ledger/requests.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from '../../src/pipeline/env.ts'
import { runPartition } from '../../src/pipeline/partition.ts'
import type { Source, SourceEvent } from '../../src/ports/index.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import type { TimeRange } from '../../src/verify/selection.ts'
import { verify } from '../../src/verify/verify.ts'
import { Random } from './random.ts'
import type { RandomWorkload } from './random-workload.ts'

const JOB = 'fuzz'
const NO_READING = '"value":null'

/** What a run of a workload has published, and its decoded records. */
export interface PublishedRun {
  readonly rules: Windowing
  readonly records: readonly (readonly SourceRecord[])[]
  readonly results: readonly string[]
  readonly certificates: readonly string[]
  readonly deadLetters: readonly string[]
}

/** The records that the decoder makes of the raw lines. A value of `null` is no reading, as under a mapping. */
export function recordsOfWorkload({ partitions }: RandomWorkload): SourceRecord[][] {
  const decoder = createJsonDecoder({ requireSeq: false })
  const decode = (text: string): Decoded => {
    const decoded = decoder.decodeText(text.replace(NO_READING, '"value":0'))
    return decoded.kind === 'point' && text.includes(NO_READING) ? toNoReading(decoded.point) : decoded
  }
  return partitions.map((lines, partition) =>
    lines.map(({ offset, text }) => ({
      offset,
      brokerTimestampMs: null,
      decoded: decode(text),
      raw: () => ({ bytes: new TextEncoder().encode(text), place: { file: `${partition}.ndjson`, line: offset + 1 } }),
    })),
  )
}

/**
 * What happens to a run besides its records, drawn from the seed. `stops`: checkpoints, and owners that stop and that another
 * one follows; they change nothing. `decisions`: also deadlines and amendments by the clock, and closes that an operator forces.
 */
export type Disturbance = 'none' | 'stops' | 'decisions'

/** Runs the workload to its end. */
export async function runWorkload(workload: RandomWorkload, disturbance: Disturbance = 'none'): Promise<PublishedRun> {
  const { startOf, scale } = workload
  const isDisturbed = disturbance !== 'none'
  const random = new Random(workload.seed + 1_000_000)
  const records = recordsOfWorkload(workload)
  const hasClock = disturbance === 'decisions' && random.chance(0.6)
  const rules: Windowing = hasClock ? { ...workload.rules, deadlineMs: 100_000 * scale } : workload.rules
  const store = new MemoryStore()
  const results = new MemoryResults()
  let nowMs = startOf(0)
  let tokens = 0
  let requests = 0
  let stop = new AbortController()
  const memory = new MemorySource({ partitions: records, batchSize: () => random.int(1, 60) })
  const stopShare = isDisturbed ? random.pick([0.02, 0.1, 0.3]) : 0
  const forceShare = disturbance === 'decisions' && !hasClock ? 0.3 : 0

  /** What happens between two batches. */
  const between = async (partition: number, position: number): Promise<SourceEvent | null> => {
    if (random.chance(stopShare)) stop.abort()
    if (random.chance(forceShare)) {
      const window = startOf(random.int(0, 6))
      const request = { kind: 'close', id: `r${requests++}`, window, who: 'ann', why: 'now', askedAtMs: nowMs } as const
      await submitRequest(store, JOB, partition, request)
    }
    if (!hasClock || !random.chance(0.3)) return null
    nowMs += random.pick([1_000, 150_000, 400_000]) * scale
    return { kind: 'caught-up', nextOffset: position, fetchedAtMs: nowMs }
  }
  const source: Source = {
    async open(partition, fromOffset) {
      const opened = await memory.open(partition, fromOffset)
      let position = fromOffset
      return {
        ...opened,
        next: async () => {
          const other = await between(partition, position)
          if (other !== null) return other
          const event = await opened.next()
          if (event.kind === 'records') position = (event.records.at(-1) as SourceRecord).offset + 1
          return event
        },
      }
    },
  }
  const env: PipelineEnv = {
    ...{ job: JOB, rules, aggregator: summary, store, source, once: false, observe: () => undefined },
    engine: new MemoryEngine({ store, aggregator: summary }),
    sinks: [memorySink(results)],
    clock: { nowMs: () => nowMs, sleep: () => Promise.resolve() },
    newToken: () => String(++tokens).padStart(8, '0'),
    limits: {
      ...DEFAULT_LIMITS,
      vmsPerWorkflow: 8,
      requestsEveryMs: 0,
      checkpointEveryRecords: isDisturbed ? random.pick([20, 100, 10_000]) : 10_000,
      amendWithinMs: hasClock ? random.pick([0, 50_000]) * scale : null,
    },
  }
  for (const partition of records.keys()) {
    do {
      stop = new AbortController()
      await runPartition(env, partition, stop.signal, () => Promise.resolve(0))
    } while (stop.signal.aborted)
  }
  return { rules, records, ...results }
}

const EVERYTHING: TimeRange = { from: null, to: null }

/** The report of `windrow verify` about what was published. */
export function verifyRun(run: PublishedRun, range = EVERYTHING): Promise<VerifyReport> {
  const { rules, records, results, certificates } = run
  const lines = (all: readonly string[]) =>
    async function* (): AsyncGenerator<string> {
      yield* all
    }
  const ends = new Map(records.map((of, partition) => [partition, { start: 0, end: (of.at(-1)?.offset ?? -1) + 1 }]))
  const sources = {
    results: lines(results),
    certificates: lines(certificates),
    logRanges: () => Promise.resolve(ends),
    records: (
      spans: ReadonlyMap<number, { readonly from: number; readonly to: number }>,
      take: (partition: number, records: readonly SourceRecord[]) => void,
    ): Promise<void> => {
      for (const [partition, { from, to }] of spans) {
        const isWanted = ({ offset }: SourceRecord): boolean => offset >= from && offset < to
        take(partition, (records[partition] ?? []).filter(isWanted))
      }
      return Promise.resolve()
    },
  }
  const request = { job: JOB, rules, range, aggregator: { id: 'summary@1', own: null } }
  return verify(sources, request, () => undefined, new AbortController().signal)
}
