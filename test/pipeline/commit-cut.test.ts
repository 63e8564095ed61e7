/** One commit, however often its workflow fails, vanishes, stands still or lies: the ledger's word alone counts. */
import { describe, expect, it } from 'vitest'
import { MemoryEngine } from '../support/memory-engine.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import type { WorkflowEngine, WorkflowStatus } from '../../src/ports/index.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { failureOf, lostReply, makeJob, type TestJob } from '../support/job.ts'
import { leaksOf } from '../support/leaks.ts'
import { point, recordsOf } from '../support/records.ts'

const list = recordsOf([10, 120, 230].map((at, seq) => point('a', seq, at)))
const UNDISTURBED = ['0 1', '100 1', '200 1']

function published(job: TestJob): string[] {
  return job.results.results.map((line) => {
    const { windowStart, received } = JSON.parse(line) as { windowStart: number; received: number }
    return `${windowStart} ${received}`
  })
}

/** A real engine whose answers to `poll` a test may change; counts what it starts. */
function engineOf(job: TestJob, poll: (n: number, real: () => Promise<WorkflowStatus>) => Promise<WorkflowStatus>) {
  const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
  const started: string[] = []
  let polls = 0
  const engine: WorkflowEngine = {
    start: (id, input) => {
      started.push(id)
      return inner.start(id, input)
    },
    poll: (id) => poll(++polls, () => inner.poll(id)),
    purge: (id) => inner.purge(id),
  }
  return { engine, started }
}

