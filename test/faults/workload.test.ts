import { expect, test } from 'vitest'
import { GRACE_MS, WINDOW_MS, Workload } from './workload.ts'

interface Sent {
  readonly vmId?: string
  readonly producer?: string
  readonly timestamp?: number
  readonly seq?: number
  readonly manifest?: { readonly producer?: string; readonly windowStart: number; readonly last?: boolean }
}

const windowsOf = (seed: number, windows: number): string[] => {
  const workload = new Workload({ seed, vms: 40 })
  return [...Array.from({ length: windows }, () => workload.next()).flat(), ...workload.rest()]
}
const sentIn = (lines: readonly string[]): Sent[] =>
  lines.flatMap((line) => (line.includes('broken') ? [] : [JSON.parse(line.split('\t')[1] ?? '') as Sent]))

test('a seed sends the same again, and another seed something else', () => {
  expect(windowsOf(7, 3)).toEqual(windowsOf(7, 3))
  expect(windowsOf(8, 3)).not.toEqual(windowsOf(7, 3))
})

test('no point comes after its window may have closed: none is ever late', () => {
  let watermark = -Infinity
  for (const { timestamp } of sentIn(windowsOf(3, 12))) {
    if (timestamp === undefined) continue
    const end = (Math.floor(timestamp / WINDOW_MS) + 1) * WINDOW_MS
    expect(watermark).toBeLessThan(end + GRACE_MS)
    watermark = Math.max(watermark, timestamp)
  }
})

test('it has copies, disorder, several producers of a VM, and VMs and producers that leave', () => {
  const sent = sentIn(windowsOf(1, 20))
  const points = sent.filter(({ seq }) => seq !== undefined)
  const ids = points.map(({ vmId, producer, seq }) => `${vmId}/${producer}/${seq}`)
  expect(new Set(ids).size).toBeLessThan(ids.length)
  expect(points.some(({ timestamp }, i) => (timestamp ?? 0) < (points[i - 1]?.timestamp ?? 0))).toBe(true)
  expect(new Set(points.map(({ producer }) => producer ?? ''))).toEqual(
    new Set(['', 'left', 'right', 'before', 'after']),
  )
  expect(sent.some(({ manifest }) => manifest?.last === true)).toBe(true)
})
