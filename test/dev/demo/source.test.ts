/** The records of the demo: complete except for declared losses, and reproducible from any offset. */
import { describe, expect, test } from 'vitest'
import { partitionOf } from '../../../src/core/murmur2.ts'
import type { DataPoint, SourceRecord, WindowManifest } from '../../../src/core/point.ts'
import { addRange, subtract, type SeqRanges } from '../../../src/core/seq-ranges.ts'
import { windowsOf } from '../../../src/core/window-policy.ts'
import { DEMO_GRACE_MS } from '../../../src/dev/demo/arrivals.ts'
import { createFleet, type DemoOptions, type Fleet } from '../../../src/dev/demo/fleet.ts'
import { createDemoSource, recordsOf } from '../../../src/dev/demo/source.ts'
import { tallyOf } from '../../../src/dev/demo/tally.ts'

const PARTITIONS = 8
const HOUR_MS = 3_600_000
const options: DemoOptions = { vms: 50, points: 5_000, windowMs: HOUR_MS, seed: 7 }

function partition(fleet: Fleet, index: number, fromOffset = 0): SourceRecord[] {
  return [...recordsOf(fleet, index, PARTITIONS, fromOffset)].flat()
}

function partitions(fleet: Fleet): SourceRecord[][] {
  return Array.from({ length: PARTITIONS }, (_, index) => partition(fleet, index))
}

/** Without functions, which are compared by identity. */
function plain(records: readonly SourceRecord[]) {
  return records.map(({ offset, decoded }) => ({ offset, decoded }))
}

function pointsOf(records: readonly SourceRecord[]): DataPoint[] {
  return records.flatMap(({ decoded }) => (decoded.kind === 'point' ? [decoded.point] : []))
}

function manifestsOf(records: readonly SourceRecord[]): WindowManifest[] {
  return records.flatMap(({ decoded }) => (decoded.kind === 'manifest' ? [decoded.manifest] : []))
}

test('the same options generate the same records', () => {
  const once = partitions(createFleet(options)).map(plain)
  expect(partitions(createFleet(options)).map(plain)).toEqual(once)
})

test('records are in the partition that Kafka would choose, numbered from 0', () => {
  partitions(createFleet(options)).forEach((records, index) => {
    expect(records.map(({ offset }) => offset)).toEqual(records.map((_, i) => i))
    const vmIds = new Set([...pointsOf(records), ...manifestsOf(records)].map(({ vmId }) => vmId))
    for (const vmId of vmIds) expect(partitionOf(vmId, PARTITIONS)).toBe(index)
  })
})

test('a partition that is read from any offset continues with the same records', () => {
  const fleet = createFleet({ ...options, vms: 10, points: 20_000 })
  const all = plain(partition(fleet, 3))
  expect(all.length).toBeGreaterThan(2_000)
  for (let from = 0; from <= all.length + 10; from += 97) {
    expect(plain(partition(fleet, 3, from))).toEqual(all.slice(from))
  }
  expect(partition(fleet, 3, all.length)).toEqual([])
})

test('a source reports its end repeatedly', async () => {
  const fleet = createFleet({ ...options, vms: 10, points: 20_000 })
  const expected = plain(partition(fleet, 3, 500))
  const source = await createDemoSource(fleet, PARTITIONS).open(3, 500)
  const records: SourceRecord[] = []
  for (let event = await source.next(); event.kind !== 'end'; event = await source.next()) {
    if (event.kind === 'records') records.push(...event.records)
  }
  expect(plain(records)).toEqual(expected)
  expect(await source.next()).toEqual({ kind: 'end' })
})

describe.each([
  options,
  { ...options, windowMs: 24 * HOUR_MS },
  { ...options, windowMs: 7 * 24 * HOUR_MS },
  // Does not divide the day; windows without points.
  { ...options, windowMs: 7 * 60_000, seed: 8 },
  { ...options, vms: 3, points: 30, windowMs: DEMO_GRACE_MS },
  { ...options, vms: 501, points: 100_000, seed: 9 },
])('$vms VMs with $points points in windows of $windowMs ms', (given) => {
  const fleet = createFleet(given)
  const tally = tallyOf(fleet)
  const parts = partitions(fleet)
  const all = parts.flat()
  const windows = windowsOf({ sizeMs: given.windowMs })

  test('the tally counts the delivered records', () => {
    const points = pointsOf(all)
    const distinct = new Set(points.map(({ vmId, seq }) => `${vmId} ${seq}`))
    expect(distinct.size).toBe(tally.points)
    expect(points.length - distinct.size).toBe(tally.copies)
    expect(manifestsOf(all)).toHaveLength(tally.manifests)
    expect(all).toHaveLength(tally.records)
    expect(tally.points + tally.lost).toBe(given.points)
  })

  test('manifests announce all seqs of a VM once, and exactly the named VM windows lack some', () => {
    const seen = new Map<string, SeqRanges>()
    for (const { vmId, seq, timestamp } of pointsOf(all)) {
      const key = `${vmId} ${windows.startOf(timestamp)}`
      seen.set(key, addRange(seen.get(key) ?? [], seq as number, 1))
    }
    const promised = new Map<string, number>()
    const incomplete = manifestsOf(all).flatMap(({ vmId, windowStart, firstSeq: first, count }) => {
      const firstSeq = first as number
      expect(firstSeq).toBe(promised.get(vmId) ?? 0)
      promised.set(vmId, firstSeq + count)
      const expected = addRange([], firstSeq, count)
      const there = seen.get(`${vmId} ${windowStart}`) ?? []
      expect(subtract(there, expected, 1).total).toBe(0)
      const missing = subtract(expected, there, Infinity).ranges
      return missing.length === 0 ? [] : [{ vmId, windowStart, missing }]
    })
    expect(incomplete).toEqual(tally.incomplete)
    expect(new Set(incomplete.map(({ vmId }) => vmId)).size).toBe(1)
    for (const vm of fleet.vms) expect(promised.get(vm.vmId)).toBe(vm.points)
  })

  test('only the last manifest of the leaving VM says that it is the last', () => {
    const lasts = manifestsOf(all).filter(({ last }) => last)
    const leaver = fleet.vms.find(({ role }) => role === 'leaver')
    const times = manifestsOf(all).filter(({ vmId }) => vmId === leaver?.vmId)
    expect(lasts).toEqual([times.at(-1)])
  })

  test('points are out of order, but never later than the grace period of their window', () => {
    let disordered = 0
    for (const records of parts) {
      let watermark = -Infinity
      for (const { timestamp } of pointsOf(records)) {
        if (timestamp < watermark) disordered++
        watermark = Math.max(watermark, timestamp)
        const windowEnd = windows.endOf(windows.startOf(timestamp))
        expect(watermark).toBeLessThan(windowEnd + DEMO_GRACE_MS)
      }
    }
    if (given.points >= 5_000) expect(disordered).toBeGreaterThan(given.points / 1000)
  })

  test('loads are percentages', () => {
    for (const { value } of pointsOf(all)) expect(value >= 0 && value <= 100).toBe(true)
  })
})
