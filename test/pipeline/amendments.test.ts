/**
 * Late points through the whole pipeline: what is published in the end is what would have been published had they come in
 * time, and each step on the way says openly what changed.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemorySource } from '../support/memory-source.ts'
import type { Certificate } from '../../src/core/certificate.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { canonicalJson } from '../../src/core/json.ts'
import type { Decoded } from '../../src/core/point.ts'
import { readIndex } from '../../src/ledger/index-chunk.ts'
import { isIntact } from '../../src/ledger/seal-certificate.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { makeFleet, withinGrace } from '../support/fleet.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { leaksOf } from '../support/leaks.ts'
import { totals } from '../support/plan.ts'
import { Random } from '../support/random.ts'
import { manifest, point, recordsOf, RULES } from '../support/records.ts'
import { perSuite } from '../support/seeds.ts'

const resultsOf = (job: TestJob): VmWindowResult[] =>
  job.results.results.map((line) => JSON.parse(line) as VmWindowResult)
const certificatesOf = (job: TestJob): Certificate[] =>
  job.results.certificates.map((line) => JSON.parse(line) as Certificate)

/** `0 a r1 complete/2`: window, VM, revision, reason and points of each result. */
const revisionsOf = (job: TestJob): string[] =>
  resultsOf(job).map((one) => `${one.windowStart} ${one.vmId} r${one.revision} ${one.reason}/${one.received}`)

async function run(...sent: Decoded[]): Promise<TestJob> {
  const job = makeJob(recordsOf(sent), { aggregator: totals })
  await job.run()
  return job
}

async function indexOf(job: TestJob) {
  const { index } = await job.ledger()
  if (index === null) throw new Error('there is no index')
  return readIndex(job.store, index)
}

/** Two windows, the first of which lacks its second point. */
const LACKING = [point('a', 0, 10), manifest('a', 0, 0, 2), point('a', 2, 110), point('a', 3, 130)]

