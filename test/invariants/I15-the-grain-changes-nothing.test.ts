/**
 * I15: how many VM windows share a workflow changes no result and no certificate, even if it changes from commit to commit;
 * every attempt at a commit uses the same number.
 */
import { describe, expect, it } from 'vitest'
import { maxOutputRowBytes, maxVmsPerWorkflow, PAGE_BYTES } from '../../src/core/payload-bound.ts'
import type { Decoded } from '../../src/core/point.ts'
import { DEFAULT_LIMITS, type PipelineLimits } from '../../src/pipeline/env.ts'
import type { WorkflowEngine } from '../../src/ports/index.ts'
import type { CommitPlan } from '../../src/workflows/plan.ts'
import { duplicatesOf, makeFleet, withinGrace, type Sent } from '../support/fleet.ts'
import { lostReply, makeJob } from '../support/job.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { MemorySource } from '../support/memory-source.ts'
import { Random } from '../support/random.ts'
import { point, recordsOf, RULES } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 15, simulation: 150 })

describe('I15', () => {
  it('a job whose grain changes at random publishes the bytes of a job with one VM window per workflow', async () => {
    let amended = 0
    let grains = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const records = recordsOf(sentBy(random))
      const batchSize = random.int(1, 40)
      const checkpointEveryRecords = random.pick([5, 40, 1_000_000])
      const run = async (vmsPerWorkflow: PipelineLimits['vmsPerWorkflow'], runsOfActivity: () => number) => {
        const job = makeJob(records, {
          source: new MemorySource({ partitions: [records], batchSize: () => batchSize }),
          limits: { ...DEFAULT_LIMITS, checkpointEveryRecords, vmsPerWorkflow },
        })
        const { store, env } = job
        await job.run({ engine: new MemoryEngine({ store, aggregator: env.aggregator, runsOfActivity }) })
        return { results: job.results.results, certificates: job.results.certificates, events: job.events }
      }
      const expected = await run(1, () => 1)
      const chosen = new Set<number>()
      const atRandom = await run(
        () => {
          const grain = random.pick([1, 2, 3, 5, 31, 1000])
          chosen.add(grain)
          return grain
        },
        () => random.pick([1, 2]),
      )
      expect({ seed, results: atRandom.results }).toEqual({ seed, results: expected.results })
      expect({ seed, certificates: atRandom.certificates }).toEqual({ seed, certificates: expected.certificates })
      amended += expected.results.filter((line) => (JSON.parse(line) as { revision: number }).revision > 1).length
      grains += chosen.size
    }
    expect(amended, 'results that were amended').toBeGreaterThan(perSuite({ unit: 10, simulation: 100 }))
    expect(grains, 'different grains').toBeGreaterThan(2 * SEEDS)
  })

  it('every attempt at a commit uses the grain that was decided at its cut', async () => {
    const records = recordsOf([10, 120, 230, 340].map((at, seq) => point('a', seq, at)))
    let decided = 0
    const job = makeJob(records, { limits: { ...DEFAULT_LIMITS, vmsPerWorkflow: () => ++decided } })
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    const grains = new Map<number, number[]>()
    const engine: WorkflowEngine = {
      start: async (id, input) => {
        const { commit, vmsPerWorkflow } = JSON.parse(input) as CommitPlan
        const before = grains.get(commit) ?? []
        grains.set(commit, [...before, vmsPerWorkflow])
        if (before.length < 2) throw lostReply()
        await inner.start(id, input)
      },
      poll: (id) => inner.poll(id),
      purge: (id) => inner.purge(id),
    }
    await job.run({ engine })
    expect([...grains]).toEqual([1, 2, 3, 4].map((commit) => [commit, [commit, commit, commit]]))
  })

  it.each([PAGE_BYTES, 256 * 1024, 1024 ** 2, 64 * 1024 ** 2])(
    'the answer of the largest group fits into a value of %i bytes, even if every result and state is as large as allowed',
    (maxValueBytes) => {
      const row = 'x'.repeat(maxOutputRowBytes(maxValueBytes) - 2)
      const answer = { ok: true, outcome: { result: row, state: row } }
      const group = Array.from({ length: maxVmsPerWorkflow(maxValueBytes) }, () => answer)
      expect(Buffer.byteLength(JSON.stringify(group))).toBeLessThanOrEqual(maxValueBytes)
      expect(group.length).toBe(31)
    },
  )
})

/**
 * A fleet with VMs that fall silent for good, so that their states are passed on without a VM window once the roster has dropped
 * them, with duplicates and with records that amend closed windows.
 */
function sentBy(random: Random): Decoded[] {
  const windows = random.int(4, 9)
  const fleet = makeFleet(random, { vms: random.int(3, 9), windows, hasManifests: random.chance(0.5) })
  const startMs = Math.min(...fleet.map(({ atMs }) => atMs))
  const silentFrom = new Map<string, number>()
  const isSent = ({ atMs, decoded }: Sent): boolean => {
    if (decoded.kind !== 'point' && decoded.kind !== 'manifest') return true
    const { vmId } = decoded.kind === 'point' ? decoded.point : decoded.manifest
    const from = silentFrom.get(vmId) ?? (random.chance(0.4) ? random.int(1, 3) : Infinity)
    silentFrom.set(vmId, from)
    return atMs < startMs + from * RULES.sizeMs
  }
  const sent = fleet.filter(isSent)
  const late = new Set(sent.filter(() => random.chance(0.1)))
  const moved = sent.map((one) => (late.has(one) ? { ...one, atMs: one.atMs + 2 * RULES.sizeMs } : one))
  return withinGrace(random, [...moved, ...duplicatesOf(random, sent)])
}
