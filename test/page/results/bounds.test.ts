/** What the server keeps of published lines has a limit: the newest entries stay, and answers say that older ones exist. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Certificate } from '../../../src/core/certificate.ts'
import type { VmWindowResult } from '../../../src/core/close-vm-window.ts'
import { CertificateIndex } from '../../../src/page/results/certificate-index.ts'
import { LetterIndex } from '../../../src/page/results/letter-index.ts'
import { ResultIndex } from '../../../src/page/results/result-index.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const HOUR = 3_600_000
const AT = { position: 0, length: 1 }
const resultOf = (vm: number, window: number, revision = 1): VmWindowResult =>
  ({
    ...{ vmId: `vm-${vm}`, windowStart: window * HOUR, windowEnd: (window + 1) * HOUR, revision, reason: 'complete' },
    ...{ expected: 1, received: 1, duplicates: 0, conflicts: 0, missing: [], missingCount: 0, metrics: {} },
  }) as unknown as VmWindowResult

test('the oldest windows are dropped, and a late revision of one does not bring it back', () => {
  const index = new ResultIndex(10)
  for (let window = 0; window < 50; window++) for (let vm = 0; vm < 4; vm++) index.add(0, resultOf(vm, window), AT)
  expect(index.vmWindows).toBe(8)
  expect([...index.windows()].map(({ start }) => start / HOUR)).toEqual([48, 49])
  expect(index.hasDropped).toBe(true)
  index.add(0, resultOf(1, 3, 2), AT)
  expect(index.window(0, 3 * HOUR)).toBeNull()
  expect(index.vmWindows).toBe(8)
})

test('50,000 VM windows take less than 5 MB, and no time that grows with the square', () => {
  const count = 50_000
  const heap = (): number => {
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = heap()
  const index = new ResultIndex(count)
  for (let window = 0; window < 5; window++) for (let vm = 0; vm < 10_000; vm++) index.add(0, resultOf(vm, window), AT)
  expect(index.vmWindows).toBe(count)
  expect((heap() - before) / 1024 ** 2).toBeLessThan(5)
})

test('dead letters beyond the limit are counted and not kept', () => {
  const index = new LetterIndex(100)
  for (let offset = 0; offset < 1_000; offset++) {
    const letter = { reason: offset % 2 === 0 ? 'invalid' : 'conflict', partition: 0 } as never
    index.add({ id: `0:${offset}`, letter, publishedAtMs: null }, null, AT)
  }
  expect(index.all().length).toBeLessThanOrEqual(110)
  expect(index.all().at(-1)?.id).toBe('0:999')
  expect(index.byReason).toEqual({ conflict: 500, invalid: 500 })
  expect(index.isTruncated).toBe(true)
})

test('certificates beyond the limit are dropped from every lookup', () => {
  const index = new CertificateIndex(100)
  for (let sequence = 1; sequence <= 1_000; sequence++) {
    const window = { start: sequence * HOUR, end: (sequence + 1) * HOUR }
    index.add({ partition: 0, sequence, window, amended: [], digest: `${sequence}` } as unknown as Certificate, AT)
  }
  expect(index.all().length).toBeLessThanOrEqual(110)
  expect(index.bySequence(0, 1)).toBeNull()
  expect(index.ofWindow(0, HOUR)).toBeNull()
  expect(index.bySequence(0, 1_000)?.digest).toBe('1000')
})
