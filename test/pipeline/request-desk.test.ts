/** What an owner does with operators' requests: what is closed by force, what is refused, and what survives its death. */
import { describe, expect, it } from 'vitest'
import type { SourceRecord } from '../../src/core/point.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { submitRequest, requestState, type CloseRequest } from '../../src/ledger/requests.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { failAt, faultyStore } from '../support/faulty-store.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { manifest, point, recordsOf } from '../support/records.ts'
import { records, ScriptSource } from '../support/script-source.ts'

/** Windows 0, 100 and 200 are open and lack points; nothing of the records closes any. */
const OPEN = recordsOf([point('a', 0, 10), point('a', 1, 110), point('a', 3, 205)])
const LATER = recordsOf([point('a', 0, 10), point('a', 1, 110), point('a', 3, 205), point('a', 2, 115)]).slice(3)

const asking = (window: number, id = 'r1'): CloseRequest => ({
  ...{ kind: 'close', id, window, who: 'ann', why: 'the backfill is done', askedAtMs: 0 },
})

/** Rules under which a watermark in window 200 closes nothing, and late records become dead letters. */
const rules = { ...makeJob([]).env.rules, graceMs: 10_000, amendWindows: 0 }

function closesOf(job: TestJob): string[] {
  return job.results.results.map((line) => {
    const { vmId, windowStart, reason, received } = JSON.parse(line) as { [key: string]: unknown }
    return `${String(windowStart)} ${String(vmId)}:${String(reason)}/${String(received)}`
  })
}

/** Runs over these records and then a silent source, until the request is answered. */
async function untilAnswered(job: TestJob, list: readonly SourceRecord[], more = {}): Promise<PipelineEvent[]> {
  const stop = new AbortController()
  const events: PipelineEvent[] = []
  const observe = (event: PipelineEvent): void => {
    events.push(event)
    if (event.kind === 'request-answered') stop.abort()
  }
  const source = new ScriptSource({ lines: [records(...list), { kind: 'silence' }] })
  await job.run({ source, observe, ...more }, stop.signal)
  return events
}

describe('a request to close', () => {
  it('closes the open windows up to the one that it names, and the answer lists them', async () => {
    const job = makeJob([], { rules })
    const events = await untilAnswered(job, OPEN, { source: sourceThatAsks(job, OPEN, asking(100)) })
    expect(closesOf(job)).toEqual(['0 a:forced/1', '100 a:forced/1'])
    expect(await requestState(job.store, 'job', 0, 'r1')).toMatchObject({
      outcome: { kind: 'closed', closing: { count: 2, windows: [0, 100] }, commit: 2 },
    })
    expect(events).toContainEqual({
      ...{ kind: 'request-taken', partition: 0, window: null, id: 'r1' },
      ...{ who: 'ann', why: 'the backfill is done', windows: 2 },
    })
  })

  it('is carried out while the source is silent', async () => {
    const job = makeJob([], { rules })
    let isAsked = false
    const stop = new AbortController()
    const observe = (event: PipelineEvent): void => {
      if (event.kind === 'folded' && !isAsked) {
        isAsked = true
        void submitRequest(job.store, 'job', 0, asking(0))
      }
      if (event.kind === 'request-answered') stop.abort()
    }
    const source = new ScriptSource({ lines: [records(...OPEN), { kind: 'silence' }] })
    await job.run({ source, observe }, stop.signal)
    expect(closesOf(job)).toEqual(['0 a:forced/1'])
  })

  it.each([
    ['that never opened', 300, 'not-open', [0, 100, 200]],
    ['between open ones', 150, 'not-open', [0, 100, 200]],
  ] as const)(
    'a request for a window %s is refused, and the answer lists the open windows',
    async (_, window, problem, windows) => {
      const job = makeJob([], { rules })
      await untilAnswered(job, OPEN, { source: sourceThatAsks(job, OPEN, asking(window)) })
      expect(closesOf(job)).toEqual([])
      expect(await requestState(job.store, 'job', 0, 'r1')).toMatchObject({
        outcome: { kind: 'refused', problem, open: { count: 3, windows } },
      })
    },
  )

  it('for a window with only a manifest, and no point of a later window, is refused as not open', async () => {
    const job = makeJob([], { rules })
    const list = recordsOf([point('a', 0, 10), manifest('a', 100, 1, 5)])
    await untilAnswered(job, list, { source: sourceThatAsks(job, list, asking(100)) })
    expect(await requestState(job.store, 'job', 0, 'r1')).toMatchObject({ outcome: { problem: 'not-open' } })
  })

  it('for a window that has closed is refused as closed before', async () => {
    const job = makeJob([], { rules })
    await untilAnswered(job, OPEN, { source: sourceThatAsks(job, OPEN, asking(100)) })
    await submitRequest(job.store, 'job', 0, asking(0, 'r2'))
    await untilAnswered(job, OPEN)
    expect(await requestState(job.store, 'job', 0, 'r2')).toMatchObject({
      outcome: { kind: 'refused', problem: 'closed-before' },
    })
    expect(closesOf(job)).toEqual(['0 a:forced/1', '100 a:forced/1'])
  })

  it('to a partition without an owner is carried out by the next owner before it reads on', async () => {
    const job = makeJob([], { rules })
    await runOver(job, OPEN)
    await submitRequest(job.store, 'job', 0, asking(100))
    const rest = new ScriptSource({ lines: [records(...OPEN, ...LATER)] })
    await job.run({ source: rest })
    // The point that came after is late: the request was carried out first.
    expect(closesOf(job)).toEqual(['0 a:forced/1', '100 a:forced/1', '200 a:grace/1'])
  })

  it('that arrives at the end of the input is answered', async () => {
    const job = makeJob([], { rules })
    const source = new ScriptSource({ lines: [records(...OPEN)] })
    const observe = (event: PipelineEvent): void => {
      if (event.kind === 'cut') void submitRequest(job.store, 'job', 0, asking(100))
    }
    await job.run({ source, observe, limits: { ...job.env.limits, requestsEveryMs: 1e9 } })
    expect(await requestState(job.store, 'job', 0, 'r1')).toMatchObject({ outcome: { problem: 'closed-before' } })
  })

  it('is read at the next poll if the store does not answer, and holds up no folding', async () => {
    const job = makeJob([], { rules })
    await submitRequest(job.store, 'job', 0, asking(0))
    const isLook = ({ method, keys }: { method: string; keys: readonly string[] }) =>
      method === 'get' && keys[0] === 'job-0-requests'
    const store = faultyStore(job.store, { before: failAt(1, isLook) })
    const events = await untilAnswered(job, OPEN, { store })
    expect(events).toContainEqual(expect.objectContaining({ kind: 'retry', step: 'reading requests' }))
    expect(closesOf(job)).toEqual(['0 a:forced/1'])
  })
})

