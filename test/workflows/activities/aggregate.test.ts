/**
 * The activity `aggregate`: joins closing windows with their prior states, for any number of VMs per workflow. The failure of
 * one VM window does not affect the others.
 */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../support/memory-store.ts'
import type { AnyAggregator, ResultContext } from '../../../src/core/aggregator.ts'
import type { VmWindowResult } from '../../../src/core/close-vm-window.ts'
import { maxOutputRowBytes } from '../../../src/core/payload-bound.ts'
import type { Windowing } from '../../../src/core/windowing.ts'
import { readRows } from '../../../src/ledger/chunks.ts'
import { aggregate } from '../../../src/workflows/activities/aggregate.ts'
import type { RunVmWindows } from '../../../src/workflows/activities/run-tasks.ts'
import type { StateRow } from '../../../src/ledger/chunk-rows.ts'
import type { AggregateOutcome, CommitPlan, VmWindowAnswer, VmWindowOrder } from '../../../src/workflows/plan.ts'
import { vmWindow } from '../../../src/workflows/vm-window.ts'
import { Folding } from '../../support/fold.ts'
import { JobTotal } from '../../../src/workflows/activities/job-total.ts'
import { planClose, totals, type PlanOptions } from '../../support/plan.ts'
import { manifest, point } from '../../support/records.ts'

const wire = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

function runner(aggregator: AnyAggregator): RunVmWindows {
  return (_, order) => Promise.resolve(wire(vmWindow(wire(order), aggregator)))
}

interface Closed {
  readonly store: MemoryStore
  readonly plan: CommitPlan
  readonly aggregator: AnyAggregator
}

/** Window 100 with points of `vms`, closed. */
async function closing(
  vms: readonly string[],
  options: PlanOptions & { aggregator?: AnyAggregator; rules?: Partial<Windowing>; values?: readonly number[] } = {},
): Promise<Closed> {
  const { aggregator = totals, rules = {}, values = [5] } = options
  const store = new MemoryStore()
  const folding = new Folding(rules, aggregator)
  for (const vmId of vms) folding.feed(...values.map((value, seq) => point(vmId, seq, 100 + seq, value)))
  const [window] = folding.end().closed
  return { store, aggregator, plan: await planClose(store, folding, window ?? null, options) }
}

async function run({ store, plan, aggregator }: Closed, more: { run?: RunVmWindows } = {}): Promise<AggregateOutcome> {
  return aggregate(plan, { store, aggregator, run: more.run ?? runner(aggregator), maxInFlight: 3 })
}

async function statesOf({ store }: Closed, outcome: AggregateOutcome): Promise<string[]> {
  const rows = await readRows(store, closingOf(outcome).states)
  return rows.map((row) => `${row.vmId}@${row.window} ${JSON.stringify(row.state)}`)
}

async function resultsOf({ store }: Closed, outcome: AggregateOutcome): Promise<VmWindowResult[]> {
  return readRows(store, outcome.results)
}

function closingOf({ closing }: AggregateOutcome): NonNullable<AggregateOutcome['closing']> {
  if (closing === null) throw new Error('nothing closed')
  return closing
}

const state = (vmId: string, window: number, count: number): StateRow => ({ vmId, window, state: { count, sum: 0 } })

