/** The certificates of all partitions in short, and where their lines are; the newest ones up to a limit. Pure. */
import type { Certificate } from '../../core/certificate.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { FateCounts } from '../../core/fate.ts'
import type { EpochMs } from '../../core/point.ts'
import type { TimeWindow } from '../../core/window-policy.ts'
import type { LineAt } from './feed.ts'

export interface IndexedCertificate {
  readonly partition: number
  readonly sequence: number
  readonly digest: string
  /** Digest of the certificate before. */
  readonly previous: string
  readonly window: TimeWindow | null
  readonly reason: CloseReason | null
  readonly vmWindows: number
  readonly expected: number | null
  readonly received: number
  readonly missingCount: number
  readonly counts: FateCounts
  /** Starts of earlier windows with new revisions; of a promotion the first and the last. */
  readonly changed: readonly EpochMs[]
  readonly changedVmWindows: number
  readonly isPromotion: boolean
  readonly at: LineAt
}

export class CertificateIndex {
  readonly #max: number
  /** In order of arrival. */
  #all: IndexedCertificate[] = []
  readonly #bySequence = new Map<number, Map<number, IndexedCertificate>>()
  readonly #byWindow = new Map<number, Map<EpochMs, IndexedCertificate>>()
  #version = 0

  constructor(max: number) {
    this.#max = max
  }

  get version(): number {
    return this.#version
  }

  add(certificate: Certificate, at: LineAt): void {
    const entry = inShort(certificate, at)
    const { partition, sequence, window } = entry
    // A certificate is published once, so one with a known sequence adds nothing.
    if (this.bySequence(partition, sequence) !== null) return
    this.#all.push(entry)
    mapIn(this.#bySequence, partition).set(sequence, entry)
    if (window !== null) mapIn(this.#byWindow, partition).set(window.start, entry)
    this.#version++
    if (this.#all.length > this.#max * 1.1) this.#trim()
  }

  bySequence(partition: number, sequence: number): IndexedCertificate | null {
    return this.#bySequence.get(partition)?.get(sequence) ?? null
  }

  ofWindow(partition: number, start: EpochMs): IndexedCertificate | null {
    return this.#byWindow.get(partition)?.get(start) ?? null
  }

  /** Those that gave the window new revisions, oldest first. */
  changesOf(partition: number, start: EpochMs): IndexedCertificate[] {
    return this.#all.filter((one) => one.partition === partition && isChangedBy(start, one))
  }

  /** In order of arrival. */
  all(): readonly IndexedCertificate[] {
    return this.#all
  }

  /** The last sequence of each partition that has any. */
  heads(): Map<number, number> {
    const heads = new Map<number, number>()
    for (const { partition, sequence } of this.#all) {
      heads.set(partition, Math.max(sequence, heads.get(partition) ?? 0))
    }
    return heads
  }

  clear(): void {
    this.#all = []
    this.#bySequence.clear()
    this.#byWindow.clear()
    this.#version++
  }

  #trim(): void {
    const dropped = this.#all.slice(0, -this.#max)
    this.#all = this.#all.slice(-this.#max)
    for (const { partition, sequence, window } of dropped) {
      this.#bySequence.get(partition)?.delete(sequence)
      if (window !== null) this.#byWindow.get(partition)?.delete(window.start)
    }
  }
}

function isChangedBy(start: EpochMs, { changed, isPromotion }: IndexedCertificate): boolean {
  if (!isPromotion) return changed.includes(start)
  return start >= (changed[0] ?? Infinity) && start <= (changed.at(-1) ?? -Infinity)
}

function mapIn<V>(maps: Map<number, Map<number, V>>, key: number): Map<number, V> {
  const found = maps.get(key) ?? new Map<number, V>()
  maps.set(key, found)
  return found
}

function inShort(certificate: Certificate, at: LineAt): IndexedCertificate {
  const { partition, sequence, digest, previous, window, reason, vmWindows, expected, received } = certificate
  const { missingCount, counts, amended, promoted } = certificate
  return {
    ...{ partition, sequence, digest, previous, window, reason, vmWindows, expected, received, missingCount, counts },
    changed:
      promoted === undefined ? amended.map((one) => one.window) : [promoted.windows.first, promoted.windows.last],
    changedVmWindows:
      promoted === undefined ? amended.reduce((sum, one) => sum + one.vmWindows, 0) : promoted.vmWindows,
    isPromotion: promoted !== undefined,
    at,
  }
}