describe('an owner that dies', () => {
  it.each(['before', 'after'] as const)(
    '%s any call of its store: the request is carried out once, at the cut that the ledger knows',
    async (when) => {
      let deaths = 0
      let decided = 0
      for (let nth = 1; ; nth++) {
        const job = makeJob([], { rules })
        await runOver(job, OPEN)
        await submitRequest(job.store, 'job', 0, asking(100))
        if (!(await dieAt(job, nth, when))) break
        deaths++
        const { intent, closedThrough } = await job.ledger()
        if (intent?.trigger === 'forced') {
          decided++
          expect(intent.request).toBe('r1')
        }
        const source = new ScriptSource({ lines: [records(...OPEN, ...LATER)] })
        await job.run({ source })
        const answer = await requestState(job.store, 'job', 0, 'r1')
        expect({ nth, closedThrough, results: closesOf(job) }).toEqual({
          ...{ nth, closedThrough },
          results: ['0 a:forced/1', '100 a:forced/1', '200 a:grace/1'],
        })
        expect({ nth, answer }).toMatchObject({ nth, answer: { outcome: { kind: 'closed', closing: { count: 2 } } } })
        expect((await job.ledger()).counts.late).toBe(1)
      }
      expect(deaths).toBeGreaterThan(20)
      expect(decided).toBeGreaterThan(5)
    },
  )
})

/** Commits these records, with their windows open, and stops. */
async function runOver(job: TestJob, list: readonly SourceRecord[]): Promise<void> {
  const stop = new AbortController()
  const observe = (event: PipelineEvent): void => {
    if (event.kind === 'folded') stop.abort()
  }
  await job.run({ source: new ScriptSource({ lines: [records(...list), { kind: 'silence' }] }), observe }, stop.signal)
}

async function dieAt(job: TestJob, nth: number, when: 'before' | 'after'): Promise<boolean> {
  let calls = 0
  const die = (): void => {
    if (++calls >= nth) throw new WindrowError('died', { code: 'WORKER_STOPPED', remedy: '-' })
  }
  try {
    await untilAnswered(job, OPEN, { store: faultyStore(job.store, { [when]: die }) })
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'WORKER_STOPPED' })
    return true
  }
}

/** Asks once the records were handed over, then is silent. */
function sourceThatAsks(job: TestJob, list: readonly SourceRecord[], request: CloseRequest): ScriptSource {
  const source = new ScriptSource({ lines: [records(...list), { kind: 'silence' }] })
  return Object.assign(source, {
    open: async (partition: number, fromOffset: number) => {
      const opened = await ScriptSource.prototype.open.call(source, partition, fromOffset)
      const next = async () => {
        if (source.asked === 1) await submitRequest(job.store, 'job', 0, request)
        return opened.next()
      }
      return { ...opened, next }
    },
  })
}
