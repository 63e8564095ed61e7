/** Stores the published results by window, VM and revision, and which of them a certificate has claimed. */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { EpochMs } from '../core/point.ts'
import { readPublished } from './published-line.ts'

export interface PublishedResult {
  /** The line as it was published. */
  readonly line: string
  readonly result: VmWindowResult
}

interface Entry extends PublishedResult {
  isClaimed: boolean
}

export interface Unclaimed {
  readonly result: VmWindowResult
  /** Whether another result of the same revision was claimed, so that this one is a repetition. */
  readonly isRepeated: boolean
}

export class PublishedResults {
  /** By certificate: the results that its promotion published. */
  readonly #promoted = new Map<string, Entry[]>()
  readonly #windows = new Map<EpochMs, Map<string, Entry[]>>()
  readonly #isWanted: (windowStart: EpochMs) => boolean
  /** Names and versions of the aggregators of the results; `null` for results of version 0.1.0, which lack it. */
  readonly aggregators = new Set<string | null>()
  count = 0

  /** Results of windows that are not wanted are dropped. */
  constructor(isWanted: (windowStart: EpochMs) => boolean) {
    this.#isWanted = isWanted
  }

  add(line: string): void {
    const result = readPublished<VmWindowResult>('result', line)
    const { windowStart, vmId } = result
    if (!this.#isWanted(windowStart)) return
    this.count++
    this.aggregators.add(result.aggregator ?? null)
    let vms = this.#windows.get(windowStart)
    if (vms === undefined) this.#windows.set(windowStart, (vms = new Map<string, Entry[]>()))
    const entries = vms.get(vmId)
    const entry = { line, result, isClaimed: false }
    if (entries === undefined) vms.set(vmId, [entry])
    else entries.push(entry)
    if (result.promoted === undefined) return
    const key = `${result.promoted.partition} ${result.promoted.certificate}`
    const promoted = this.#promoted.get(key)
    if (promoted === undefined) this.#promoted.set(key, [entry])
    else promoted.push(entry)
  }

  /** Number of VM windows: of results with the first revision. */
  vmWindowsIn(windowStart: EpochMs): number {
    const entries = [...(this.#windows.get(windowStart)?.values() ?? [])].flat()
    return entries.filter(({ result }) => result.revision === 1).length
  }

  /** Claims the results that the certificate has promoted; returns them sorted by window and VM. */
  claimPromoted(partition: number, certificate: number): readonly PublishedResult[] {
    const entries = this.#promoted.get(`${partition} ${certificate}`) ?? []
    for (const entry of entries) entry.isClaimed = true
    return entries.sort(
      ({ result: a }, { result: b }) =>
        a.windowStart - b.windowStart || (a.vmId < b.vmId ? -1 : a.vmId > b.vmId ? 1 : 0),
    )
  }

  /** The promoted results of this VM window that replaced this revision, first to last. */
  promotedAfter(windowStart: EpochMs, vmId: string, revision: number): readonly VmWindowResult[] {
    const entries = this.#windows.get(windowStart)?.get(vmId) ?? []
    return entries
      .map(({ result }) => result)
      .filter((result) => result.promoted !== undefined && result.revision > revision)
  }

  /**
   * Claims and returns a result of this revision; `null` if there is none. If several are left, because the VM is in several
   * partitions or because one was published twice, it is the first that fits, or the first.
   */
  claim(
    windowStart: EpochMs,
    vmId: string,
    revision: number,
    fits: (result: VmWindowResult) => boolean,
  ): PublishedResult | null {
    const entries = (this.#windows.get(windowStart)?.get(vmId) ?? []).filter((one) => one.result.revision === revision)
    const left = entries.filter(({ isClaimed }) => !isClaimed)
    const entry = (left.length > 1 ? left.find(({ result }) => fits(result)) : undefined) ?? left[0] ?? entries[0]
    if (entry === undefined) return null
    entry.isClaimed = true
    return entry
  }

  /** The results that no certificate has claimed: they were published twice or must not exist. */
  *unclaimed(): Generator<Unclaimed> {
    for (const vms of this.#windows.values()) {
      for (const entries of vms.values()) {
        const claimed = new Set(entries.flatMap(({ isClaimed, result }) => (isClaimed ? [result.revision] : [])))
        for (const { isClaimed, result } of entries) {
          if (!isClaimed) yield { result, isRepeated: claimed.has(result.revision) }
        }
      }
    }
  }
}
