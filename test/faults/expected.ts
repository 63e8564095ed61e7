/**
 * Computes what an exact processor must publish for the records of a topic. It uses the simplest method and no code of
 * Windrow: a map of the records seen so far, and sums of whole numbers.
 *
 * For late points it expects only what the records alone decide. A window closes at the latest when a point arrives whose
 * time is after the window's end plus the grace period. It closes earlier only if everything promised has arrived; then only
 * duplicates can be late, or all records of a VM that was not expected. So for this workload the following is certain:
 * - which points are too late, and that these and no others have a dead letter;
 * - the content of the last revision of every VM window, including the VM's lifetime sums: every record that arrived in time
 *   or early enough to amend the window;
 * - that a VM window has one revision if no record for it arrived late, nor for an earlier window that amends it.
 * The number of revisions of other VM windows is not certain, since one commit amends all late points between two closes.
 * There is at most one revision per late record, and each changes something.
 */
import type { FateCounts } from '../../src/core/fate.ts'
import { AMEND_WINDOWS } from './lateness.ts'
import type { TopicRecord } from './read-topic.ts'
import { GRACE_MS, hasFastClock, WINDOW_MS } from './workload.ts'

export interface ExpectedVmWindow {
  readonly vmId: string
  readonly windowStart: number
  readonly partition: number
  /** Number of points that manifests promise; `null` if there is no manifest. */
  expected: number | null
  received: number
  conflicts: number
  /** By metric. */
  readonly metrics: Map<string, Figures>
  /** Points of the VM up to and including this window, by metric: their number and sum. */
  readonly lifetime: Map<string, readonly [count: number, sum: number]>
  /** A record arrived before the window closed. Otherwise its first revision may be an amendment. */
  cameInTime: boolean
  /** Number of new records that arrived after the window closed. */
  late: number
  maxRevision: number
}

export interface Figures {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Why a record was refused: `broken` ones cannot be decoded or are invalid. */
export type DeadLetterKind = 'broken' | 'too-late' | 'conflict'

export interface Expected {
  /** By `vmId@windowStart`. */
  readonly vmWindows: ReadonlyMap<string, ExpectedVmWindow>
  /** By `partition/offset`: all records that must have a dead letter. */
  readonly deadLetters: ReadonlyMap<string, DeadLetterKind>
  readonly counts: FateCounts
  /**
   * By `partition/windowStart`: the windows in which only VMs with a fast clock sent anything. The other VMs of the partition
   * are waited for there, so they have results without points.
   */
  readonly aheadOnly: ReadonlySet<string>
}

interface Point {
  readonly vmId: string
  readonly producer?: string
  readonly metric: string
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

/** `records` are in the order of partitions and offsets. */
export function expectedOf(records: readonly TopicRecord[]): Expected {
  const vmWindows = new Map<string, ExpectedVmWindow>()
  const deadLetters = new Map<string, DeadLetterKind>()
  const partitions = new Map<number, PartitionClock>()
  const seen = new Map<string, string>()
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
    const of = `${vmId}/${producer}/${windowStart}`
    const id = isManifest ? `${of}/manifest` : `${of}/${record.seq}/${record.metric}`
    const content = isManifest ? '' : `${record.timestamp} ${record.value}`
    if (isManifest) {
      counts.manifests++
      if (!hasFastClock(vmId)) clock.promised(windowStart)
    }
    if (clock.isTooLate(windowStart, `${partition}/${offset}`)) {
      deadLetters.set(`${partition}/${offset}`, 'too-late')
      // A duplicate of a point counted long ago is too late too: its window is no longer remembered.
      if (!isManifest) counts.late++
      continue
    }
    if (seen.get(id) === content) {
      if (!isManifest) counts.duplicate++
      continue
    }
    const window = windowOf(vmWindows, { vmId, windowStart, partition })
    const isLate = clock.hasClosed(windowStart)
    if (isLate) window.late++
    else window.cameInTime = true
    if (seen.has(id)) {
      deadLetters.set(`${partition}/${offset}`, 'conflict')
      counts.conflict++
      window.conflicts++
      continue
    }
    seen.set(id, content)
    if (isManifest) {
      window.expected = (window.expected ?? 0) + record.manifest.count
      continue
    }
    counts.accepted++
    window.received++
    const { value: number, metric } = record
    const before = window.metrics.get(metric) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity }
    window.metrics.set(metric, {
      ...{ count: before.count + 1, sum: before.sum + number },
      ...{ min: Math.min(before.min, number), max: Math.max(before.max, number) },
    })
    if (!isLate && !hasFastClock(vmId)) clock.watermark = Math.max(clock.watermark, record.timestamp)
  }
  // A manifest counts samples; each has all metrics of its VM here.
  for (const window of vmWindows.values())
    if (window.expected !== null) window.expected *= Math.max(1, window.metrics.size)
  addLifetimes(vmWindows)
  return { vmWindows, deadLetters, counts, aheadOnly: aheadOnlyOf([...vmWindows.values()]) }
}

