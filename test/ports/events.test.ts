/** The pipeline's events are consistent: totals that a listener computes from them are correct, and each names its window. */
import { describe, expect, it } from 'vitest'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { lostReply, makeJob, type TestJob } from '../support/job.ts'
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

function eventsOf<Kind extends PipelineEvent['kind']>(job: TestJob, kind: Kind) {
  return job.events.filter((event): event is PipelineEvent & { readonly kind: Kind } => event.kind === kind)
}

describe('the events of a partition', () => {
  it('announce each window that opens once, even if it opens and closes within a batch', async () => {
    const job = makeJob(LIST)
    await job.run()
    const opened = eventsOf(job, 'opened').map(({ window }) => window)
    expect(opened).toEqual([0, 100, 200, 300])
    const kinds = job.events.filter(({ kind }) => kind === 'opened' || kind === 'cut')
    for (const window of opened) {
      const openedAt = kinds.findIndex((event) => event.kind === 'opened' && event.window === window)
      const cutAt = kinds.findIndex((event) => event.kind === 'cut' && event.window === window)
      expect(openedAt, String(window)).toBeLessThan(cutAt)
    }
  })

  it('count VM windows and dead letters by reason, and the counts add up to the total', async () => {
    const job = makeJob(LIST, { rules: { ...RULES, amendWindows: 0, quorum: 0 } })
    await job.run()
    for (const { vmWindows, vmWindowsByReason } of eventsOf(job, 'committed')) {
      expect(Object.values(vmWindowsByReason).reduce((sum, count) => sum + count, 0)).toBe(vmWindows)
    }
    const published = eventsOf(job, 'published')
    const reasons = published.flatMap(({ deadLettersByReason }) => Object.entries(deadLettersByReason))
    expect(Object.fromEntries(reasons)).toEqual({ undecodable: 1, 'too-late': 1 })
    expect(published.reduce((sum, { deadLetters }) => sum + deadLetters, 0)).toBe(2)
  })

  it('give an owner that takes over the counts of earlier owners', async () => {
    const job = makeJob(LIST)
    await job.run()
    await job.run()
    expect(eventsOf(job, 'taken-over').map(({ counts }) => counts.consumed)).toEqual([0, LIST.length])
  })

  it('carry the window that a commit closes, in its steps, its commit and its publication', async () => {
    const job = makeJob(LIST)
    await job.run()
    const committed = eventsOf(job, 'committed')
    expect(committed.filter(({ window }) => window !== null).map(({ window }) => window)).toEqual([0, 100, 200, 300])
    for (const { commit, window, closed } of committed) {
      expect(closed?.start ?? null).toBe(window)
      expect(eventsOf(job, 'published').find((event) => event.commit === commit)?.window).toBe(window)
      const steps = eventsOf(job, 'step').filter((event) => event.commit === commit && event.step !== 'sweep')
      expect(steps.length).toBeGreaterThan(8)
      expect(steps.filter(({ step }) => step !== 'open-publisher').map((event) => event.window)).toEqual(
        steps.filter(({ step }) => step !== 'open-publisher').map(() => window),
      )
    }
    expect(eventsOf(job, 'cut').map(({ window }) => window)).toEqual(committed.map(({ window }) => window))
  })

  it('carry the window in a retry of its commit and of its publication', async () => {
    const job = makeJob(LIST)
    const { engine } = job.env
    const failing = new Set(['start', 'publish'])
    const failOnce = (call: string): void => {
      if (failing.delete(call)) throw lostReply()
    }
    await job.run({
      engine: {
        ...{ poll: (id) => engine.poll(id), purge: (id) => engine.purge(id) },
        start: async (id, input) => {
          failOnce('start')
          await engine.start(id, input)
        },
      },
      publishers: {
        open: async (partition) => {
          const publisher = await job.results.open(partition)
          return {
            marker: publisher.marker,
            close: () => publisher.close(),
            publish: async (batch) => {
              failOnce('publish')
              await publisher.publish(batch)
            },
          }
        },
      },
    })
    expect(eventsOf(job, 'retry').map(({ step, window }) => [step, window])).toEqual([
      ['committing 1', 0],
      ['publishing', 0],
    ])
  })
})

it('a trace context is passed in the plan and decides nothing: the ledger has the same digest with and without it', async () => {
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