describe('a late point', () => {
  it('with other content under a used seq makes its window incomplete, by a revision that counts the conflict', async () => {
    const complete = [point('a', 0, 10), manifest('a', 0, 0, 1)]
    const job = await run(...complete, point('a', 1, 130), point('a', 0, 10, 7), point('a', 2, 230))
    const ofFirst = resultsOf(job).filter(({ windowStart }) => windowStart === 0)
    expect(ofFirst.map((one) => [one.revision, one.reason, one.received, one.conflicts])).toEqual([
      [1, 'complete', 1, 0],
      [2, 'grace', 1, 1],
    ])
    expect((await job.ledger()).counts).toMatchObject({ consumed: 5, accepted: 3, conflict: 1, late: 0 })
  })

  it('of a VM that is new to the window expects the metrics that the rules name', async () => {
    const others = [0, 1, 2].map((i) => point('b', i, 100 * i + 50))
    const late = [0, 25, 50, 75].map((at, i) => point('c', i, at))
    const rules = { ...RULES, expectEveryMs: 25, expectMetrics: ['cpu', 'mem'] }
    const job = makeJob(recordsOf([...others, ...late]), { aggregator: totals, rules })
    await job.run()
    const last = resultsOf(job).findLast(({ vmId, windowStart }) => vmId === 'c' && windowStart === 0)
    expect(last).toMatchObject({ reason: 'grace', expected: 8, received: 4, missingCount: 4 })
  })

  it('amends its window and every later closed one of its VM, with the close after it', async () => {
    const job = await run(...LACKING, point('a', 4, 230), point('a', 1, 20, 5), point('b', 0, 240), point('a', 5, 330))
    expect(revisionsOf(job)).toEqual([
      '0 a r1 grace/1',
      '100 a r1 grace/2',
      '0 a r2 complete/2',
      '100 a r2 grace/2',
      '200 a r1 grace/1',
      '200 b r1 grace/1',
      '300 a r1 grace/1',
      '300 b r1 grace/0',
    ])
    const states = resultsOf(job)
      .filter(({ vmId }) => vmId === 'a')
      .map(({ state }) => (state as { sum: number }).sum)
    expect(states).toEqual([1, 3, 6, 8, 9, 10])
    expect((await job.ledger()).counts).toMatchObject({ accepted: 7, late: 0 })
    expect((await indexOf(job)).totals).toMatchObject({
      revisions: 2,
      windows: 4,
      windowsByReason: { complete: 1, grace: 3 },
      vmWindows: 6,
      vmWindowsByReason: { complete: 1, grace: 5 },
    })
  })

  it('at the end of the input, with no open window, is amended by a commit of its own', async () => {
    const sent = [point('a', 0, 10), point('a', 1, 130), manifest('a', 100, 1, 1), point('a', 9, 20)]
    const job = await run(...sent)
    expect(revisionsOf(job)).toEqual(['0 a r1 grace/1', '100 a r1 complete/1', '0 a r2 grace/2', '100 a r2 complete/1'])
    const last = certificatesOf(job).at(-1)
    expect(last).toMatchObject({ sequence: 3, window: null, trigger: null, reason: null, vmWindows: 0, expected: null })
    expect(last?.amended.map(({ window, vmWindows }) => [window, vmWindows])).toEqual([[0, 1], [100, 1]]) // prettier-ignore
    expect((await indexOf(job)).lastClosed).toMatchObject({ window: 100, reason: 'complete' })
  })

  it('of a VM that sent nothing for the window adds a result', async () => {
    const job = await run(...LACKING, point('b', 0, 50, 7), point('a', 4, 230))
    expect(revisionsOf(job)).toContain('0 b r1 grace/1')
    const [certificate] = certificatesOf(job).filter(({ amended }) => amended.length > 0)
    expect(certificate?.amended).toMatchObject([{ window: 0, vmWindows: 1, reason: 'grace', points: { count: 2 } }])
  })

  it('of a window that was skipped closes it, and the states pass through', async () => {
    const job = await run(
      point('a', 0, 10),
      point('a', 1, 310),
      point('a', 2, 330),
      point('a', 9, 150, 4),
      point('a', 3, 430),
    )
    expect(revisionsOf(job)).toEqual(['0 a r1 grace/1', '100 a r1 grace/1', '300 a r1 grace/2', '400 a r1 grace/1'])
    expect(resultsOf(job).map(({ state }) => (state as { sum: number }).sum)).toEqual([1, 5, 7, 8])
    expect((await indexOf(job)).totals.windows).toBe(4)
  })

  it.each<[string, Decoded[], Record<number, number>]>([
    [
      'of the oldest window that is remembered, when the one before it was amended and forgotten',
      [
        ...[point('a', 0, 10), point('a', 1, 110), point('a', 2, 210), point('a', 3, 330), point('a', 10, 20, 5)],
        ...[point('a', 4, 430), point('a', 11, 120, 7), point('a', 5, 530)],
      ],
      { 0: 6, 100: 14, 200: 15, 300: 16, 400: 17, 500: 18 },
    ],
    [
      'though a window that was skipped is made between it and one that was amended',
      [
        ...[point('a', 0, 10), point('a', 1, 210), point('a', 2, 330), point('a', 10, 20, 5), point('a', 3, 430)],
        ...[point('b', 0, 150), point('a', 11, 220, 7), point('a', 4, 530)],
      ],
      { 0: 6, 200: 14, 300: 15, 400: 16, 500: 17 },
    ],
  ])('continues from the state that amendments left: %s', async (_, sent, sums) => {
    const job = await run(...sent)
    const latest = new Map(
      resultsOf(job).flatMap(({ vmId, windowStart, state }) =>
        vmId === 'a' ? [[windowStart, (state as { sum: number }).sum]] : [],
      ),
    )
    expect(Object.fromEntries(latest)).toEqual(sums)
    expect(await leaksOf(job.store, 'job', 1)).toEqual({ lost: [], unswept: [] })
  })

  it('that is beyond amendWindows windows is a dead letter', async () => {
    const sent = Array.from({ length: 6 }, (_, i) => point('a', i, i * 100 + 10))
    const job = await run(...sent, point('b', 0, 15))
    expect(revisionsOf(job).filter((one) => one.includes(' b '))).toEqual([])
    expect(job.results.deadLetters).toMatchObject([expect.stringContaining('too-late')])
    expect((await job.ledger()).counts).toMatchObject({ accepted: 6, late: 1 })
  })

  it('that arrives twice is amended once, and a late duplicate makes no revision', async () => {
    const twice = await run(
      ...LACKING,
      point('a', 1, 20),
      point('a', 1, 20),
      point('a', 4, 230),
      point('a', 1, 20),
      point('a', 5, 330),
    )
    expect(revisionsOf(twice).filter((one) => one.startsWith('0 a'))).toEqual(['0 a r1 grace/1', '0 a r2 complete/2'])
    expect((await twice.ledger()).counts).toMatchObject({ accepted: 6, duplicate: 2, late: 0 })
    const copy = await run(...LACKING, point('a', 0, 10), point('a', 4, 230))
    expect(revisionsOf(copy).filter((one) => !one.includes(' r1 '))).toEqual([])
  })

  it('changes no later window if no state changes', async () => {
    const job = makeJob(recordsOf([...LACKING, point('a', 1, 20), point('a', 4, 230)]), {
      aggregator: { ...totals, advance: () => null },
    })
    await job.run()
    expect(revisionsOf(job).filter((one) => one.includes(' r2 '))).toEqual(['0 a r2 complete/2'])
  })

  it('is pending at a checkpoint, late by its fate, and amended by the owner that finds it there', async () => {
    const records = recordsOf([...LACKING, point('a', 4, 230), point('a', 1, 20), point('a', 5, 330)])
    const limits = { ...DEFAULT_LIMITS, checkpointEveryRecords: 1 }
    const first = makeJob(records.slice(0, 6), { aggregator: totals, limits })
    const stop = new AbortController()
    const source = new MemorySource({
      partitions: [records.slice(0, 6)],
      batchSize: () => 1,
      after: () => {
        stop.abort()
        return { kind: 'caught-up', nextOffset: 6, fetchedAtMs: 0 }
      },
    })
    await first.run({ source }, stop.signal)
    expect((await first.ledger()).counts).toMatchObject({ accepted: 4, late: 1 })
    expect((await indexOf(first)).late?.rows).toBe(1)
    await first.run({ source: new MemorySource({ partitions: [records], batchSize: () => 10 }) })
    expect(revisionsOf(first)).toContain('0 a r2 complete/2')
    expect((await first.ledger()).counts).toMatchObject({ accepted: 6, late: 0 })
    expect((await indexOf(first)).late).toBeNull()
  })
})