function aheadOnlyOf(vmWindows: readonly ExpectedVmWindow[]): Set<string> {
  const keyOf = ({ partition, windowStart }: ExpectedVmWindow): string => `${partition}/${windowStart}`
  const others = new Set(vmWindows.filter(({ vmId }) => !hasFastClock(vmId)).map(keyOf))
  return new Set(vmWindows.map(keyOf).filter((key) => !others.has(key)))
}

/** Tracks which windows of a partition have closed, by its records alone. */
class PartitionClock {
  /** The highest event time of the points that arrived in time. */
  watermark = -Infinity
  #promisedThrough = -Infinity

  /** A manifest for the window arrived, so the window may close as soon as all its manifests have arrived. */
  promised(windowStart: number): void {
    this.#promisedThrough = Math.max(this.#promisedThrough, windowStart)
  }

  hasClosed(windowStart: number): boolean {
    return windowStart <= this.#closedThrough
  }

  /** Throws if the answer depends on whether the current window has closed already; the workload sends no such record. */
  isTooLate(windowStart: number, place: string): boolean {
    const closed = this.#closedThrough
    if (windowStart <= closed - AMEND_WINDOWS * WINDOW_MS) return true
    const next = closed + WINDOW_MS
    if (windowStart <= next - AMEND_WINDOWS * WINDOW_MS && this.#promisedThrough >= next)
      throw new Error(`the records do not decide whether ${place}, of the window ${windowStart}, is too late`)
    return false
  }

  /** The last window whose grace period has ended. */
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
  const created: ExpectedVmWindow = {
    ...{ ...place, expected: null, received: 0, conflicts: 0, metrics: new Map<string, Figures>() },
    lifetime: new Map<string, readonly [number, number]>(),
    ...{ cameInTime: false, late: 0, maxRevision: 1 },
  }
  vmWindows.set(key, created)
  return created
}

/** Decodes a record; `null` if it must be refused. Recognizes only the kinds of broken records that the workload sends. */
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

/**
 * Adds the lifetime sums of each VM, and the maximum number of revisions: a late record amends its window and the later
 * closed windows that are still remembered.
 */
function addLifetimes(vmWindows: ReadonlyMap<string, ExpectedVmWindow>): void {
  const totals = new Map<string, Map<string, readonly [count: number, sum: number]>>()
  for (const window of [...vmWindows.values()].sort((a, b) => a.windowStart - b.windowStart)) {
    const { vmId, windowStart } = window
    const total = new Map(totals.get(vmId))
    for (const [metric, { count, sum }] of window.metrics) {
      const [countBefore, sumBefore] = total.get(metric) ?? [0, 0]
      total.set(metric, [countBefore + count, sumBefore + sum])
    }
    totals.set(vmId, total)
    for (const [metric, of] of total) window.lifetime.set(metric, of)
    for (let back = 0; back < AMEND_WINDOWS; back++)
      window.maxRevision += vmWindows.get(`${vmId}@${windowStart - back * WINDOW_MS}`)?.late ?? 0
  }
}
