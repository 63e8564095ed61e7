/**
 * What the newest results say, kept in memory for questions: of each VM the latest one, of each partition the last
 * windows with their completeness. Pure; fed in the order of the results topic, from a place in it that was near enough
 * to its end, so it knows what is recent and nothing else.
 */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason } from '../core/closing.ts'
import type { EpochMs } from '../core/point.ts'

export interface PartitionWindow {
  readonly partition: number
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly vmWindows: number
  readonly byReason: Readonly<Partial<Record<CloseReason, number>>>
  /** Points promised; `null` where nobody said for one of its VM windows. */
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  /** Whether every VM window has all that was promised. */
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
  /** Beyond it the VM that has been silent longest is forgotten. */
  readonly maxVms: number
  /** Windows that are kept of each partition. */
  readonly maxWindows: number
}

export class ResultsView {
  readonly #limits: ResultsViewLimits
  /** In the order of their last word, oldest first. */
  readonly #vms = new Map<string, VmWindowResult>()
  readonly #windows = new Map<number, Map<EpochMs, KeptWindow>>()
  readonly #cut = new Set<number>()

  constructor(limits: ResultsViewLimits) {
    this.#limits = limits
  }

  add(partition: number, result: VmWindowResult): void {
    this.#keepVm(result)
    this.#keepWindow(partition, result)
  }

  latestOf(vmId: string): VmWindowResult | null {
    return this.#vms.get(vmId) ?? null
  }

  /** Of this partition there are earlier results that are not known here. */
  cut(partition: number): void {
    this.#cut.add(partition)
  }

  /**
   * Newest first, partitions in order; at most `limit`. What begins in the middle of a partition may know of a window only
   * what came last, such as an amendment: there the certificate's word is needed for how many VM windows there are.
   */
  windows(limit: number, certified: (partition: number, windowStart: EpochMs) => number | null): PartitionWindow[] {
    const isWhole = ({ partition, windowStart, vms }: KeptWindow): boolean =>
      !this.#cut.has(partition) || vms.size >= (certified(partition, windowStart) ?? Infinity)
    return [...this.#windows.values()]
      .flatMap((kept) => [...kept.values()])
      .filter(isWhole)
      .sort((a, b) => b.windowStart - a.windowStart || a.partition - b.partition)
      .slice(0, limit)
      .map(describe)
  }

  #keepVm(result: VmWindowResult): void {
    const { vmId, windowStart, revision } = result
    const known = this.#vms.get(vmId)
    // A revision of an older window is no news of what the VM is like now.
    if (known !== undefined && (known.windowStart > windowStart || isNewer(known, windowStart, revision))) return
    this.#vms.delete(vmId)
    this.#vms.set(vmId, result)
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
