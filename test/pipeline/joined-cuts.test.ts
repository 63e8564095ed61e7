/** Several windows per commit: which cuts are joined, and what a crash leaves of a commit of several windows. */
import { describe, expect, it } from 'vitest'
import type { CloseTrigger } from '../../src/core/closing.ts'
import type { ChunkKind } from '../../src/ledger/chunk-rows.ts'
import { readLedger, type AnnouncedPages } from '../../src/ledger/ledger.ts'
import type { Cut } from '../../src/pipeline/cut.ts'
import { DEFAULT_LIMITS } from '../../src/pipeline/env.ts'
import { joinCuts, MAX_JOINED_VM_WINDOWS, MAX_PASSED_STATES } from '../../src/pipeline/joined-cuts.ts'
import type { WorkflowEngine } from '../../src/ports/index.ts'
import type { CommitPlan } from '../../src/workflows/plan.ts'
import { faultyStore } from '../support/faulty-store.ts'
import { failureOf, makeJob, type TestJob } from '../support/job.ts'
import { leaksOf } from '../support/leaks.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { MemorySource } from '../support/memory-source.ts'
import { totals } from '../support/plan.ts'
import { point, recordsOf, RULES } from '../support/records.ts'

interface CutShape {
  readonly trigger?: CloseTrigger | null
  readonly vmWindows?: number
  readonly late?: number
  readonly promotes?: boolean
}

/** A cut as far as joining depends on it; its offset is its name. */
function cutOf({ trigger = 'grace', vmWindows = 1, late = 0, promotes = false }: CutShape, cut: number): Cut {
  const closed = trigger === null ? null : { start: cut, trigger, vms: Array.from({ length: vmWindows }) }
  const promote = promotes ? { promote: { rows: { results: 1, vms: 1 } } } : {}
  return { cut, closed, late: { amends: late > 0, rows: late }, ...promote } as unknown as Cut
}

/** The cuts of each commit. */
function joined(windowsPerCommit: number, ...shapes: readonly CutShape[]): number[][] {
  const groups = joinCuts(shapes.map(cutOf), windowsPerCommit)
  return groups.map(({ earlier, last }) => [...earlier, last].map(({ cut }) => cut))
}

describe('waiting cuts', () => {
  it('that close windows by the records alone share a commit, up to the limit', () => {
    expect(joined(3, {}, { trigger: 'complete' }, {}, {}, {})).toEqual([[0, 1, 2], [3, 4]]) // prettier-ignore
    expect(joined(1, {}, {})).toEqual([[0], [1]])
  })

  it.each<CloseTrigger>(['deadline', 'forced'])(
    'that close by a decision of the kind %s end their commit',
    (trigger) => {
      expect(joined(9, {}, { trigger }, {}, {})).toEqual([[0, 1], [2, 3]]) // prettier-ignore
      expect(joined(9, { trigger }, { trigger })).toEqual([[0], [1]])
    },
  )

  it.each<[string, CutShape]>([
    ['a checkpoint', { trigger: null }],
    ['a commit that amends and closes nothing', { trigger: null, late: 1 }],
    ['a close that amends', { late: 1 }],
    ['a promotion', { trigger: null, promotes: true }],
  ])('do not share a commit with %s', (_, shape) => {
    expect(joined(9, {}, {}, shape, {}, {})).toEqual([[0, 1], [2], [3, 4]])
  })

  it('share a commit up to a number of VM windows; a larger window has a commit of its own', () => {
    const half = { vmWindows: MAX_JOINED_VM_WINDOWS / 2 }
    expect(joined(9, half, half, half)).toEqual([[0, 1], [2]])
    expect(joined(9, {}, { vmWindows: MAX_JOINED_VM_WINDOWS + 1 }, {})).toEqual([[0], [1], [2]])
  })
})

/** Seven windows of two VMs, of which one falls silent; with the first batch all but the last are due. */
const list = recordsOf(
  Array.from({ length: 14 }, (_, i) => point(i % 2 === 0 ? 'a' : i < 6 ? 'b' : 'c', i >> 1, (i >> 1) * 100 + 50, i)),
)

interface Process {
  /** The store call from which on the process is dead; none if it lives to its end. */
  readonly diesAt?: number
  readonly windowsPerCommit: number
}

