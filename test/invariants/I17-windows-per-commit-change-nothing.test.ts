/**
 * I17: how many windows one commit closes changes no result, no dead letter and no certificate, whatever happens between them
 * and afterwards: late points, quarantine, crashes.
 */
import { describe, expect, it } from 'vitest'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { summary } from '../../src/core/summary.ts'
import type { Decoded } from '../../src/core/point.ts'
import { DEFAULT_LIMITS, type PipelineLimits } from '../../src/pipeline/env.ts'
import { duplicatesOf, makeFleet, withinGrace, type Sent } from '../support/fleet.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { leaksOf } from '../support/leaks.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { MemorySource } from '../support/memory-source.ts'
import { Random } from '../support/random.ts'
import { garbage, recordsOf, RULES } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 10, simulation: 200 })

/** A sum that fails for some windows, so that VM windows of them end in quarantine; its states are those of all before. */
const moody: typeof summary = {
  ...summary,
  result: (accumulator, context) => {
    if ((context.window.start / RULES.sizeMs) % 3 === 1) throw new Error('not in this window')
    // Depends on the order of the members, which differs between a computed state and a stored one.
    return { ...summary.result(accumulator, context), members: Object.keys(context.prior ?? {}) } as never
  },
}

/** Numbers of windows that the commits of a job have closed. */
function windowsOfCommits({ events }: TestJob): number[] {
  const windows = new Map<number, number>()
  for (const event of events) {
    if (event.kind !== 'committed' || event.closed === null) continue
    windows.set(event.commit, (windows.get(event.commit) ?? 0) + 1)
  }
  return [...windows.values()]
}

describe('I17', () => {
  it('a job whose commits close several windows publishes the bytes of a job that closes one per commit', async () => {
    let joined = 0
    let amended = 0
    let quarantined = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const records = recordsOf(sentBy(random))
      const rules = { ...RULES, amendWindows: random.pick([0, 1, 2, 3, 5]), stateWindows: random.pick([1, 3, 10]) }
      const aggregator = seed % 3 === 0 ? moody : summary
      const batchSize = random.int(1, 60)
      const checkpointEveryRecords = random.pick([5, 40, 1_000_000])
      const run = async (limits: Partial<PipelineLimits>, runsOfActivity: () => number): Promise<TestJob> => {
        const job = makeJob(records, {
          rules,
          aggregator,
          source: new MemorySource({ partitions: [records], batchSize: () => batchSize }),
          limits: { ...DEFAULT_LIMITS, checkpointEveryRecords, ...limits },
        })
        await job.run({ engine: new MemoryEngine({ store: job.store, aggregator, runsOfActivity }) })
        return job
      }
      const one = await run({}, () => 1)
      const grain = random.pick([1, 3, 31])
      const several = { windowsPerCommit: random.int(2, 16), maxQueuedCuts: random.int(1, 3), vmsPerWorkflow: grain }
      const many = await run(several, () => random.pick([1, 2]))
      expect({ seed, results: many.results.results }).toEqual({ seed, results: one.results.results })
      expect({ seed, certificates: many.results.certificates }).toEqual({
        seed,
        certificates: one.results.certificates,
      })
      expect({ seed, deadLetters: many.results.deadLetters }).toEqual({ seed, deadLetters: one.results.deadLetters })
      expect({ seed, facts: factsOf(many) }).toEqual({ seed, facts: factsOf(one) })
      expect({ seed, leaks: await leaksOf(many.store, 'job', 1) }).toEqual({ seed, leaks: { lost: [], unswept: [] } })
      joined += windowsOfCommits(many).filter((windows) => windows > 1).length
      const results = one.results.results.map((line) => JSON.parse(line) as VmWindowResult)
      amended += results.filter(({ revision }) => revision > 1).length
      quarantined += results.filter(({ reason }) => reason === 'quarantined').length
    }
    expect(joined, 'commits of several windows').toBeGreaterThan(SEEDS)
    expect(amended, 'results that were amended').toBeGreaterThan(SEEDS)
    expect(quarantined, 'VM windows in quarantine').toBeGreaterThan(SEEDS / 2)
  })
})

/** What each `committed` event says of its window. */
function factsOf({ events }: TestJob) {
  return events.flatMap((event) => {
    if (event.kind !== 'committed' || event.window === null) return []
    const { window, reason, statesDropped, vmWindows, vmWindowsByReason } = event
    return [{ window, reason, statesDropped, vmWindows, vmWindowsByReason }]
  })
}

/** VMs that fall silent for good, duplicates, undecodable records, and records that amend windows long after others. */
function sentBy(random: Random): Decoded[] {
  const windows = random.int(6, 20)
  const fleet = makeFleet(random, { vms: random.int(2, 6), windows, hasManifests: random.chance(0.5) })
  const startMs = Math.min(...fleet.map(({ atMs }) => atMs))
  const silentFrom = new Map<string, number>()
  const isSent = ({ atMs, decoded }: Sent): boolean => {
    if (decoded.kind !== 'point' && decoded.kind !== 'manifest') return true
    const { vmId } = decoded.kind === 'point' ? decoded.point : decoded.manifest
    const from = silentFrom.get(vmId) ?? (random.chance(0.4) ? random.int(1, 5) : Infinity)
    silentFrom.set(vmId, from)
    return atMs < startMs + from * RULES.sizeMs
  }
  const sent = fleet.filter(isSent)
  const late = new Set(sent.filter(() => random.chance(0.02)))
  const moved = sent.map((one) => (late.has(one) ? { ...one, atMs: one.atMs + random.int(1, 4) * RULES.sizeMs } : one))
  const list = withinGrace(random, [...moved, ...duplicatesOf(random, sent)])
  return list.flatMap((one, i) => (random.chance(0.02) ? [one, garbage(`broken ${i}`)] : [one]))
}
