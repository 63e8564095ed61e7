/** Published results by window, VM and revision, and which of them a certificate has claimed. */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { EpochMs } from '../core/point.ts'
import { readPublished } from './published-line.ts'

export interface PublishedResult {
  /** As it was published. */
  readonly line: string
  readonly result: VmWindowResult
}

interface Entry extends PublishedResult {
  isClaimed: boolean
}

export interface Unclaimed {
  readonly result: VmWindowResult
  /** Another one of the same revision was claimed. */
  readonly isRepeated: boolean
}

export class PublishedResults {
  /** Results that a promotion published, by the certificate that they name. */
  readonly #promoted = new Map<string, Entry[]>()
  readonly #windows = new Map<EpochMs, Map<string, Entry[]>>()
  readonly #isWanted: (windowStart: EpochMs) => boolean
  /** Names and versions of the aggregators of the results; `null` for results of version 0.1.0, which lack it. */
  readonly aggregators = new Set<string | null>()
  count = 0

  /** Results of other windows are not kept. */
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

  /** Claims what the certificate has promoted, by window and VM. */
  claimPromoted(partition: number, certificate: number): readonly PublishedResult[] {
    const entries = this.#promoted.get(`${partition} ${certificate}`) ?? []
    for (const entry of entries) entry.isClaimed = true
    return entries.sort(
      ({ result: a }, { result: b }) =>
        a.windowStart - b.windowStart || (a.vmId < b.vmId ? -1 : a.vmId > b.vmId ? 1 : 0),
    )
  }

  /** Of this VM window, what was promoted in the place of this revision, first to last. */
  promotedAfter(windowStart: EpochMs, vmId: string, revision: number): readonly VmWindowResult[] {
    const entries = this.#windows.get(windowStart)?.get(vmId) ?? []
    return entries
      .map(({ result }) => result)
      .filter((result) => result.promoted !== undefined && result.revision > revision)
  }

  /** The first with this revision, which is claimed by it; `null` when there is none. */
  claim(windowStart: EpochMs, vmId: string, revision: number): PublishedResult | null {
    const entries = this.#windows.get(windowStart)?.get(vmId)
    const entry = entries?.find(({ result }) => result.revision === revision)
    if (entry === undefined) return null
    entry.isClaimed = true
    return entry
  }

  /** What no certificate has claimed: published twice, or published without being due. */
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
