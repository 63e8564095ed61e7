/**
 * Calendar windows in the pipeline. A partition must halt, and not move a border, where a process with other time zone data
 * would begin or end an open or remembered window elsewhere. Another time zone stands for other data here.
 */
import { describe, expect, it } from 'vitest'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { point, recordsOf, RULES } from '../support/records.ts'

const HOUR = 3_600_000

const rulesIn = (timeZone: string): Windowing => ({
  ...RULES,
  ...{ sizeMs: 24 * HOUR, graceMs: HOUR, calendar: { unit: 'day', timeZone } },
})

/** A point of one VM every half hour, from a time on. */
function halfHours(from: string, count: number): Decoded[] {
  return Array.from({ length: count }, (_, i) => point('a', i, Date.parse(from) + (i * HOUR) / 2))
}

function resultsOf(job: TestJob): VmWindowResult[] {
  return job.results.results.map((line) => JSON.parse(line) as VmWindowResult)
}

describe('days of a time zone', () => {
  it('hold 46 and 50 half hours where the clock changes', async () => {
    for (const [from, expected] of [
      ['2026-03-27T23:00Z', [48, 46, 48]],
      ['2026-10-23T22:00Z', [48, 50, 48]],
    ] as const) {
      const job = makeJob(recordsOf(halfHours(from, 160)), { rules: rulesIn('Europe/Berlin') })
      await job.run()
      expect(
        resultsOf(job)
          .map(({ received }) => received)
          .slice(0, 3),
      ).toEqual(expected)
    }
  })

  it('expect as many points by a cadence as the day has hours', async () => {
    const rules = { ...rulesIn('Europe/Berlin'), expectEveryMs: HOUR }
    const hours = halfHours('2026-03-27T23:00Z', 240).filter((_, i) => i % 2 === 0)
    const job = makeJob(recordsOf(hours), { rules })
    await job.run()
    expect(resultsOf(job).slice(0, 3)).toMatchObject([
      { expected: 24, received: 24, reason: 'complete' },
      { expected: 23, received: 23, reason: 'complete' },
      { expected: 24, received: 24, reason: 'complete' },
    ])
  })

  it('whose borders the time zone data of the next process moves halt the partition', async () => {
    // Open: 29 March, in Berlin from 28 March 23:00 UTC on.
    const records = recordsOf(halfHours('2026-03-28T10:00Z', 50))
    const job = makeJob(records, { rules: rulesIn('Europe/Berlin') })
    const stop = new AbortController()
    await job.run({ once: false, observe: (event) => event.kind === 'published' && stop.abort() }, stop.signal)
    const before = await job.ledger()
    await expect(job.run({ rules: rulesIn('Europe/Lisbon') })).rejects.toMatchObject({
      code: 'BORDERS_CHANGED',
      message: expect.stringMatching(
        /^the window 2026-03-27T23:00:00\.000Z to 2026-03-28T23:00:00\.000Z of the time zone data \S+ is 2026-03-27T00:00/,
      ) as string,
      disposition: 'fatal',
    })
    expect((await job.ledger()).commit).toBe(before.commit)
    // Paris has the same borders: another name, or other data, changes nothing.
    await job.run({ rules: rulesIn('Europe/Paris') })
    expect((await job.ledger()).commit).toBeGreaterThan(before.commit)
  })
})
