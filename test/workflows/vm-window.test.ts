import { describe, expect, it } from 'vitest'
import type { ClosedVm } from '../../src/core/closed-window.ts'
import type { VmWindowTask } from '../../src/core/close-vm-window.ts'
import type { VmWindowOrder } from '../../src/workflows/plan.ts'
import { aggregatorId } from '../../src/core/aggregator.ts'
import { vmWindow } from '../../src/workflows/vm-window.ts'
import { Folding } from '../support/fold.ts'
import { totals } from '../support/plan.ts'
import { manifest, point, RULES } from '../support/records.ts'

const [window] = new Folding({}, totals).feed(point('a', 0, 10, 1), point('b', 0, 10, -1)).end().closed
const tasks = (window?.vms ?? []).map((vm): VmWindowTask => {
  const encoded = vm.window.encode(totals)
  return { windowStart: 0, windowEnd: 100, revision: 1, reason: 'grace', silent: [], window: encoded, prior: null }
})
const ORDER: VmWindowOrder = { aggregator: 'totals@1', rules: RULES, maxRowBytes: 1000, tasks }

describe('the vm-window workflow', () => {
  it('answers each task at its position, and a failing task fails alone', () => {
    const failing = {
      ...totals,
      result: (acc: { sum: number }) => {
        if (acc.sum < 0) throw new Error('below zero')
        return acc
      },
    }
    const [a, b] = vmWindow(ORDER, failing)
    expect(a).toMatchObject({ ok: true, outcome: { result: { vmId: 'a', received: 1 }, state: { count: 1, sum: 1 } } })
    expect(b).toEqual({ ok: false, error: 'below zero' })
  })

  it('gives the same answer when it runs twice', () => {
    expect(vmWindow(ORDER, totals)).toEqual(vmWindow(ORDER, totals))
  })

  it('answers with an error if a result is larger than the order allows', () => {
    const [a] = vmWindow({ ...ORDER, maxRowBytes: 100 }, totals)
    expect(a).toMatchObject({ ok: false, error: expect.stringContaining('allows 100 each') as string })
  })

  it('drops the lists of gaps before it gives up a result that is too large', () => {
    const gaps = Array.from({ length: 50 }, (_, i) => point('a', 1000 + 2 * i, 10))
    const [closed] = new Folding({}, totals).feed(...gaps, manifest('a', 0, 1000, 99)).end().closed
    const { window: late } = closed?.vms[0] as ClosedVm
    const encoded = late.encode(totals)
    const task: VmWindowTask = { ...(tasks[0] as VmWindowTask), window: encoded }
    const [long] = vmWindow({ ...ORDER, tasks: [task] }, totals)
    const [short] = vmWindow({ ...ORDER, maxRowBytes: 400, tasks: [task] }, totals)
    if (long?.ok !== true || short?.ok !== true) return expect.unreachable()
    expect(long.outcome.result.missing).toHaveLength(49)
    expect(short.outcome).toEqual({ ...long.outcome, result: { ...long.outcome.result, missing: [] } })
    expect(short.outcome.result.missingCount).toBe(49)
  })

  it('refuses work for another aggregator', () => {
    expect(aggregatorId(totals)).toBe('totals@1')
    expect(() => vmWindow(ORDER, { ...totals, version: 2 })).toThrow(
      'for aggregator totals@1; this worker has totals@2',
    )
  })
})
