/**
 * The newest results in memory, for queries: the latest result of each VM, and the latest windows of each partition with
 * their completeness. Pure; results are added in the order of the results topic. Reading starts near the end of the topic,
 * so the view contains recent results only.
 */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'
import type { PartitionResult } from './problem.ts'

export interface PartitionWindow {
  readonly partition: number
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly vmWindows: number
  readonly byReason: Readonly<Partial<Record<CloseReason, number>>>
  /** Number of points promised; `null` if it is unknown for one of the VM windows. */
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  /** Whether every VM window has all points promised. */
  readonly complete: boolean
}

interface KeptWindow {
  readonly partition: number
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  /** The latest revision of each VM window. */
  readonly vms: Map<string, Pick<VmWindowResult, 'revision' | 'reason' | 'expected' | 'received' | 'missingCount'>>
}

export interface ResultsViewLimits {
  /** Above this limit, the VM that has had no result for longest is dropped. */
  readonly maxVms: number
  /** Number of windows kept per partition. */
  readonly maxWindows: number
}

export class ResultsView {
  readonly #limits: ResultsViewLimits
  /** In order of each VM's latest result, oldest first: its latest result in each partition, nearly always one. */
  readonly #vms = new Map<string, readonly PartitionResult[]>()
  readonly #windows = new Map<number, Map<EpochMs, KeptWindow>>()
  /** Partitions of which earlier results were not read. */
  readonly #truncated = new Set<number>()

  constructor(limits: ResultsViewLimits) {
    this.#limits = limits
  }

  add(partition: number, result: VmWindowResult): void {
    this.#keepVm(partition, result)
    this.#keepWindow(partition, result)
  }

  /** The latest result, of whichever partition. */
  latestOf(vmId: string): VmWindowResult | null {
    return this.latestInEach(vmId).at(-1)?.result ?? null
  }

  /** The latest result in each partition that has recent ones, by window. Several: the VM's records arrive in several. */
  latestInEach(vmId: string): readonly PartitionResult[] {
    return this.#vms.get(vmId) ?? []
  }

  /** Marks a partition of which earlier results exist that were not read. */
  markTruncated(partition: number): void {
    this.#truncated.add(partition)
  }

  /**
   * At most `limit` windows, newest first, then by partition. In a truncated partition only the last results of a window
   * may have been read, such as an amendment. Such a window is listed only if it has as many VM windows as its certificate
   * states; `certified` returns that number, or `null` if the certificate is unknown.
   */
  windows(limit: number, certified: (partition: number, windowStart: EpochMs) => number | null): PartitionWindow[] {
    const isWhole = ({ partition, windowStart, vms }: KeptWindow): boolean =>
      !this.#truncated.has(partition) || vms.size >= (certified(partition, windowStart) ?? Infinity)
    return [...this.#windows.values()]
      .flatMap((kept) => [...kept.values()])
      .filter(isWhole)
      .sort((a, b) => b.windowStart - a.windowStart || a.partition - b.partition)
      .slice(0, limit)
      .map(describe)
  }

  #keepVm(partition: number, result: VmWindowResult): void {
    const { vmId, windowStart, windowEnd, revision } = result
    const before = this.#vms.get(vmId) ?? []
    const known = before.find((one) => one.partition === partition)?.result
    // A revision of an older window does not change the VM's latest result.
    if (known !== undefined && (known.windowStart > windowStart || isNewer(known, windowStart, revision))) return
    const all = [...before.filter((one) => one.partition !== partition), { partition, result }]
    all.sort((a, b) => a.result.windowStart - b.result.windowStart)
    // A partition that has not had the VM for as many windows as are kept does not have it any more.
    const latest = Math.max(...all.map((one) => one.result.windowStart))
    const since = latest - this.#limits.maxWindows * (windowEnd - windowStart)
    this.#vms.delete(vmId)
    this.#vms.set(vmId, all.length === 1 ? all : all.filter((one) => one.result.windowStart > since))
    if (this.#vms.size > this.#limits.maxVms) this.#vms.delete(this.#vms.keys().next().value as string)
  }

  #keepWindow(partition: number, result: VmWindowResult): void {
    const { vmId, windowStart, windowEnd, revision, reason, expected, received, missingCount } = result
    const kept = this.#windows.get(partition) ?? new Map<EpochMs, KeptWindow>()
    this.#windows.set(partition, kept)
    const window: KeptWindow = kept.get(windowStart) ?? { partition, windowStart, windowEnd, vms: new Map() }
    kept.set(windowStart, window)
    const known = window.vms.get(vmId)
    if (known === undefined || known.revision <= revision) {
      window.vms.set(vmId, { revision, reason, expected, received, missingCount })
    }
    if (kept.size > this.#limits.maxWindows) kept.delete(Math.min(...kept.keys()))
  }
}

function isNewer(known: VmWindowResult, windowStart: EpochMs, revision: number): boolean {
  return known.windowStart === windowStart && known.revision > revision
}

function describe({ partition, windowStart, windowEnd, vms }: KeptWindow): PartitionWindow {
  const byReason: Partial<Record<CloseReason, number>> = {}
  let expected: number | null = 0
  let received = 0
  let missing = 0
  let complete = true
  for (const vm of vms.values()) {
    byReason[vm.reason] = (byReason[vm.reason] ?? 0) + 1
    expected = expected === null || vm.expected === null ? null : expected + vm.expected
    received += vm.received
    missing += vm.missingCount
    complete &&= vm.reason === 'complete'
  }
  return { partition, windowStart, windowEnd, vmWindows: vms.size, byReason, expected, received, missing, complete }
}
