/**
 * The published results in short: for each VM window its counts, and where its line is. One million VM windows take about 60 MB.
 * Lines are read again from where they were published when an answer needs them. Pure.
 *
 * Above the limit the oldest windows are dropped, with all their VMs.
 */
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { EpochMs } from '../../core/point.ts'
import type { LineAt } from './feed.ts'
import { NO_EXPECTED, REASONS, WindowColumns } from './window-columns.ts'

/** A VM window of the index. */
export interface IndexedVm {
  readonly vmId: string
  readonly windowStart: EpochMs
  readonly reason: CloseReason
  readonly revision: number
  readonly expected: number | null
  readonly received: number
  readonly missing: number
  readonly duplicates: number
  readonly conflicts: number
  readonly noReadings: number
  readonly at: LineAt
}

/** A partition window of the index. */
export interface IndexedWindow {
  readonly partition: number
  readonly start: EpochMs
  readonly end: EpochMs
  readonly columns: WindowColumns
}

export class ResultIndex {
  readonly #maxVmWindows: number
  readonly #vmNumbers = new Map<string, number>()
  readonly #vmIds: string[] = []
  /** By partition, then by start. */
  readonly #windows = new Map<number, Map<EpochMs, IndexedWindow>>()
  readonly #metrics = new Set<string>()
  /** Start of the newest window that was dropped, by partition: later revisions of such windows are ignored. */
  readonly #droppedThrough = new Map<number, EpochMs>()
  #vmWindows = 0
  #version = 0
  #sortedVms: readonly string[] | null = null

  constructor(maxVmWindows: number) {
    this.#maxVmWindows = maxVmWindows
  }

  /** Raised by every change. */
  get version(): number {
    return this.#version
  }

  get vmWindows(): number {
    return this.#vmWindows
  }

  get hasDropped(): boolean {
    return this.#droppedThrough.size > 0
  }

  /** Names of metrics, sorted; the first 200 that were seen. */
  get metrics(): readonly string[] {
    return [...this.#metrics].sort()
  }

  add(partition: number, result: VmWindowResult, at: LineAt): void {
    const { vmId, windowStart: start, windowEnd: end } = result
    if (start <= (this.#droppedThrough.get(partition) ?? -Infinity)) return
    let windows = this.#windows.get(partition)
    if (windows === undefined) this.#windows.set(partition, (windows = new Map<EpochMs, IndexedWindow>()))
    let window = windows.get(start)
    if (window === undefined) windows.set(start, (window = { partition, start, end, columns: new WindowColumns() }))
    if (window.columns.put(this.#numberOf(vmId), result, at)) this.#vmWindows++
    this.#noteMetrics(result)
    this.#version++
    while (this.#vmWindows > this.#maxVmWindows) this.#dropOldest()
  }

  /** Ids of all VMs, sorted. */
  vmIds(): readonly string[] {
    return (this.#sortedVms ??= [...this.#vmIds].sort())
  }

  hasVm(vmId: string): boolean {
    return this.#vmNumbers.has(vmId)
  }

  vmIdOf(number: number): string {
    return this.#vmIds[number] as string
  }

  numberOf(vmId: string): number | undefined {
    return this.#vmNumbers.get(vmId)
  }

  /** All windows, in no order. */
  *windows(): Generator<IndexedWindow> {
    for (const windows of this.#windows.values()) yield* windows.values()
  }

  window(partition: number, start: EpochMs): IndexedWindow | null {
    return this.#windows.get(partition)?.get(start) ?? null
  }

  /** The VM windows of a VM, in no order. */
  ofVm(vmId: string): { readonly window: IndexedWindow; readonly vm: IndexedVm }[] {
    const number = this.#vmNumbers.get(vmId)
    if (number === undefined) return []
    const found: { readonly window: IndexedWindow; readonly vm: IndexedVm }[] = []
    for (const window of this.windows()) {
      const row = window.columns.rowOf(number)
      if (row >= 0) found.push({ window, vm: this.vmAt(window, row) })
    }
    return found
  }

  vmAt({ start, columns }: IndexedWindow, row: number): IndexedVm {
    const expected = columns.expected.at(row)
    return {
      vmId: this.vmIdOf(columns.vm.at(row)),
      windowStart: start,
      reason: REASONS[columns.reason.at(row)] as CloseReason,
      revision: columns.revision.at(row),
      expected: expected === NO_EXPECTED ? null : expected,
      received: columns.received.at(row),
      missing: columns.missing.at(row),
      duplicates: columns.duplicates.at(row),
      conflicts: columns.conflicts.at(row),
      noReadings: columns.noReadings.at(row),
      at: columns.placeOf(row),
    }
  }

  clear(): void {
    this.#vmNumbers.clear()
    this.#vmIds.length = 0
    this.#windows.clear()
    this.#metrics.clear()
    this.#droppedThrough.clear()
    this.#vmWindows = 0
    this.#sortedVms = null
    this.#version++
  }

  #numberOf(vmId: string): number {
    let number = this.#vmNumbers.get(vmId)
    if (number === undefined) {
      this.#vmNumbers.set(vmId, (number = this.#vmIds.length))
      this.#vmIds.push(vmId)
      this.#sortedVms = null
    }
    return number
  }

  #noteMetrics({ metrics }: VmWindowResult): void {
    if (this.#metrics.size >= MAX_METRICS || typeof metrics !== 'object' || metrics === null) return
    for (const name of Object.keys(metrics)) if (this.#metrics.size < MAX_METRICS) this.#metrics.add(name)
  }

  #dropOldest(): void {
    let oldest: IndexedWindow | null = null
    for (const window of this.windows()) if (oldest === null || window.start < oldest.start) oldest = window
    if (oldest === null) return
    const { partition, start, columns } = oldest
    this.#windows.get(partition)?.delete(start)
    this.#vmWindows -= columns.size
    this.#droppedThrough.set(partition, start)
  }
}

const MAX_METRICS = 200
