/**
 * What an exact processor must have made of a topic's records, computed in the plainest way and with nothing of ours: a
 * map of what was seen, whole numbers added up.
 *
 * Of late points only what the records alone decide is expected. A window closes at the latest when a point has come that is
 * later than its end plus the grace; it closes before that only when all it was promised is there, and then nothing but
 * copies can come late, or all that a VM sends that nobody waited for. So of the workload it is certain
 * - which points are too late, and that these and no others have a dead letter;
 * - what the last revision of every VM window holds: whatever came in time or late enough to be amended in, and of the VM's
 *   lifetime the same;
 * - that a VM window for which nothing came late, and none of those before it that reach it, has one revision.
 * How many revisions the others have is not: late points that came between two closes are amended by one commit. There
 * is at most one a late record, and each says something new.
 */
import type { FateCounts } from '../../src/core/fate.ts'
import { AMEND_WINDOWS } from './lateness.ts'
import type { TopicRecord } from './read-topic.ts'
import { GRACE_MS, WINDOW_MS } from './workload.ts'

export interface ExpectedVmWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly partition: number
  /** Points that manifests promise; `null`: there is none. */
  expected: number | null
  received: number
  sum: number
  min: number
  max: number
  /** Of the VM, up to and with this window. */
  lifetimeCount: number
  lifetimeSum: number
  /** Something came before the window closed; otherwise its first revision may be an amendment. */
  cameInTime: boolean
  /** New records that came after it closed. */
  late: number
  maxRevision: number
}

/** What became of a refused record: `broken` ones cannot be read or used. */
export type DeadLetterKind = 'broken' | 'too-late'

export interface Expected {
  /** By `vmId@windowStart`. */
  readonly vmWindows: ReadonlyMap<string, ExpectedVmWindow>
  /** All records that must have a dead letter, by `partition/offset`. */
  readonly deadLetters: ReadonlyMap<string, DeadLetterKind>
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
  readonly producer?: string
  readonly windowStart: number
  readonly count: number
}

/** The records in the order of partitions and offsets. */
export function expectedOf(records: readonly TopicRecord[]): Expected {
  const vmWindows = new Map<string, ExpectedVmWindow>()
  const deadLetters = new Map<string, DeadLetterKind>()
  const partitions = new Map<number, PartitionClock>()
  const seen = new Set<string>()
  const counts = {
    consumed: records.length,
    accepted: 0,
    duplicate: 0,
    conflict: 0,
    late: 0,
    rejected: 0,
    manifests: 0,
  }
  for (const { partition, offset, value } of records) {
    const record = parsed(value.toString('utf8'))
    if (record === null) {
      deadLetters.set(`${partition}/${offset}`, 'broken')
      counts.rejected++
      continue
    }
    const clock = partitions.get(partition) ?? new PartitionClock()
    partitions.set(partition, clock)
    const isManifest = 'manifest' in record
    const { vmId, producer = '' } = isManifest ? record.manifest : record
    const windowStart = isManifest ? record.manifest.windowStart : startOf(record.timestamp)
    const id = `${vmId}/${producer}/${isManifest ? `manifest of ${windowStart}` : record.seq}`
    if (isManifest) {
      counts.manifests++
      clock.promised(windowStart)
    }
    if (clock.isTooLate(windowStart, `${partition}/${offset}`)) {
      deadLetters.set(`${partition}/${offset}`, 'too-late')
      // A copy of a point that was counted long ago is too late like any other: its window is not known any more.
      if (!isManifest) counts.late++
      continue
    }
    if (seen.has(id)) {
      if (!isManifest) counts.duplicate++
      continue
    }
    seen.add(id)
    const window = windowOf(vmWindows, { vmId, windowStart, partition })
    const isLate = clock.hasClosed(windowStart)
    if (isLate) window.late++
    else window.cameInTime = true
    if (isManifest) {
      window.expected = (window.expected ?? 0) + record.manifest.count
      continue
    }
    counts.accepted++
    window.received++
    window.sum += record.value
    window.min = Math.min(window.min, record.value)
    window.max = Math.max(window.max, record.value)
    if (!isLate) clock.watermark = Math.max(clock.watermark, record.timestamp)
  }
  addLifetimes(vmWindows)
  return { vmWindows, deadLetters, counts }
}

/** How far a partition has come, by its records alone. */
class PartitionClock {
  /** Of the points that came in time. */
  watermark = -Infinity
  #promisedThrough = -Infinity

  /** A manifest came for the window: it, too, may be closed as soon as all its manifests are there. */
  promised(windowStart: number): void {
    this.#promisedThrough = Math.max(this.#promisedThrough, windowStart)
  }

  hasClosed(windowStart: number): boolean {
    return windowStart <= this.#closedThrough
  }

  /** Throws on what hangs on whether the window under way has closed yet: the workload sends no such record. */
  isTooLate(windowStart: number, place: string): boolean {
    const closed = this.#closedThrough
    if (windowStart <= closed - AMEND_WINDOWS * WINDOW_MS) return true
    const next = closed + WINDOW_MS
    if (windowStart <= next - AMEND_WINDOWS * WINDOW_MS && this.#promisedThrough >= next)
      throw new Error(`the records do not tell whether ${place}, of the window ${windowStart}, is too late`)
    return false
  }

  /** The last window whose grace is over. */
  get #closedThrough(): number {
    return startOf(this.watermark - GRACE_MS) - WINDOW_MS
  }
}

function startOf(timestamp: number): number {
  return Math.floor(timestamp / WINDOW_MS) * WINDOW_MS
}

function windowOf(
  vmWindows: Map<string, ExpectedVmWindow>,
  place: Pick<ExpectedVmWindow, 'vmId' | 'windowStart' | 'partition'>,
): ExpectedVmWindow {
  const key = `${place.vmId}@${place.windowStart}`
  const found = vmWindows.get(key)
  if (found !== undefined) return found
  const nothing = { expected: null, received: 0, sum: 0, min: Infinity, max: -Infinity }
  const created: ExpectedVmWindow = {
    ...{ ...place, ...nothing, lifetimeCount: 0, lifetimeSum: 0 },
    ...{ cameInTime: false, late: 0, maxRevision: 1 },
  }
  vmWindows.set(key, created)
  return created
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

/** Sums over the windows of each VM; and a late record amends its window and those after it that are closed and known. */
function addLifetimes(vmWindows: ReadonlyMap<string, ExpectedVmWindow>): void {
  const totals = new Map<string, { count: number; sum: number }>()
  for (const window of [...vmWindows.values()].sort((a, b) => a.windowStart - b.windowStart)) {
    const { vmId, windowStart } = window
    const before = totals.get(vmId) ?? { count: 0, sum: 0 }
    const total = { count: before.count + window.received, sum: before.sum + window.sum }
    totals.set(vmId, total)
    window.lifetimeCount = total.count
    window.lifetimeSum = total.sum
    for (let back = 0; back < AMEND_WINDOWS; back++)
      window.maxRevision += vmWindows.get(`${vmId}@${windowStart - back * WINDOW_MS}`)?.late ?? 0
  }
}
