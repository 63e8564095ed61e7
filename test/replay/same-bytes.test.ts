/**
 * A replay comes to the same bytes and the same digests, however the work is done: other batches, checkpoints and grain, a
 * user's aggregator, late points that amend, deadlines and operators, one log or many partitions by turns.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryEngine } from '../support/memory-engine.ts'
import { memorySink, MemoryResults } from '../support/memory-publisher.ts'
import { MemorySource } from '../support/memory-source.ts'
import { MemoryStore } from '../support/memory-store.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import { defineAggregator } from '../../src/core/define-aggregator.ts'
import { summary } from '../../src/core/summary.ts'
import { submitRequest } from '../../src/ledger/requests.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { runPartition } from '../../src/pipeline/partition.ts'
import { recordedIn, type Recorded } from '../../src/pipeline/recorded.ts'
import { totals } from '../support/plan.ts'
import { Random } from '../support/random.ts'
import { makeScenario, type Scenario } from '../simulation/scenario.ts'
import { perSuite } from '../support/seeds.ts'

/** A user's: keeps all values; carries on how many windows the VM has had. */
const keeping = defineAggregator({
  name: 'keeping',
  create: () => ({ values: [] as number[] }),
  add: (acc, { value }) => ({ values: [...acc.values, value].sort((a, b) => a - b) }),
  merge: (a, b) => ({ values: [...a.values, ...b.values].sort((x, y) => x - y) }),
  result: ({ values }) => ({ points: values.length, highest: values.at(-1) ?? null }),
  advance: (prior: { windows: number } | null) => ({ windows: (prior?.windows ?? 0) + 1 }),
})

interface Way {
  readonly batch: number
  readonly checkpointEveryRecords: number
  readonly vmsPerWorkflow: number
  /** Groups of partitions, each a processor's; they run one group after another, or all at once. */
  readonly processors: readonly (readonly number[])[]
}

interface Outcome {
  readonly results: readonly string[]
  readonly certificates: readonly string[]
}

async function compute(
  { partitions, rules }: Scenario,
  aggregator: AnyAggregator,
  way: Way,
  more: { readonly job: string; readonly recorded?: (partition: number) => Recorded; readonly isForced?: boolean },
): Promise<Outcome> {
  const store = new MemoryStore()
  const results = new MemoryResults()
  let nowMs = 0
  let tokens = 0
  const { batch, checkpointEveryRecords, vmsPerWorkflow } = way
  for (const group of way.processors) {
    await Promise.all(
      group.map(async (partition) => {
        const until = more.recorded?.(partition).until ?? Infinity
        const logs = partitions.map((records) => records.filter(({ offset }) => offset < until))
        let asked = false
        await runPartition(
          {
            ...{ job: more.job, rules, aggregator, store, sinks: [memorySink(results)], once: false },
            engine: new MemoryEngine({ store, aggregator }),
            source: new MemorySource({ partitions: logs, batchSize: () => batch }),
            clock: { nowMs: () => nowMs++, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
            newToken: () => String(++tokens).padStart(8, '0'),
            limits: { ...DEFAULT_LIMITS, checkpointEveryRecords, vmsPerWorkflow, requestsEveryMs: 0 },
            observe: (event) => {
              if (event.kind !== 'folded' || event.window === null || asked || more.isForced !== true) return
              asked = true
              const request = {
                kind: 'close',
                id: 'r1',
                window: event.window,
                who: 'ann',
                why: 'now',
                askedAtMs: 0,
              } as const
              void submitRequest(store, more.job, partition, request)
            },
            ...(more.recorded === undefined ? {} : { recorded: more.recorded }),
          },
          partition,
          new AbortController().signal,
          () => Promise.resolve(0),
        )
      }),
    )
  }
  return results
}

const wayOf = (random: Random, partitions: number): Way => {
  const all = Array.from({ length: partitions }, (_, i) => i)
  const cut = random.int(0, partitions)
  return {
    batch: random.pick([1, 3, 17, 1000]),
    checkpointEveryRecords: random.pick([5, 40, 100_000]),
    vmsPerWorkflow: random.pick([1, 2, 16]),
    processors: random.pick([[all], all.map((one) => [one]), [all.slice(0, cut), all.slice(cut)]]),
  }
}

const digestsOf = ({ certificates }: Outcome): string[] =>
  certificates
    .map((line) => JSON.parse(line) as Certificate)
    .map(({ partition, sequence, digest }) => `${partition} ${sequence} ${digest}`)
    .sort()

it.each([
  ['the built-in aggregator', summary],
  ["a user's aggregator", keeping],
  ["a user's aggregator with sums", totals],
] as const)('%s: a replay comes to the same bytes and digests', async (_, aggregator) => {
  let forced = 0
  let amended = 0
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, isForced) => {
      const random = new Random(seed)
      const scenario = makeScenario(random)
      const count = scenario.partitions.length
      const live = await compute(scenario, aggregator, wayOf(random, count), { job: 'live', isForced })
      const certificates = live.certificates.map((line) => JSON.parse(line) as Certificate)
      forced += certificates.filter(({ trigger }) => trigger === 'forced').length
      amended += certificates.filter((one) => one.amended.length > 0).length
      const recorded = (partition: number): Recorded =>
        recordedIn(certificates.filter((one) => one.partition === partition).sort((a, b) => a.sequence - b.sequence))
      const again = await compute(scenario, aggregator, wayOf(random, count), { job: 'again', recorded })
      expect([...again.results].sort()).toEqual([...live.results].sort())
      expect(digestsOf(again)).toEqual(digestsOf(live))
    }),
    { numRuns: perSuite({ unit: 20, simulation: 40 }) },
  )
  expect(forced).toBeGreaterThan(0)
  expect(amended).toBeGreaterThan(0)
})
