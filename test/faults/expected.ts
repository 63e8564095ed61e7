/**
 * What an exact processor must have made of a topic's records, computed in the plainest way and with nothing of ours: a
 * map of what was seen, whole numbers added up. Holds for a workload of which no point comes later than its grace.
 */
import type { FateCounts } from '../../src/core/fate.ts'
import type { TopicRecord } from './read-topic.ts'
import { WINDOW_MS } from './workload.ts'

export interface ExpectedVmWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly partition: number
  /** Points that manifests promise. */
  expected: number
  received: number
  sum: number
  min: number
  max: number
  /** Of the VM, up to and with this window. */
  lifetimeCount: number
  lifetimeSum: number
}

export interface Expected {
  /** By `vmId@windowStart`. */
  readonly vmWindows: ReadonlyMap<string, ExpectedVmWindow>
  /** `partition/offset` of all records that must have a dead letter. */
  readonly deadLetters: ReadonlySet<string>
  readonly counts: FateCounts
}

interface Point {
  readonly vmId: string
  readonly producer?: string
  readonly timestamp: number
  readonly seq: number
  readonly value: number
}
interface Manifest {
  readonly vmId: string
  readonly windowStart: number
  readonly count: number
}

/** The records in the order of partitions and offsets. */
export function expectedOf(records: readonly TopicRecord[]): Expected {
  const vmWindows = new Map<string, ExpectedVmWindow>()
  const deadLetters = new Set<string>()
  const seen = new Set<string>()
  const counts = { consumed: records.length, accepted: 0, duplicate: 0, late: 0, rejected: 0, manifests: 0 }
  const windowOf = (vmId: string, windowStart: number, partition: number): ExpectedVmWindow => {
    const key = `${vmId}@${windowStart}`
    const found = vmWindows.get(key)
    if (found !== undefined) return found
    const nothing = { expected: 0, received: 0, sum: 0, min: Infinity, max: -Infinity }
    const created = { vmId, windowStart, partition, ...nothing, lifetimeCount: 0, lifetimeSum: 0 }
    vmWindows.set(key, created)
    return created
  }
  for (const { partition, offset, value } of records) {
    const record = parsed(value.toString('utf8'))
    if (record === null) {
      deadLetters.add(`${partition}/${offset}`)
      counts.rejected++
    } else if ('manifest' in record) {
      const { vmId, windowStart, count } = record.manifest
      windowOf(vmId, windowStart, partition).expected += count
      counts.manifests++
    } else {
      const id = `${record.vmId}/${record.producer ?? ''}/${record.seq}`
      if (seen.has(id)) {
        counts.duplicate++
        continue
      }
      seen.add(id)
      counts.accepted++
      const window = windowOf(record.vmId, Math.floor(record.timestamp / WINDOW_MS) * WINDOW_MS, partition)
      window.received++
      window.sum += record.value
      window.min = Math.min(window.min, record.value)
      window.max = Math.max(window.max, record.value)
    }
  }
  addLifetimes(vmWindows)
  return { vmWindows, deadLetters, counts }
}

/** `null`: to be refused. Knows of the records that the workload breaks on purpose, and of no others. */
function parsed(text: string): Point | { readonly manifest: Manifest } | null {
  let record: Point | { readonly manifest: Manifest }
  try {
    record = JSON.parse(text) as typeof record
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  if ('manifest' in record) return record.manifest.windowStart % WINDOW_MS === 0 ? record : null
  return record.seq >= 0 ? record : null
}

function addLifetimes(vmWindows: ReadonlyMap<string, ExpectedVmWindow>): void {
  const totals = new Map<string, { count: number; sum: number }>()
  for (const window of [...vmWindows.values()].sort((a, b) => a.windowStart - b.windowStart)) {
    const before = totals.get(window.vmId) ?? { count: 0, sum: 0 }
    const total = { count: before.count + window.received, sum: before.sum + window.sum }
    totals.set(window.vmId, total)
    window.lifetimeCount = total.count
    window.lifetimeSum = total.sum
  }
}
