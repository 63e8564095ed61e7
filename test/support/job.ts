/** A job on in-memory ports, each of which a test can replace. */
import { MemoryEngine } from './memory-engine.ts'
import { memorySink, MemoryResults } from './memory-publisher.ts'
import { MemorySource } from './memory-source.ts'
import { MemoryStore } from './memory-store.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { SourceRecord } from '../../src/core/point.ts'
import { summary } from '../../src/core/summary.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { readLedger, type Ledger } from '../../src/ledger/ledger.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from '../../src/pipeline/env.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import type { AtomicPublishers } from '../../src/ports/index.ts'
import { runPartition, type PartitionEnd } from '../../src/pipeline/partition.ts'
import { RULES } from './records.ts'

/** What a test replaces in the environment; `publishers` replaces the only sink. */
export type JobChanges = Partial<PipelineEnv> & { readonly publishers?: AtomicPublishers }

export interface TestJob {
  readonly store: MemoryStore
  readonly results: MemoryResults
  readonly events: PipelineEvent[]
  readonly env: PipelineEnv
  /** Runs partition 0 to its end, or until it throws. Every call is a new processor. */
  run(more?: JobChanges, signal?: AbortSignal): Promise<PartitionEnd>
  ledger(): Promise<Ledger>
}

export function makeJob(
  records: readonly SourceRecord[],
  { publishers, ...more }: JobChanges & { readonly store?: MemoryStore } = {},
): TestJob {
  const store = more.store ?? new MemoryStore()
  const results = new MemoryResults()
  const events: PipelineEvent[] = []
  const aggregator: AnyAggregator = more.aggregator ?? summary
  let nowMs = 0
  let tokens = 0
  const env: PipelineEnv = {
    job: 'job',
    rules: RULES,
    aggregator,
    engine: new MemoryEngine({ store, aggregator }),
    sinks: [memorySink(publishers ?? results)],
    source: new MemorySource({ partitions: [records], batchSize: () => 10 }),
    clock: { nowMs: () => nowMs++, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    newToken: () => `token${String(++tokens).padStart(3, '0')}`,
    limits: DEFAULT_LIMITS,
    observe: (event) => events.push(event),
    once: false,
    ...more,
    store,
  }
  return {
    store,
    results,
    events,
    env,
    run: ({ publishers: changedPublishers, ...changed } = {}, signal = new AbortController().signal) => {
      const sinks = changedPublishers === undefined ? {} : { sinks: [memorySink(changedPublishers)] }
      const own = { ...env, ...changed, ...sinks }
      // A new process has a new engine, without memory of earlier workflows.
      const engine = changed.engine ?? more.engine ?? new MemoryEngine({ store: own.store, aggregator: own.aggregator })
      return runPartition({ ...own, engine }, 0, signal, () => Promise.resolve(0))
    },
    ledger: async () => {
      const found = await readLedger(store, 'job', 0)
      if (found === null) throw new Error('there is no ledger')
      return found.ledger
    },
  }
}

/** A retryable error as an adapter throws it when it does not know whether the call took effect. */
export function lostReply(): WindrowError {
  return new WindrowError('the reply was lost', { code: 'STATE_STORE_UNAVAILABLE', remedy: 'Try again.' })
}

/** The error that the promise rejects with; throws if it does not reject. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
