/** Makes the certificate of a commit from its plan, and from what aggregating came to. */
import { createHash, type Hash } from 'node:crypto'
import { CERTIFICATE_FORMAT, type AmendedProof, type Certificate, type PromotedProof } from '../../core/certificate.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { NO_POINTS, type WindowProof } from '../../core/window-proof.ts'
import { writePages, type ChunkSet } from '../../ledger/chunks.ts'
import type { CertificateHead } from '../../ledger/ledger.ts'
import { sealCertificate } from '../../ledger/seal-certificate.ts'
import type { StateStore } from '../../ports/index.ts'
import type { CommitPlan } from '../plan.ts'

/** Digest over the lines that a commit publishes, in their order. */
export class ResultsDigest {
  count = 0
  readonly #hash: Hash = createHash('sha256')

  /** A result as it is published. */
  add(line: string): void {
    this.count++
    this.#hash.update(`${line}\n`, 'utf8')
  }

  /** Once, at the end. */
  end(): string {
    return this.#hash.digest('base64url')
  }
}

/** Pure: the same plan and proofs make the same certificate. */
export function certificateOf(
  plan: CommitPlan,
  proof: WindowProof,
  amended: readonly AmendedProof[],
  results: Certificate['results'],
  promoted?: PromotedProof,
): Certificate {
  const { close, certified, owner } = plan
  return sealCertificate({
    format: CERTIFICATE_FORMAT,
    job: owner.job,
    partition: owner.partition,
    sequence: certified.sequence + 1,
    window: close && { start: close.windowStart, end: close.windowEnd },
    trigger: close && close.trigger,
    reason: close && proof.reason,
    forced: close === null || close.forced === null ? null : { who: close.forced.who, why: close.forced.why },
    offsets: { first: certified.through + 1, last: plan.lastRecord },
    counts: plan.counts,
    watermark: plan.watermark,
    vmWindows: proof.vmWindows,
    vmWindowsByReason: proof.vmWindowsByReason,
    expected: close && proof.expected,
    received: proof.received,
    missing: proof.missing.entries,
    missingCount: proof.missing.total,
    unexpected: proof.unexpected.entries,
    unexpectedCount: proof.unexpected.total,
    points: close === null ? NO_POINTS : proof.points,
    amended,
    ...(promoted === undefined ? {} : { promoted }),
    results,
    previous: certified.digest,
  })
}

/** Stores the certificate for publishing, and as the head of the chain. */
export async function writeCertificate(
  store: StateStore,
  attempt: string,
  certificate: Certificate,
): Promise<{ readonly set: ChunkSet; readonly head: CertificateHead }> {
  const { sequence, digest, offsets } = certificate
  const set = await writePages(store, attempt, 'certificate', [canonicalJson(certificate as unknown as Json)])
  return { set, head: { sequence, digest, through: offsets.last } }
}