describe('states', () => {
  it('of the previous window are merged with the VMs of this one, at both ends of both lists', async () => {
    const prior = ['a', 'c', 'e', 'f'].map((vmId) => state(vmId, 0, 10))
    const closed = await closing(['b', 'c', 'd', 'f', 'g'], { prior })
    const outcome = await run(closed)
    expect(await statesOf(closed, outcome)).toEqual([
      'a@0 {"count":10,"sum":0}',
      'b@100 {"count":1,"sum":5}',
      'c@100 {"count":11,"sum":5}',
      'd@100 {"count":1,"sum":5}',
      'e@0 {"count":10,"sum":0}',
      'f@100 {"count":11,"sum":5}',
      'g@100 {"count":1,"sum":5}',
    ])
    expect((await resultsOf(closed, outcome)).map((one) => one.vmId)).toEqual(['b', 'c', 'd', 'f', 'g'])
    expect(closingOf(outcome)).toMatchObject({
      vmWindows: 5,
      received: 5,
      reason: 'grace',
      vmWindowsByReason: { grace: 5 },
    })
  })

  it('are kept for stateWindows windows without a point, then dropped and counted', async () => {
    const prior = [state('a', 100 - 300, 1), state('b', 100 - 200, 1), state('c', 0, 1)]
    const closed = await closing(['z'], { prior, rules: { stateWindows: 3 } })
    const outcome = await run(closed)
    expect(await statesOf(closed, outcome)).toEqual([
      'b@-100 {"count":1,"sum":0}',
      'c@0 {"count":1,"sum":0}',
      'z@100 {"count":1,"sum":5}',
    ])
    expect(closingOf(outcome).statesDropped).toBe(1)
  })

  it('of a VM that promised no points keep the window of its last point', async () => {
    const store = new MemoryStore()
    const folding = new Folding({}, totals).feed(manifest('a', 100, 0, 0), point('b', 0, 100)).end()
    const plan = await planClose(store, folding, folding.closed[0] ?? null, { prior: [state('a', -100, 3)] })
    const closed = { store, plan, aggregator: totals }
    const outcome = await run(closed)
    expect(await statesOf(closed, outcome)).toEqual(['a@-100 {"count":3,"sum":0}', 'b@100 {"count":1,"sum":1}'])
  })

  it('that are null are not stored', async () => {
    const closed = await closing(['a'], { aggregator: { ...totals, advance: () => null } })
    expect(closingOf(await run(closed)).states).toMatchObject({ rows: 0, digests: [] })
  })
})

describe('the job total', () => {
  it('merges every closed VM window into the previous total', async () => {
    const closed = await closing(['a', 'b'], { total: { count: 7, sum: 100 } })
    expect(await readRows(closed.store, (await run(closed)).total)).toEqual([
      { value: { count: 9, sum: 110 }, window: { start: 100, end: 200 } },
    ])
  })

  it('spans all windows in it, which the result of the total gets', async () => {
    const spanning: AnyAggregator = {
      ...totals,
      result: (_: unknown, { window, prior }: ResultContext<null>) => ({ ...window, prior }),
    }
    const total = new JobTotal(spanning)
    const row = (start: number) => ({ value: { count: 1, sum: 1 }, window: { start, end: start + 100 } })
    for (const start of [300, 100, 200]) total.add(row(start))
    expect(total.result()).toEqual({ start: 100, end: 400, prior: null })
    const store = new MemoryStore()
    const read = await JobTotal.read(store, await total.write(store, 'attempt'), spanning)
    expect(read.result()).toEqual({ start: 100, end: 400, prior: null })
  })

  it('that its aggregator cannot merge is dropped for good and holds up no window', async () => {
    const unmergeable: AnyAggregator = {
      ...totals,
      merge: () => {
        throw new Error('no merging')
      },
    }
    const closed = await closing(['a', 'b'], { total: { count: 7, sum: 100 }, aggregator: unmergeable })
    const outcome = await run(closed)
    expect(closingOf(outcome)).toMatchObject({ vmWindows: 2, received: 2 })
    expect(await readRows(closed.store, outcome.total)).toEqual([{ dropped: 'no merging' }])
    const after = await JobTotal.read(closed.store, outcome.total, totals)
    after.add({ value: { count: 1, sum: 1 } })
    expect(after.result()).toBeNull()
  })

  it('that outgrows a value of the store is dropped', async () => {
    const store = new MemoryStore(100)
    const total = new JobTotal({ ...totals, encode: () => 'x'.repeat(200) })
    const set = await total.write(store, 'attempt')
    expect(await readRows(store, set)).toEqual([{ dropped: 'the total takes 212 bytes; maxValueBytes allows 100' }])
  })
})