describe('a late manifest', () => {
  it('with a new promise amends its window', async () => {
    const sent = [
      point('a', 0, 10),
      point('a', 1, 130),
      manifest('a', 0, 0, 1),
      manifest('a', 0, 0, 1),
      point('a', 2, 230),
    ]
    const job = await run(...sent)
    expect(revisionsOf(job).filter((one) => one.startsWith('0 '))).toEqual(['0 a r1 grace/1', '0 a r2 complete/1'])
    expect(job.results.deadLetters).toEqual([])
  })

  it('of a silent producer expects the metrics that its samples had before', async () => {
    const cpuAndMem = (seq: number, at: number): Decoded[] =>
      ['cpu', 'mem'].map((metric) => point('a', seq, at, 1, { metric }))
    const others = [0, 1, 2, 3].flatMap((i) => ['b', 'c'].map((vmId) => point(vmId, i, 100 * i + 50)))
    const job = await run(
      ...[...cpuAndMem(0, 10), manifest('a', 0, 0, 1), ...others],
      ...[point('a', 1, 110), point('a', 2, 120), manifest('a', 100, 1, 2)],
    )
    const last = resultsOf(job).findLast(({ vmId, windowStart }) => vmId === 'a' && windowStart === 100)
    expect(last).toMatchObject({ revision: 2, reason: 'grace', expected: 4, received: 2, missingCount: 2 })
  })

  it('may make a complete window incomplete', async () => {
    const sent = [
      point('a', 0, 10),
      manifest('a', 0, 0, 1),
      point('a', 1, 130),
      manifest('a', 0, 0, 3),
      point('a', 4, 230),
    ]
    const [, ...revised] = resultsOf(await run(...sent)).filter(({ windowStart }) => windowStart === 0)
    expect(revised).toMatchObject([{ revision: 2, reason: 'grace', expected: 3, missingCount: 2 }])
  })
})

