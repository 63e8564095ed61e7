/** Commits lag behind the fold by a few cuts at most: then the source waits, and memory with it. */
import { describe, expect, it } from 'vitest'
import { MemoryEngine } from '../support/memory-engine.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import type { WorkflowEngine } from '../../src/ports/index.ts'
import { failureOf, makeJob } from '../support/job.ts'
import { point, recordsOf } from '../support/records.ts'
import { records, ScriptSource } from '../support/script-source.ts'

/** From the second record on, each closes a window. */
const list = recordsOf(Array.from({ length: 40 }, (_, seq) => point('a', seq, seq * 100 + 50)))
const lines = list.map((one) => records(one))

/** Resolves when nothing more happens without a call from the test. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('backpressure', () => {
  it.each([0, 2, 5])('lets %i cuts wait behind the one being committed; then the source waits', async (most) => {
    const source = new ScriptSource({ lines })
    const job = makeJob(list, { source, limits: { ...DEFAULT_LIMITS, maxQueuedCuts: most } })
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const engine: WorkflowEngine = {
      start: (id, input) => inner.start(id, input),
      poll: async (id) => released.then(() => inner.poll(id)),
      purge: (id) => inner.purge(id),
    }
    const running = job.run({ engine })
    await quiet()
    // One cut is being committed, `most` are queued, and one more waits in `submit`.
    expect(job.events.filter((event) => event.kind === 'cut')).toHaveLength(most + 2)
    expect(source.asked).toBe(most + 3)
    release()
    await running
    expect(job.results.results).toHaveLength(40)
  })

  it('commits in the order of the cuts', async () => {
    const job = makeJob(list, { source: new ScriptSource({ lines }) })
    await job.run()
    const commits = job.events.flatMap((event) => (event.kind === 'committed' ? [event.commit] : []))
    expect(commits).toEqual(commits.map((_, i) => i + 1))
    const windows = job.events.flatMap((event) =>
      event.kind === 'committed' && event.window !== null ? [event.window] : [],
    )
    expect(windows).toEqual(windows.map((_, i) => i * 100))
  })

  it('ends with the error when a commit fails for good, even for a caller that waits for room', async () => {
    const source = new ScriptSource({ lines })
    const job = makeJob(list, { source, limits: { ...DEFAULT_LIMITS, maxQueuedCuts: 0 } })
    const engine: WorkflowEngine = {
      start: () => Promise.resolve(),
      poll: async () => {
        await quiet()
        throw new WindrowError('no more', { code: 'WORKER_STOPPED', remedy: '-' })
      },
      purge: () => Promise.resolve(),
    }
    expect(await failureOf(job.run({ engine }))).toMatchObject({ code: 'WORKER_STOPPED' })
    expect(source.asked).toBeLessThan(10)
    expect(await job.ledger()).toMatchObject({ commit: 0, resumeOffset: 0 })
  })

  it('also ends a wait for the next record', async () => {
    const source = new ScriptSource({ lines: [...lines.slice(0, 3), { kind: 'silence' }] })
    const job = makeJob(list, { source })
    const engine: WorkflowEngine = {
      start: () => Promise.resolve(),
      poll: () => Promise.resolve({ kind: 'completed', output: JSON.stringify(FATAL) }),
      purge: () => Promise.resolve(),
    }
    expect(await failureOf(job.run({ engine }))).toMatchObject({ code: 'COUNTS_DIFFER' })
  })
})

const FATAL = { ok: false, code: 'COUNTS_DIFFER', message: 'm', remedy: 'r', isRetryable: false }