describe('the number of VM windows per workflow', () => {
  it('changes the number of instances and no result', async () => {
    const vms = Array.from({ length: 11 }, (_, i) => `vm-${String(i).padStart(2, '0')}`)
    const prior = ['vm-00', 'vm-03x', 'vm-99'].map((vmId) => state(vmId, 0, 10))
    const [one, ...others] = await Promise.all(
      [1, 2, 3, 100].map(async (vmsPerWorkflow) => {
        const closed = await closing(vms, { prior })
        const plan = { ...closed.plan, vmsPerWorkflow }
        const ids: string[] = []
        const counting: RunVmWindows = (id, order) => {
          ids.push(id)
          expect(order.tasks.length).toBeLessThanOrEqual(vmsPerWorkflow)
          return runner(totals)(id, order)
        }
        const outcome = await run({ ...closed, plan }, { run: counting })
        expect(ids).toEqual(Array.from({ length: Math.ceil(11 / vmsPerWorkflow) }, (_, i) => `${plan.attempt}-${i}`))
        const { results } = outcome
        return { states: closingOf(outcome).states.digests, results: results.digests, total: outcome.total.digests }
      }),
    )
    for (const other of others) expect(other).toEqual(one)
  })

  it('is lower if a workflow would carry more bytes than a value may have', async () => {
    const wide: AnyAggregator = {
      ...totals,
      encode: (acc: object) => ({ ...acc, text: 'x'.repeat(300_000) }),
      decode: (json) => {
        const { count, sum } = json as { count: number; sum: number }
        return { count, sum }
      },
    }
    const vms = Array.from({ length: 8 }, (_, i) => `vm-${i}`)
    const closed = await closing(vms, { aggregator: wide, vmsPerWorkflow: 100 })
    const orders: number[] = []
    const outcome = await run(closed, {
      run: (id, order) => {
        expect(Buffer.byteLength(JSON.stringify(order))).toBeLessThanOrEqual(closed.store.maxValueBytes)
        orders.push(order.tasks.length)
        return runner(wide)(id, order)
      },
    })
    expect(orders).toEqual([3, 3, 2])
    expect(closingOf(outcome).vmWindows).toBe(8)
  })

  it('is lower if the answer of a workflow could exceed what a value may have', async () => {
    // A result contains the state too.
    const text = 'x'.repeat(maxOutputRowBytes(new MemoryStore().maxValueBytes) / 2 - 500)
    const wide: AnyAggregator = { ...totals, result: () => ({ text }), advance: () => ({ text }) }
    const vms = Array.from({ length: 40 }, (_, i) => `vm-${String(i).padStart(2, '0')}`)
    const closed = await closing(vms, { aggregator: wide, vmsPerWorkflow: 1000 })
    const answers: number[] = []
    const outcome = await run(closed, {
      run: async (id, order) => {
        const answer = await runner(wide)(id, order)
        expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(closed.store.maxValueBytes)
        answers.push(answer.length)
        return answer
      },
    })
    expect(answers).toEqual([31, 9])
    expect(closingOf(outcome).vmWindowsByReason).toEqual({ grace: 40 })
  })
})

