import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { bindJob, type JobRecord } from '../../src/ledger/job-record.ts'
import { RULES } from '../support/records.ts'

const RECORD: JobRecord = {
  format: 1,
  job: 'job',
  partitions: 4,
  rules: RULES,
  aggregator: 'summary@1',
  fields: {},
  source: { topic: 'points' },
}

describe('a job', () => {
  it('is bound by its first run and found by the next', async () => {
    const store = new MemoryStore()
    expect(await bindJob(store, RECORD)).toEqual(RECORD)
    expect(await bindJob(store, RECORD)).toEqual(RECORD)
    expect(store.keys()).toEqual(['job-job'])
  })

  it.each<[string, Partial<JobRecord>]>([
    ['partitions was 4 and is now 8', { partitions: 8 }],
    ['aggregator was "summary@1" and is now "mine@1"', { aggregator: 'mine@1' }],
    ['window was 100ms and is now 200ms', { rules: { ...RULES, sizeMs: 200 } }],
    ['window was 100ms and is now 100ms offset 30ms', { rules: { ...RULES, offsetMs: 30 } }],
    ['window was 100ms and is now day in UTC', { rules: { ...RULES, calendar: { unit: 'day', timeZone: 'UTC' } } }],
    ['deadline was null and is now 5ms', { rules: { ...RULES, deadlineMs: 5 } }],
  ])('refuses to resume with other settings: %s', async (difference, change) => {
    const store = new MemoryStore()
    await bindJob(store, RECORD)
    await expect(bindJob(store, { ...RECORD, ...change })).rejects.toMatchObject({
      code: 'JOB_CHANGED',
      message: expect.stringContaining(difference) as string,
    })
    expect(await bindJob(store, RECORD), 'and stays bound to the first').toEqual(RECORD)
  })

  it('of calendar windows is refused other ones, and continues with other time zone data', async () => {
    const store = new MemoryStore()
    const calendar = { unit: 'week', timeZone: 'Europe/Berlin', weekStart: 7 } as const
    const weeks: JobRecord = { ...RECORD, rules: { ...RULES, calendar }, timeZoneData: '2025b' }
    await bindJob(store, weeks)
    expect(await bindJob(store, { ...weeks, timeZoneData: '2026a' })).toEqual(weeks)
    for (const [rules, now] of [
      [RULES, '100ms'],
      [{ ...RULES, calendar: { ...calendar, weekStart: 1 } }, 'week in Europe/Berlin'],
      [{ ...RULES, calendar: { ...calendar, timeZone: 'UTC' } }, 'week from sunday in UTC'],
    ] as const) {
      const message = expect.stringContaining(
        `window was week from sunday in Europe/Berlin and is now ${now}`,
      ) as string
      await expect(bindJob(store, { ...weeks, rules })).rejects.toMatchObject({ code: 'JOB_CHANGED', message })
    }
  })

  it('that has consumed no record may start again under other settings', async () => {
    const store = new MemoryStore()
    await bindJob(store, RECORD)
    const other = { ...RECORD, partitions: 8 }
    expect(await bindJob(store, other, undefined, () => Promise.resolve(true))).toEqual(other)
    expect(await bindJob(store, other)).toEqual(other)
    const touched = bindJob(store, RECORD, undefined, () => Promise.resolve(false))
    await expect(touched).rejects.toMatchObject({ code: 'JOB_CHANGED' })
  })

  it('leaves the check of the source to the source', async () => {
    const store = new MemoryStore()
    await bindJob(store, RECORD)
    expect((await bindJob(store, { ...RECORD, source: { topic: 'other' } })).source).toEqual({ topic: 'points' })
  })
})
