/** I6: a close depends on the records and the ledger alone; a wall-clock decision is in the ledger before it acts. */
import { describe, expect, it } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { Folding } from '../support/fold.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { manifest, point, recordsOf, RULES } from '../support/records.ts'
import { caughtUp, records, ScriptSource } from '../support/script-source.ts'

/** Without amendments, so that what comes after a close shows. */
const rules = { ...RULES, deadlineMs: 50, amendWindows: 0 }
/** The clock closes window 0 after the third record; for the records alone it would close at the fifth. */
const list = recordsOf([
  point('a', 0, 10),
  point('a', 1, 110),
  manifest('a', 100, 1, 1),
  point('a', 2, 20),
  point('a', 3, 230),
])
const byClock = (): ScriptSource =>
  new ScriptSource({ lines: [records(...list.slice(0, 3)), caughtUp(3, 150), records(...list.slice(3))] })
const byRecords = (): ScriptSource => new ScriptSource({ lines: [records(...list)] })

function resultsOf(job: TestJob): string[] {
  return job.results.results.map((line) => {
    const { windowStart, reason, received } = JSON.parse(line) as { [key: string]: unknown }
    return `${String(windowStart)} ${String(reason)}/${String(received)}`
  })
}

const BY_CLOCK = ['0 deadline/1', '100 complete/1', '200 grace/1']
const BY_RECORDS = ['0 grace/2', '100 complete/1', '200 grace/1']

/** Dies for good at the nth call of its store, before or after that call was applied. */
async function dieAt(job: TestJob, nth: number, when: 'before' | 'after'): Promise<boolean> {
  let calls = 0
  const die = (): void => {
    if (++calls >= nth) throw new WindrowError('died', { code: 'WORKER_STOPPED', remedy: '-' })
  }
  const store = faultyStore(job.store, { [when]: die })
  try {
    await job.run({ store, source: byClock() })
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'WORKER_STOPPED' })
    return true
  }
}

describe('I6', () => {
  it.each(['before', 'after'] as const)(
    'an owner that dies %s any call of its store leaves a decision that the next one keeps, or none',
    async (when) => {
      const kept: boolean[] = []
      for (let nth = 1; ; nth++) {
        const job = makeJob([], { rules })
        if (!(await dieAt(job, nth, when))) break
        const ledger = job.store.keys().includes('job-0-ledger') ? await job.ledger() : null
        const isDecided = (ledger?.commit ?? 0) > 0 || ledger?.intent?.trigger === 'deadline'
        kept.push(isDecided)
        await job.run({ source: byRecords() })
        expect({ nth, results: resultsOf(job) }).toEqual({ nth, results: isDecided ? BY_CLOCK : BY_RECORDS })
      }
      expect(kept.length).toBeGreaterThan(30)
      expect(kept.filter((isDecided) => !isDecided).length).toBeGreaterThan(1)
    },
  )

  it('nothing of an attempt is written before the ledger announces it', async () => {
    const job = makeJob(list, { rules, limits: { ...DEFAULT_LIMITS, checkpointEveryRecords: 2 } })
    const early: string[] = []
    const store = faultyStore(job.store, {
      before: async ({ method, keys }) => {
        if (method !== 'insert' || keys[0] === 'job-0-ledger') return
        const { intent } = await job.ledger()
        if (intent === null || keys[0]?.startsWith(intent.attempt) !== true) early.push(keys[0] ?? '')
      },
    })
    await job.run({ store, source: byClock() })
    expect(early).toEqual([])
    expect((await job.ledger()).commit).toBeGreaterThan(4)
  })

  it('the watermark is evaluated record by record: a batch decides nothing', () => {
    const sent = [point('a', 0, 10), point('a', 1, 120), point('a', 2, 50), point('a', 3, 219), point('a', 4, 220)]
    const folding = new Folding({ amendWindows: 0 }).feed(...sent).end()
    expect(folding.closes).toEqual(['#1 0 grace a:grace/1', '#4 100 grace a:grace/1', 'end 200 grace a:grace/2'])
    expect(folding.refusals).toEqual(['#2 too-late'])
  })

  it('the fate of a record does not depend on the batch that it came in', async () => {
    const late = recordsOf([point('a', 0, 10), point('a', 1, 120), point('a', 2, 50)])
    for (const size of [1, 2, 3]) {
      const lines = Array.from({ length: Math.ceil(3 / size) }, (_, i) =>
        records(...late.slice(i * size, (i + 1) * size)),
      )
      const job = makeJob([], { rules, source: new ScriptSource({ lines }) })
      await job.run()
      expect({ size, counts: (await job.ledger()).counts }).toMatchObject({ size, counts: { accepted: 2, late: 1 } })
      expect(resultsOf(job)).toEqual(['0 grace/1', '100 grace/1'])
    }
  })
})