describe('a failure', () => {
  const failing: AnyAggregator = {
    ...totals,
    result: (acc: { count: number; sum: number }) => {
      if (acc.sum < 0) throw new Error('below zero')
      return acc
    },
  }

  it('of one VM is retried under new ids, three tries in all, then quarantined; the others close as without it', async () => {
    const store = new MemoryStore()
    const folding = new Folding({}, failing)
    folding.feed(point('a', 0, 100, 5), point('b', 0, 100, -5), point('b', 1, 100, -5), point('c', 0, 100, 5)).end()
    const plan = await planClose(store, folding, folding.closed[0] ?? null, {
      prior: [state('b', 0, 9)],
      total: { count: 1, sum: 1 },
      vmsPerWorkflow: 3,
    })
    const closed = { store, plan, aggregator: failing }
    const calls: string[] = []
    const outcome = await run(closed, {
      run: (id, order) => {
        calls.push(`${id.slice(plan.attempt.length)}:${order.tasks.map((task) => task.window.vmId).join('')}`)
        return runner(failing)(id, order)
      },
    })
    expect(calls).toEqual(['-0:abc', '-0-1:b', '-0-2:b'])
    expect((await resultsOf(closed, outcome)).map((one) => [one.vmId, one.reason, one.error])).toEqual([
      ['a', 'grace', undefined],
      ['b', 'quarantined', 'below zero'],
      ['c', 'grace', undefined],
    ])
    expect(await statesOf(closed, outcome)).toContain('b@100 {"count":9,"sum":0}')
    expect(await readRows(store, outcome.quarantined)).toEqual([
      { reason: 'quarantined', detail: 'below zero', vmId: 'b', windowStart: 100, received: 2 },
    ])
    expect(await readRows(store, outcome.total)).toEqual([
      { value: { count: 3, sum: 11 }, window: { start: 100, end: 200 } },
    ])
    expect(closingOf(outcome)).toMatchObject({ vmWindows: 3, received: 4, reason: 'quarantined' })
  })

  it('that does not recur has no effect', async () => {
    const closed = await closing(['a'])
    let tries = 0
    const outcome = await run(closed, {
      run: (id, order) =>
        ++tries < 3
          ? Promise.resolve(order.tasks.map(() => ({ ok: false, error: 'once' })))
          : runner(totals)(id, order),
    })
    expect([tries, closingOf(outcome).reason]).toEqual([3, 'grace'])
  })

  it.each<[string, Partial<AnyAggregator>, RegExp]>([
    ['a result too large to be stored', { result: () => 'x'.repeat(20_000) }, /^the result takes 20\d{3} bytes/],
    ['a state too large to be stored', { advance: () => 'x'.repeat(20_000) }, /and the state 20\d{3}; maxValueBytes/],
    ['a result that is no number', { result: () => ({ mean: Number.NaN }) }, /^JSON cannot carry the number NaN/],
    ['an accumulator that cannot be stored', { encode: () => ({ min: Infinity }) }, /^encode: JSON cannot carry/],
    ['an accumulator too large', { encode: () => 'x'.repeat(2 ** 20) }, /^encode: the VM window takes \d+ bytes/],
  ])('is %s: quarantined, and the message says why', async (_, part, message) => {
    const good = new Folding({}, totals)
    const aggregator: AnyAggregator = {
      ...totals,
      result: (acc: { sum: number }, context) =>
        (acc.sum < 0 && part.result ? part.result(acc, context) : acc) as never,
      advance: (prior, acc: { sum: number }, window) =>
        (acc.sum < 0 && part.advance ? part.advance(prior, acc, window) : totals.advance(prior, acc, window)) as never,
      encode: (acc: { sum: number }) => (acc.sum < 0 && part.encode ? part.encode(acc) : totals.encode(acc)),
    }
    const folding = new Folding({}, aggregator)
    for (const one of [good, folding]) one.feed(point('a', 0, 100, 5), point('b', 0, 100, -5)).end()
    const store = new MemoryStore()
    const closed = { store, aggregator, plan: await planClose(store, folding, folding.closed[0] ?? null) }
    const [a, b] = await resultsOf(closed, await run(closed))
    expect(a?.reason).toBe('grace')
    expect(b).toMatchObject({ reason: 'quarantined', metrics: {}, received: 1 })
    expect(b?.error).toMatch(message)
    expect(b?.error?.length).toBeLessThanOrEqual(500)
  })

  it('of a result that its lists make too large drops the lists, not the page', async () => {
    const store = new MemoryStore()
    const folding = new Folding({ maxProducersPerVm: 60 }, totals)
    const wideName = (i: number): string => String(i).padStart(128, '\u0001')
    for (let i = 0; i < 60; i++) folding.feed(point('a', 0, 100, 1, { producer: wideName(i) }))
    const plan = await planClose(store, folding, folding.end().closed[0] ?? null)
    const closed = { store, plan, aggregator: totals }
    const [a] = await resultsOf(closed, await run(closed))
    expect(a).toMatchObject({ reason: 'quarantined', received: 60 })
    expect(a).not.toHaveProperty('producers')
    expect(JSON.stringify(a).length).toBeLessThan(1000)
  })

  it('of an instance fails the activity, since no VM is to blame', async () => {
    const closed = await closing(['a', 'b'])
    await expect(run(closed, { run: () => Promise.reject(new Error('no worker')) })).rejects.toThrow('no worker')
    const short: RunVmWindows = () => Promise.resolve([] as VmWindowAnswer)
    await expect(run(closed, { run: short })).rejects.toMatchObject({ code: 'ANSWER_DIFFERS' })
  })

  it('to find the chunks that the plan names is never treated as their absence', async () => {
    const closed = await closing(['a'], { prior: [state('a', 0, 10)] })
    await closed.store.delete(closed.store.keys().filter((key) => key.includes('-states-')))
    await expect(run(closed)).rejects.toMatchObject({ code: 'CHUNK_BROKEN' })
  })
})

describe('running twice', () => {
  it('gives the same outcome and writes nothing else, even if the second run would compute another result', async () => {
    const closed = await closing(['a', 'b', 'c'], { prior: [state('a', 0, 10)] })
    const first = await run(closed)
    const keys = closed.store.keys()
    const different: RunVmWindows = async (id, order: VmWindowOrder) => {
      const answers = await runner(totals)(id, order)
      return answers.map((one) => (one.ok ? { ...one, outcome: { ...one.outcome, state: 'another' } } : one))
    }
    expect(await run(closed, { run: different })).toEqual(first)
    expect(closed.store.keys()).toEqual(keys)
  })
})
