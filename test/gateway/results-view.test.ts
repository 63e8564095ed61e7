import { expect, test } from 'vitest'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { ResultsView } from '../../src/gateway/results-view.ts'
import { AUTHORIZED, gatewayForTest, publishedOf } from './support.ts'

const result = (vmId: string, windowStart: number, members: Partial<VmWindowResult> = {}): VmWindowResult => ({
  ...{ vmId, windowStart, windowEnd: windowStart + 10, revision: 1, reason: 'complete', expected: 3, received: 3 },
  ...{
    duplicates: 0,
    conflicts: 0,
    missing: [],
    missingCount: 0,
    unexpected: [],
    deduplicated: true,
    metrics: {},
    state: null,
  },
  ...members,
})
/** No certificate is known. */
const NONE = (): null => null
const limits = { maxVms: 10, maxWindows: 10 }

test('the result of a VM is the latest revision of its latest window', () => {
  const view = new ResultsView(limits)
  view.add(0, result('a', 10))
  view.add(0, result('a', 0, { revision: 2 }))
  expect(view.latestOf('a')?.windowStart).toBe(10)
  view.add(0, result('a', 10, { revision: 3, received: 4 }))
  view.add(0, result('a', 10, { revision: 2, received: 9 }))
  expect(view.latestOf('a')).toMatchObject({ revision: 3, received: 4 })
  expect(view.latestOf('b')).toBeNull()
})

test('a partition window adds up its VM windows; a revision replaces the previous one', () => {
  const view = new ResultsView(limits)
  view.add(1, result('a', 0))
  view.add(1, result('b', 0, { reason: 'grace', received: 1, missingCount: 2 }))
  const first = { partition: 1, windowStart: 0, windowEnd: 10, vmWindows: 2 }
  expect(view.windows(10, NONE)).toEqual([
    { ...first, byReason: { complete: 1, grace: 1 }, expected: 6, received: 4, missing: 2, complete: false },
  ])
  view.add(1, result('b', 0, { revision: 2 }))
  expect(view.windows(10, NONE)).toEqual([
    { ...first, byReason: { complete: 2 }, expected: 6, received: 6, missing: 0, complete: true },
  ])
  view.add(1, result('c', 0, { expected: null }))
  expect(view.windows(10, NONE)[0]?.expected).toBeNull()
})

test('windows are listed newest first up to the limit; old windows and silent VMs are dropped', () => {
  const view = new ResultsView({ maxVms: 2, maxWindows: 2 })
  for (const start of [0, 10, 20]) for (const partition of [1, 0]) view.add(partition, result(`vm-${start}`, start))
  expect(view.windows(3, NONE).map(({ windowStart, partition }) => [windowStart, partition])).toEqual([
    [20, 0],
    [20, 1],
    [10, 0],
  ])
  expect(view.windows(100, NONE)).toHaveLength(4)
  expect(view.latestOf('vm-0')).toBeNull()
  expect(view.latestOf('vm-20')).not.toBeNull()
})

test('a window that was read only in part is not listed', () => {
  const view = new ResultsView(limits)
  view.markTruncated(0)
  // Window 0: only an amendment; window 10: only the last VMs; window 20: all of them.
  view.add(0, result('a', 0, { revision: 2 }))
  view.add(0, result('b', 10))
  for (const vm of ['a', 'b']) view.add(0, result(vm, 20))
  view.add(1, result('c', 0))
  const certified = (partition: number, start: number) => (partition === 0 && start < 30 ? 2 : null)
  const shown = view.windows(10, certified).map(({ partition, windowStart }) => [partition, windowStart])
  expect(shown).toEqual([
    [0, 20],
    [1, 0],
  ])
  // The latest result of a VM is correct in any case.
  expect(view.latestOf('a')?.windowStart).toBe(20)
})

test('over HTTP, with ids of any characters', async () => {
  const view = new ResultsView(limits)
  view.add(0, result('rack 7/ü', 0))
  const { app } = gatewayForTest({ published: publishedOf(view) })
  const get = (url: string) => app.inject({ method: 'GET', url, headers: AUTHORIZED })
  expect((await get(`/v1/vms/${encodeURIComponent('rack 7/ü')}`)).json()).toMatchObject({ vmId: 'rack 7/ü' })
  const longest = encodeURIComponent('汉'.repeat(512))
  expect((await get(`/v1/vms/${longest}`)).json()).toMatchObject({ status: 404, code: 'NO_SUCH_VM' })
  expect((await get('/v1/vms/other')).json()).toMatchObject({ status: 404, code: 'NO_SUCH_VM' })
  expect((await get('/v1/vms/%zz')).json()).toMatchObject({ status: 400, code: 'BAD_URL' })
  expect((await get('/v1/windows?limit=1')).json()).toMatchObject({ windows: [{ partition: 0 }] })
  for (const limit of ['0', '1001', '-1', 'x', '1&limit=2']) {
    expect((await get(`/v1/windows?limit=${limit}`)).json()).toMatchObject({ status: 400, code: 'BAD_PARAMETER' })
  }
})

test('a VM with recent results in two partitions has both, and a query answers with both and picks none', async () => {
  const view = new ResultsView(limits)
  view.add(2, result('a', 10, { received: 1 }))
  view.add(0, result('a', 10, { received: 2 }))
  view.add(0, result('b', 10))
  const both = [
    { partition: 2, result: result('a', 10, { received: 1 }) },
    { partition: 0, result: result('a', 10, { received: 2 }) },
  ]
  expect(view.latestInEach('a')).toEqual(both)
  const { app } = gatewayForTest({ published: publishedOf(view) })
  const get = (url: string) => app.inject({ url, headers: AUTHORIZED })
  const answer = await get('/v1/vms/a')
  expect(answer.json()).toMatchObject({ status: 409, code: 'VM_IN_TWO_PARTITIONS', results: both })
  expect(answer.json<{ detail: string }>().detail).toContain('"a" arrive in the partitions 0 and 2')
  expect((await get('/v1/vms/b')).json()).toMatchObject({ vmId: 'b' })
})

test('a VM that has moved to another partition has one result again after as many windows as are kept', () => {
  const view = new ResultsView(limits)
  view.add(2, result('a', 10))
  for (let window = 2; window <= 11; window++) view.add(0, result('a', window * 10))
  expect(view.latestInEach('a').map(({ partition }) => partition)).toEqual([0])
  view.add(2, result('a', 10, { revision: 2 }))
  expect(view.latestOf('a')?.windowStart).toBe(110)
})