describe('a commit', () => {
  it.each<[string, WorkflowStatus, string]>([
    ['failed', { kind: 'failed', reason: 'out of memory' }, 'failed: out of memory'],
    ['is unknown to the engine', { kind: 'absent' }, 'is unknown to the engine'],
  ])('whose workflow %s is retried under a higher epoch and another id', async (_, status, reason) => {
    const job = makeJob(list)
    // The workflow never ran: it was lost before its start took effect.
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    const started: string[] = []
    const engine: WorkflowEngine = {
      start: async (id, input) => {
        started.push(id)
        if (started.length > 1) await inner.start(id, input)
      },
      poll: async (id) => (id === started[0] ? status : inner.poll(id)),
      purge: (id) => inner.purge(id),
    }
    await job.run({ engine })
    expect(started.slice(0, 2)).toEqual(['job-0-1-1-token001', 'job-0-1-2-token002'])
    expect(published(job)).toEqual(UNDISTURBED)
    const retries = job.events.flatMap((event) => (event.kind === 'retry' ? [event.reason] : []))
    expect(retries).toEqual([expect.stringContaining(reason)])
    expect(await leaksOf(job.store, 'job', 1)).toEqual({ lost: [], unswept: [] })
  })

  it('that happened is not repeated, even if its workflow reports a failure', async () => {
    const job = makeJob(list)
    const { engine, started } = engineOf(job, async (n, real) => {
      const status = await real()
      return n === 1 ? { kind: 'failed', reason: 'the reply was lost' } : status
    })
    await job.run({ engine })
    expect(started.map((id) => id.split('-')[2])).toEqual(['1', '2', '3'])
    expect(published(job)).toEqual(UNDISTURBED)
  })

  it('that its workflow reports and the ledger does not have did not happen', async () => {
    const job = makeJob(list)
    const lie: WorkflowStatus = { kind: 'completed', output: JSON.stringify({ ok: true, value: { commit: 1 } }) }
    const engine: WorkflowEngine = {
      start: () => Promise.resolve(),
      poll: async () => lie,
      purge: async () => undefined,
    }
    expect(await failureOf(job.run({ engine }))).toMatchObject({
      code: 'COMMIT_FAILS',
      message: expect.stringContaining('it reports a commit that the ledger does not have') as string,
    })
    expect(await job.ledger()).toMatchObject({ commit: 0, resumeOffset: 0 })
    expect(job.results.results).toEqual([])
  })

  it('whose workflow gives an unreadable answer is read from the ledger', async () => {
    const job = makeJob(list)
    const { engine, started } = engineOf(job, async (n, real) => {
      const status = await real()
      return n === 1 ? { kind: 'completed', output: '' } : status
    })
    await job.run({ engine })
    expect(started.map((id) => id.split('-')[2])).toEqual(['1', '2', '3'])
    expect(published(job)).toEqual(UNDISTURBED)
  })

  it('that fails maxWorkflowFailures times halts the partition with the reason', async () => {
    const job = makeJob(list)
    const { engine, started } = engineOf(job, () => Promise.resolve({ kind: 'failed', reason: 'always' }))
    const limits = { ...DEFAULT_LIMITS, maxWorkflowFailures: 3 }
    // Starts no instance: a real one would commit, and the owner would adopt that commit.
    const idle: WorkflowEngine = { ...engine, start: async (id) => void started.push(id), purge: async () => undefined }
    expect(await failureOf(job.run({ engine: idle, limits }))).toMatchObject({
      code: 'COMMIT_FAILS',
      message: expect.stringContaining('failed 3 times') as string,
      disposition: 'fatal',
    })
    expect(started).toHaveLength(3)
  })

  it('whose workflow no longer reports is read from the ledger before it is retried', async () => {
    const job = makeJob(list, { limits: { ...DEFAULT_LIMITS, stallMs: 20 } })
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    const started: string[] = []
    const stalled: string[] = []
    const engine: WorkflowEngine = {
      start: (id, input) => {
        started.push(id)
        return inner.start(id, input)
      },
      // The first instance finishes, but its completion is never reported.
      poll: async (id) => {
        const status = await inner.poll(id)
        return id === started[0] ? { kind: 'running' } : status
      },
      purge: (id) => inner.purge(id),
      stalled: (cause) => void stalled.push(cause.message),
    }
    await job.run({ engine })
    expect(job.events.flatMap((event) => (event.kind === 'retry' ? [event.reason] : []))).toEqual([
      expect.stringContaining('made no progress for 20 ms'),
    ])
    expect(stalled).toEqual([expect.stringContaining(`${started[0]} made no progress`)])
    expect(started.map((id) => id.split('-')[2])).toEqual(['1', '2', '3'])
    expect(published(job)).toEqual(UNDISTURBED)
  })

  it('whose workflow keeps failing to start is reported to the engine as stalled', async () => {
    const job = makeJob(list, { limits: { ...DEFAULT_LIMITS, stallMs: 60_000 } })
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    let nowMs = 1_000_000
    const failedAtMs: number[] = []
    const stalledAtMs: number[] = []
    const engine: WorkflowEngine = {
      // Like a daprd that has lost its actors until a worker reconnects.
      start: async (id, input) => {
        if (stalledAtMs.length >= 2) return inner.start(id, input)
        failedAtMs.push((nowMs += 10_000))
        throw new WindrowError('actor type not registered', {
          code: 'WORKFLOW_ENGINE_FAILED',
        })
      },
      poll: (id) => inner.poll(id),
      purge: (id) => inner.purge(id),
      stalled: () => void stalledAtMs.push(nowMs),
    }
    await job.run({
      engine,
      clock: { nowMs: () => nowMs, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    })
    // At the fifth, 40 s after the first, and so again.
    expect(stalledAtMs).toEqual([failedAtMs[4], failedAtMs[9]])
    expect(failedAtMs).toHaveLength(10)
    expect(published(job)).toEqual(UNDISTURBED)
  })

  it('waits for a workflow as long as new pages appear', async () => {
    const job = makeJob(recordsOf(Array.from({ length: 640 }, (_, i) => point(`vm-${i}`, 0, 10))))
    const asked: string[] = []
    const store = faultyStore(job.store, {
      before: ({ method, keys }) => {
        if (method === 'get' && keys[0]?.includes('-results-') === true) asked.push(keys[0])
      },
    })
    const { engine } = engineOf(job, (n, real) => (n <= 8 ? real().then(() => ({ kind: 'running' })) : real()))
    let nowMs = 0
    const clock = { nowMs: () => (nowMs += 15_000), sleep: () => Promise.resolve() }
    await job.run({ store, engine, clock })
    expect(job.events.filter((event) => event.kind === 'retry')).toEqual([])
    expect(new Set(asked.slice(0, 8)).size, 'each page seen counts once').toBe(8)
  })

  it('whose workflow cannot be purged is a commit nevertheless', async () => {
    const job = makeJob(list)
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    const engine: WorkflowEngine = {
      start: (id, input) => inner.start(id, input),
      poll: (id) => inner.poll(id),
      purge: () => Promise.reject(lostReply()),
    }
    await job.run({ engine })
    expect(published(job)).toEqual(UNDISTURBED)
    expect(job.events.filter((event) => event.kind === 'sweep-failed')).toHaveLength(3)
  })

  it('with a fatal answer halts with the code of that answer', async () => {
    const job = makeJob(list)
    const refused = { ok: false, code: 'COUNTS_DIFFER', message: 'm', remedy: 'r', isRetryable: false }
    const engine: WorkflowEngine = {
      start: () => Promise.resolve(),
      poll: () => Promise.resolve({ kind: 'completed', output: JSON.stringify(refused) }),
      purge: () => Promise.resolve(),
    }
    expect(await failureOf(job.run({ engine }))).toMatchObject({ code: 'COUNTS_DIFFER', remedy: 'r' })
  })
})

describe('pages', () => {
  it('of a window that did not change are not written again', async () => {
    const early = recordsOf([point('b', 0, 510), ...[10, 120, 230].map((at, seq) => point('a', seq, at))])
    const job = makeJob(early, { rules: { ...makeJob([]).env.rules, graceMs: 1000 } })
    const opened: string[] = []
    const store = faultyStore(job.store, {
      after: ({ method, keys }) => {
        if (method === 'insert') opened.push(...keys.filter((key) => key.includes('-open-')))
      },
    })
    await job.run({ store, limits: { ...DEFAULT_LIMITS, checkpointEveryRecords: 1 } })
    const pagesByCommit = [1, 2, 3, 4].map(
      (commit) => opened.filter((key) => key.startsWith(`job-0-${commit}-`)).length,
    )
    expect(pagesByCommit).toEqual([1, 1, 1, 1])
  })

  it('of more abandoned attempts than a ledger lists are swept before the ledger evicts the attempts', async () => {
    const job = makeJob(list)
    const inner = new MemoryEngine({ store: job.store, aggregator: job.env.aggregator })
    let starts = 0
    const engine: WorkflowEngine = {
      start: async (id, input) => (++starts <= 20 ? Promise.reject(lostReply()) : inner.start(id, input)),
      poll: (id) => inner.poll(id),
      purge: (id) => inner.purge(id),
    }
    await job.run({ engine })
    expect(published(job)).toEqual(UNDISTURBED)
    expect(await leaksOf(job.store, 'job', 1)).toEqual({ lost: [], unswept: [] })
  })
})
