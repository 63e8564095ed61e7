/** The parent workflow as history in, actions out: no engine, no store. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../support/memory-store.ts'
import { partitionWindow } from '../../src/workflows/partition-window.ts'
import type { ActivityResult, AggregateOutcome, CommitPlan, PlannedClose } from '../../src/workflows/plan.ts'
import { Folding } from '../support/fold.ts'
import { planClose, totals } from '../support/plan.ts'
import { point } from '../support/records.ts'

async function planned(): Promise<CommitPlan> {
  const folding = new Folding({}, totals).feed(point('a', 0, 10), point('b', 0, 20), point('b', 1, 20)).end()
  return planClose(new MemoryStore(), folding, folding.closed[0] ?? null)
}

const outcome = (vmWindows: number, received: number): ActivityResult<AggregateOutcome> =>
  ({
    ok: true,
    value: { closing: { vmWindows, received }, latePoints: 0 },
  }) as unknown as ActivityResult<AggregateOutcome>
const FAILED = { ok: false, code: 'CHUNK_BROKEN', message: 'm', remedy: 'r', isRetryable: false } as const

describe('the parent workflow', () => {
  it('aggregates, commits the outcome, and ends with the answer of the commit', async () => {
    const plan = await planned()
    const workflow = partitionWindow(plan)
    expect(workflow.next().value).toEqual({ activity: 'aggregate', input: plan })
    const aggregated = outcome(2, 3)
    const value = aggregated.ok ? aggregated.value : null
    expect(workflow.next(aggregated).value).toEqual({ activity: 'commit', input: { plan, outcome: value } })
    const committed = { ok: true, value: { commit: 1 } }
    expect(workflow.next(committed)).toEqual({ done: true, value: committed })
  })

  it('commits a checkpoint without aggregating', async () => {
    const plan = { ...(await planned()), close: null }
    expect(partitionWindow(plan).next().value).toEqual({ activity: 'commit', input: { plan, outcome: null } })
  })

  it('ends with the failure of the aggregation, and commits nothing', async () => {
    const workflow = partitionWindow(await planned())
    workflow.next()
    expect(workflow.next(FAILED)).toEqual({ done: true, value: FAILED })
  })

  it.each([
    [1, 3],
    [3, 3],
    [2, 2],
    [2, 4],
  ])('commits nothing when %i VM windows of %i points came out of 2 of 3', async (vmWindows, received) => {
    const workflow = partitionWindow(await planned())
    workflow.next()
    const { done, value } = workflow.next(outcome(vmWindows, received))
    expect(done).toBe(true)
    expect(value).toMatchObject({ ok: false, code: 'COUNTS_DIFFER', isRetryable: false })
  })

  it.each([
    ['none of the earlier window', undefined],
    ['another count of the earlier window', [{ closing: { vmWindows: 1, received: 2 } }]],
  ])('commits nothing when %s came out of a plan of two windows', async (_, earlier) => {
    const plan = await planned()
    const before = { ...plan, close: { ...(plan.close as PlannedClose), vmWindows: 1, received: 1 } }
    const workflow = partitionWindow({ ...plan, earlier: [before] })
    workflow.next()
    const aggregated = outcome(2, 3) as { readonly ok: true; readonly value: AggregateOutcome }
    const { done, value } = workflow.next({ ok: true, value: { ...aggregated.value, earlier } })
    expect(done).toBe(true)
    expect(value).toMatchObject({ ok: false, code: 'COUNTS_DIFFER', isRetryable: false })
  })
})