describe('certificates of amendments', () => {
  it('state the changed windows as they are now, and stay chained', async () => {
    const job = await run(...LACKING, point('a', 1, 20, 5), point('a', 4, 230))
    const certificates = certificatesOf(job)
    expect(certificates.map(({ sequence, amended }) => [sequence, amended.length])).toEqual([[1, 0], [2, 1], [3, 0]]) // prettier-ignore
    expect(certificates[1]?.amended).toMatchObject([
      { window: 0, vmWindows: 1, points: { count: 2 }, reason: 'complete' },
    ])
    expect(certificates[1]).toMatchObject({ window: { start: 100 }, results: { count: 2 } })
    for (const [i, certificate] of certificates.entries()) {
      expect(isIntact(certificate)).toBe(true)
      expect(certificate.previous).toBe(certificates[i - 1]?.digest ?? '')
    }
  })

  it('have the points digest of a window without late points', async () => {
    const inTime = await run(point('a', 0, 10), point('a', 1, 20, 5), manifest('a', 0, 0, 2), point('a', 2, 130))
    const late = await run(...LACKING, point('a', 1, 20, 5))
    const amended = certificatesOf(late).flatMap((one) => one.amended)
    expect(amended[0]?.points).toEqual(certificatesOf(inTime)[0]?.points)
  })
})

describe('with any late points within amendWindows', () => {
  const finalOf = (job: TestJob): string[] => {
    const latest = new Map<string, VmWindowResult>()
    for (const one of resultsOf(job)) latest.set(`${one.windowStart} ${one.vmId}`, one)
    return [...latest.values()]
      .map(({ revision: _r, reason: _w, duplicates: _d, ...rest }) => canonicalJson(rest))
      .sort()
  }

  it('the last revisions are the results of a run in which no point was late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, hasManifests) => {
        const random = new Random(seed)
        const sent = makeFleet(random, { vms: random.int(1, 4), windows: random.int(2, 9), hasManifests })
        const late = sent.map((one, i) => {
          // The first point of a producer in a window comes in time: the roster is made of what comes in time alone.
          const before = sent[i - 1]?.decoded
          const isFirst =
            before?.kind !== 'point' ||
            one.decoded.kind !== 'point' ||
            Math.floor(before.point.timestamp / 100) !== Math.floor(one.decoded.point.timestamp / 100) ||
            before.point.vmId !== one.decoded.point.vmId ||
            before.point.producer !== one.decoded.point.producer
          if (one.decoded.kind !== 'point' || isFirst || !random.chance(0.3)) return one
          // As late as may be: the window before the oldest that is remembered may have been amended, too.
          const laterMs = Math.min(random.int(1, 4) * RULES.sizeMs, 4 * RULES.sizeMs - RULES.graceMs)
          return { ...one, atMs: one.atMs + laterMs }
        })
        const rules = { ...RULES, amendWindows: 4 }
        const [a, b] = [makeJob(recordsOf(withinGrace(new Random(seed), sent)), { rules }), makeJob(recordsOf(withinGrace(new Random(seed), late)), { rules, limits: { ...DEFAULT_LIMITS, checkpointEveryRecords: random.int(1, 30), vmsPerWorkflow: random.pick([1, 3]) } })] // prettier-ignore
        await a.run()
        await b.run()
        expect(finalOf(b)).toEqual(finalOf(a))
        const [counts, other] = [(await a.ledger()).counts, (await b.ledger()).counts]
        expect(other).toEqual(counts)
        expect((await indexOf(b)).totals.vmWindows).toBe((await indexOf(a)).totals.vmWindows)
        const revisions = resultsOf(b).filter(({ revision }) => revision > 1).length
        expect((await indexOf(b)).totals.revisions ?? 0, 'revisions').toBe(revisions)
        expect(await leaksOf(b.store, 'job', 1)).toEqual({ lost: [], unswept: [] })
      }),
      { numRuns: perSuite({ unit: 15, simulation: 60 }) },
    )
  })
})
