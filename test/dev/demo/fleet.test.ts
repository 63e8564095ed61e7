/** The fleet of the demo: the points add up, and exactly one VM has each kind of defect. */
import { expect, test } from 'vitest'
import { createFleet, DAY_END, DAY_START, timestampOf, type DemoOptions } from '../../../src/dev/demo/fleet.ts'
import { totalCount } from '../../../src/core/seq-ranges.ts'

const cases: DemoOptions[] = [
  { vms: 3, points: 30, windowMs: 86_400_000, seed: 0 },
  { vms: 50, points: 5_000, windowMs: 3_600_000, seed: 1 },
  { vms: 101, points: 12_345, windowMs: 3_600_000, seed: 2 },
  { vms: 5_000, points: 1_000_000, windowMs: 86_400_000, seed: 2 ** 31 - 1 },
]

test.each(cases)('$vms VMs with seed $seed send exactly $points points, each VM within its lifetime', (options) => {
  const { vms } = createFleet(options)
  expect(vms).toHaveLength(options.vms)
  expect(new Set(vms.map((vm) => vm.vmId)).size).toBe(options.vms)
  expect(vms.reduce((sum, vm) => sum + vm.points, 0)).toBe(options.points)
  for (const vm of vms) {
    const times = Array.from({ length: vm.points }, (_, seq) => timestampOf(vm, options.seed, seq))
    expect(times[0]).toBeGreaterThanOrEqual(vm.from)
    expect(times.at(-1)).toBeLessThan(vm.until)
    expect(times.every((at, i) => i === 0 || at > (times[i - 1] as number))).toBe(true)
  }
})

test.each(cases)('of $vms VMs with seed $seed one loses points, one appears and one leaves', (options) => {
  const { vms } = createFleet(options)
  const of = (role: string) => vms.filter((vm) => vm.role === role)
  expect([of('lossy'), of('newcomer'), of('leaver')].map((list) => list.length)).toEqual([1, 1, 1])
  expect(vms.filter((vm) => vm.lost.length > 0)).toEqual(of('lossy'))
  expect(vms.filter((vm) => vm.from !== DAY_START)).toEqual(of('newcomer'))
  expect(vms.filter((vm) => vm.until !== DAY_END)).toEqual(of('leaver'))
  const [lossy] = of('lossy')
  expect(lossy?.lost).toHaveLength(3)
  expect(lossy?.lost.at(-1)?.[1]).toBeLessThan(lossy?.points ?? 0)
  expect(totalCount(lossy?.lost ?? [])).toBeLessThan((lossy?.points ?? 0) / 2)
})

test('another seed generates another day', () => {
  const options = { vms: 50, points: 5_000, windowMs: 3_600_000 }
  expect(createFleet({ ...options, seed: 1 })).not.toEqual(createFleet({ ...options, seed: 2 }))
})
