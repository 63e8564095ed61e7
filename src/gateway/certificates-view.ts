/** The newest certificates by partition and window, in memory. Pure; certificates are added in the order of their topic. */
import type { Certificate } from '../core/certificate.ts'
import type { EpochMs } from '../core/point.ts'

export class CertificatesView {
  readonly #maxPerPartition: number
  /** The latest certificate of each window, in order of arrival. */
  readonly #partitions = new Map<number, Map<EpochMs, Certificate>>()

  constructor(maxPerPartition: number) {
    this.#maxPerPartition = maxPerPartition
  }

  add(certificate: Certificate): void {
    // A certificate that only amends earlier windows does not certify a window of its own.
    if (certificate.window === null) return
    const kept = this.#partitions.get(certificate.partition) ?? new Map<EpochMs, Certificate>()
    this.#partitions.set(certificate.partition, kept)
    kept.delete(certificate.window.start)
    kept.set(certificate.window.start, certificate)
    if (kept.size > this.#maxPerPartition) kept.delete(kept.keys().next().value as EpochMs)
  }

  of(partition: number, windowStart: EpochMs): Certificate | null {
    return this.#partitions.get(partition)?.get(windowStart) ?? null
  }
}
