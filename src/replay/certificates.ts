/**
 * Files of this folder: beginning.ts, where a replay begins; range.ts, which certificates it covers; published.ts, what the
 * job has published; difference.ts compares results; promotion.ts asks the owner to promote; and this file:
 *
 * Compares the certificates of a job with those of its replay. A replay promotes nothing, so the two chains differ after
 * a promotion. The comparison therefore covers what certificates say about windows, and not how they are linked. Pure.
 */
import type { Certificate } from '../core/certificate.ts'
import { canonicalJson } from '../core/json.ts'
import type { EpochMs } from '../core/point.ts'

/** Counts those that closed one of these windows. */
export function compareCertificates(
  live: readonly Certificate[],
  replay: readonly Certificate[],
  windows: ReadonlySet<EpochMs>,
): { readonly compared: number; readonly equal: number } {
  const replayed = new Map(replay.map((one) => [`${one.partition} ${one.sequence}`, one]))
  /** Promotions so far, by partition. */
  const promotions = new Map<number, Certificate[]>()
  let compared = 0
  let equal = 0
  for (const one of [...live].sort((a, b) => a.partition - b.partition || a.sequence - b.sequence)) {
    const before = promotions.get(one.partition) ?? []
    promotions.set(one.partition, before)
    if (one.promoted !== undefined) before.push(one)
    else if (one.window !== null && windows.has(one.window.start)) {
      compared++
      const other = replayed.get(`${one.partition} ${one.sequence - before.length}`)
      if (other !== undefined && areSame(one, other, before)) equal++
    }
  }
  return { compared, equal }
}

function areSame(live: Certificate, replay: Certificate, promotions: readonly Certificate[]): boolean {
  if (promotions.length === 0) return live.digest === replay.digest
  // New revisions of windows that were promoted count on from there.
  const isRenumbered = live.amended.some(({ window }) =>
    promotions.some(
      ({ promoted }) => promoted !== undefined && window >= promoted.windows.first && window <= promoted.windows.last,
    ),
  )
  return comparableText(live, isRenumbered) === comparableText(replay, isRenumbered)
}

/**
 * The contents of a certificate to compare. They exclude its position in the chain, the offset at which it begins (an
 * earlier promotion may have included records) and, if results were renumbered, their digest.
 */
function comparableText(certificate: Certificate, isRenumbered: boolean): string {
  const { job: _job, sequence: _sequence, previous: _previous, digest: _digest, ...rest } = certificate
  const { offsets, results, ...said } = rest
  const digest = isRenumbered ? '' : results.digest
  return canonicalJson({ ...said, last: offsets.last, results: { count: results.count, digest } })
}
