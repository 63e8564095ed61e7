/**
 * A replay over in-memory ports: the same records under another job name, with other batches and checkpoints, give the same
 * results and the same digests of certificates, whatever closed the windows the first time.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Certificate } from '../../src/core/certificate.ts'
import { MemorySource } from '../support/memory-source.ts'
import { submitRequest } from '../../src/ledger/requests.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { recordedIn } from '../../src/pipeline/recorded.ts'
import { duplicatesOf, makeFleet, withinGrace } from '../support/fleet.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { Random } from '../support/random.ts'
import { garbage, manifest, point, recordsOf, RULES } from '../support/records.ts'
import { caughtUp, records, ScriptSource } from '../support/script-source.ts'
import { perSuite } from '../support/seeds.ts'

const certificatesOf = (job: TestJob) => job.results.certificates.map((line) => JSON.parse(line) as Certificate)
const proofOf = (job: TestJob) => certificatesOf(job).map(({ job: _, ...rest }) => rest)

/** Recomputes the first job's records under another name. */
function replayOf(first: TestJob, list: ReturnType<typeof recordsOf>, random: Random): TestJob {
  const recorded = recordedIn(certificatesOf(first))
  const source = new MemorySource({ partitions: [list], batchSize: () => random.int(1, 9) })
  const limits = { ...DEFAULT_LIMITS, checkpointEveryRecords: random.int(2, 30), vmsPerWorkflow: random.int(2, 5) }
  return makeJob(list, { job: 'again', rules: first.env.rules, source, limits, once: true, recorded: () => recorded })
}

it('a replay repeats closes by an operator, by a deadline and at the end of the input, with the same certificates', async () => {
  const rules = { ...RULES, deadlineMs: 50 }
  const list = recordsOf([
    ...[point('a', 0, 10), point('b', 0, 20), point('a', 1, 110), garbage(), point('b', 2, 115), point('a', 2, 20)],
    ...[point('a', 3, 210), point('a', 4, 310), point('b', 4, 120)],
  ])
  const first = makeJob([], { rules })
  const observe = (event: PipelineEvent): void => {
    if (event.kind === 'folded' && event.position === 7)
      void submitRequest(first.store, 'job', 0, {
        ...{ kind: 'close', id: 'r', window: 100, who: 'ann', why: 'now', askedAtMs: 0 },
      })
  }
  const lines = [
    ...[records(...list.slice(0, 3)), caughtUp(3, 150), records(...list.slice(3, 7))],
    ...[caughtUp(7, 0), records(...list.slice(7))],
  ]
  await first.run({ source: new ScriptSource({ lines }), observe, limits: { ...DEFAULT_LIMITS, requestsEveryMs: 0 } })
  expect(certificatesOf(first).map(({ window, trigger }) => [window?.start, trigger])).toEqual([
    ...[
      [0, 'deadline'],
      [100, 'forced'],
    ],
    ...[
      [200, 'grace'],
      [300, 'grace'],
    ],
  ])
  for (let seed = 1; seed <= 10; seed++) {
    const again = replayOf(first, list, new Random(seed))
    await again.run()
    expect(again.results.results).toEqual(first.results.results)
    expect(proofOf(again)).toEqual(proofOf(first))
  }
})

it('a replay of any fleet gives the same bytes, and running it again changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const random = new Random(seed)
      const sent = makeFleet(random, {
        vms: random.int(1, 4),
        windows: random.int(1, 4),
        hasManifests: random.chance(0.5),
      })
      const list = recordsOf(withinGrace(random, [...sent, ...duplicatesOf(random, sent)]), 2)
      const first = makeJob(list)
      await first.run()
      const again = replayOf(first, list, random)
      await again.run()
      await again.run()
      expect(again.results.results).toEqual(first.results.results)
      expect(proofOf(again)).toEqual(proofOf(first))
    }),
    { numRuns: perSuite({ unit: 10, simulation: 30 }) },
  )
})

it('a replay amends late points at the same commits, with a close and at the end of the input', async () => {
  // Window 0 closes by its grace, and a point for it comes before its manifest closes 100; another when nothing is open.
  const sent = [point('a', 0, 10), point('a', 2, 160), point('a', 1, 20), manifest('a', 100, 2, 1), point('a', 3, 30)]
  const list = recordsOf(sent)
  const first = makeJob(list)
  await first.run()
  const amending = certificatesOf(first).map(({ window, amended }) => [window?.start, amended.map((one) => one.window)])
  expect(amending).toEqual([
    ...[
      [0, []],
      [100, [0]],
    ],
    [undefined, [0, 100]],
  ])
  const again = replayOf(first, list, new Random(3))
  await again.run()
  expect(again.results.results).toEqual(first.results.results)
  expect(proofOf(again)).toEqual(proofOf(first))
})

it('a replay leaves windows open that the other job has not closed', async () => {
  const list = recordsOf([point('a', 0, 10), point('a', 1, 160), point('a', 2, 170)])
  const first = makeJob([])
  const stop = new AbortController()
  const observe = (event: PipelineEvent): void => {
    if (event.kind === 'folded') stop.abort()
  }
  const source = new ScriptSource({ lines: [records(...list), { kind: 'silence' }] })
  await first.run({ source, observe }, stop.signal)
  const again = replayOf(first, list, new Random(1))
  await again.run()
  expect(again.results.results).toEqual(first.results.results)
  expect(again.results.results).toHaveLength(1)
})
