/** What the pipeline tells of itself must add up: whoever counts from it counts right. */
import { describe, expect, it } from 'vitest'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { makeJob, type TestJob } from '../support/job.ts'
import { garbage, point, recordsOf, RULES } from '../support/records.ts'

const LIST = recordsOf([
  point('a', 0, 10),
  garbage(),
  point('b', 0, 60),
  point('a', 1, 110),
  point('a', 2, 230),
  point('a', 3, 330),
  point('b', 1, 20),
])

function told<Kind extends PipelineEvent['kind']>(job: TestJob, kind: Kind) {
  return job.events.filter((event): event is PipelineEvent & { readonly kind: Kind } => event.kind === kind)
}

describe('the events of a partition', () => {
  it('tell once of each window that opens, also of one that opens and closes within a batch', async () => {
    const job = makeJob(LIST)
    await job.run()
    const opened = told(job, 'opened').map(({ window }) => window)
    expect(opened).toEqual([0, 100, 200, 300])
    const kinds = job.events.filter(({ kind }) => kind === 'opened' || kind === 'cut')
    for (const window of opened) {
      const openedAt = kinds.findIndex((event) => event.kind === 'opened' && event.window === window)
      const cutAt = kinds.findIndex((event) => event.kind === 'cut' && event.window === window)
      expect(openedAt, String(window)).toBeLessThan(cutAt)
    }
  })

  it('count VM windows and dead letters by reason, as many as in all', async () => {
    const job = makeJob(LIST, { rules: { ...RULES, amendWindows: 0 } })
    await job.run()
    for (const { vmWindows, vmWindowsByReason } of told(job, 'committed')) {
      expect(Object.values(vmWindowsByReason).reduce((sum, count) => sum + count, 0)).toBe(vmWindows)
    }
    const published = told(job, 'published')
    const reasons = published.flatMap(({ deadLettersByReason }) => Object.entries(deadLettersByReason))
    expect(Object.fromEntries(reasons)).toEqual({ undecodable: 1, 'too-late': 1 })
    expect(published.reduce((sum, { deadLetters }) => sum + deadLetters, 0)).toBe(2)
  })

  it('tell an owner that takes over what was counted before it', async () => {
    const job = makeJob(LIST)
    await job.run()
    await job.run()
    expect(told(job, 'taken-over').map(({ counts }) => counts.consumed)).toEqual([0, LIST.length])
  })
})

it('a trace context rides along in the plan and decides nothing: the ledger has the same digest with it and without', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const inputs: string[] = []
  const plain = makeJob(LIST)
  await plain.run()
  const traced = makeJob(LIST)
  const engine = traced.env.engine
  await traced.run({
    traceparentOf: () => traceparent,
    engine: {
      ...{ poll: (id) => engine.poll(id), purge: (id) => engine.purge(id) },
      start: (id, input) => {
        inputs.push(input)
        return engine.start(id, input)
      },
    },
  })
  expect(inputs.length).toBeGreaterThan(3)
  expect(inputs.every((input) => input.includes(traceparent))).toBe(true)
  expect((await traced.ledger()).digest).toBe((await plain.ledger()).digest)
  expect(traced.results.results).toEqual(plain.results.results)
})