/** Runs one process over the job; returns how many calls of the store it made. */
async function runProcess(job: TestJob, { diesAt = Infinity, windowsPerCommit }: Process): Promise<number> {
  let calls = 0
  const store = faultyStore(job.store, {
    before: () => {
      if (++calls >= diesAt) throw new Error('the process is dead')
    },
  })
  const limits = { ...DEFAULT_LIMITS, windowsPerCommit }
  const running = job.run({ store, engine: new MemoryEngine({ store, aggregator: totals }), limits })
  if (diesAt === Infinity) await running
  else expect(await failureOf(running)).toBeInstanceOf(Error)
  return calls
}

function jobOf(): TestJob {
  const source = new MemorySource({ partitions: [list], batchSize: () => list.length })
  return makeJob(list, { aggregator: totals, source })
}

describe('a commit of several windows', () => {
  it('leaves the same after a crash before any call of the store, whatever its successor joins', async () => {
    const expected = jobOf()
    await runProcess(expected, { windowsPerCommit: 1 })
    const whole = jobOf()
    const calls = await runProcess(whole, { windowsPerCommit: 4 })
    expect(calls).toBeGreaterThan(20)
    expect((await whole.ledger()).commit).toBeLessThan((await expected.ledger()).commit - 2)
    for (let diesAt = 1; diesAt <= calls; diesAt++) {
      const job = jobOf()
      await runProcess(job, { windowsPerCommit: 4, diesAt })
      await runProcess(job, { windowsPerCommit: (diesAt % 5) + 1 })
      const { results, certificates } = job.results
      expect({ diesAt, results }).toEqual({ diesAt, results: expected.results.results })
      expect({ diesAt, certificates }).toEqual({ diesAt, certificates: expected.results.certificates })
      expect({ diesAt, leaks: await leaksOf(job.store, 'job', 1) }).toMatchObject({ diesAt, leaks: { lost: [] } })
    }
  })

  it('is not made where the VM states that pass from window to window are many', async () => {
    const vms = Array.from({ length: MAX_PASSED_STATES + 1 }, (_, i) => `vm-${String(i).padStart(5, '0')}`)
    const first = vms.map((vmId) => point(vmId, 0, 50))
    const rules = { ...RULES, rosterWindows: 1 }
    const windows = Array.from({ length: 6 }, (_, i) => point('a', i, 150 + 100 * i))
    const records = recordsOf([...first, ...windows])
    const source = new MemorySource({ partitions: [records], batchSize: () => records.length })
    const job = makeJob(records, { aggregator: totals, rules, source })
    await job.run({ limits: { ...DEFAULT_LIMITS, windowsPerCommit: 4 } })
    const commits = job.events.flatMap((event) =>
      event.kind === 'committed' && event.closed !== null ? [event.commit] : [],
    )
    // The second window was taken when the first had left no states yet.
    expect(new Set(commits).size).toBe(commits.length)
  })

  it('announces all pages that it writes', async () => {
    const job = jobOf()
    const inner = new MemoryEngine({ store: job.store, aggregator: totals })
    const announced = new Map<string, AnnouncedPages>()
    let joinedCommits = 0
    const engine: WorkflowEngine = {
      start: async (id, input) => {
        const { earlier = [] } = JSON.parse(input) as CommitPlan
        joinedCommits += earlier.length > 0 ? 1 : 0
        announced.set(id, (await readLedger(job.store, 'job', 0))?.ledger.intent?.pages ?? {})
        await inner.start(id, input)
      },
      poll: async (id) => {
        const status = await inner.poll(id)
        for (const key of job.store.keys().filter((one) => one.startsWith(`${id}-`))) {
          const [kind, page] = key.slice(id.length + 1).split('-') as [ChunkKind, string]
          expect(Number(page), `page of ${key}`).toBeLessThan(announced.get(id)?.[kind] ?? 0)
        }
        return status
      },
      purge: (id) => inner.purge(id),
    }
    await job.run({ engine, limits: { ...DEFAULT_LIMITS, windowsPerCommit: 2 } })
    expect(joinedCommits).toBeGreaterThan(1)
  })
})
