/** Makes the certificate of a commit from its plan and from what the activity `aggregate` computed. */
import { createHash, type Hash } from 'node:crypto'
import { CERTIFICATE_FORMAT, type AmendedProof, type Certificate, type PromotedProof } from '../../core/certificate.ts'
import { NO_POINTS, type WindowProof } from '../../core/window-proof.ts'
import { pagesOf, writePages } from '../../ledger/chunks.ts'
import type { CertificateHead } from '../../ledger/ledger.ts'
import { sealCertificate } from '../../ledger/seal-certificate.ts'
import type { StateStore } from '../../ports/index.ts'
import type { CertifiedOutcome, CommitPlan } from '../plan.ts'

/** SHA-256 over the lines that a commit publishes, in the order of publishing. */
export class ResultsDigest {
  count = 0
  readonly #hash: Hash = createHash('sha256')

  /** `line`: a result as it is published. */
  add(line: string): void {
    this.count++
    this.#hash.update(`${line}\n`, 'utf8')
  }

  /** May be called once, after the last line. */
  end(): string {
    return this.#hash.digest('base64url')
  }
}

/** What a certificate takes from the plan of its commit. */
export type CertifiedCut = Pick<CommitPlan, 'owner' | 'certified' | 'close' | 'lastRecord' | 'counts' | 'watermark'>

/** Pure, so an activity that runs twice makes the same certificate. */
export function certificateOf(
  plan: CertifiedCut,
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

/** The certificate as the head of the chain. */
export function headOf({ sequence, digest, offsets }: Certificate): CertificateHead {
  return { sequence, digest, through: offsets.last }
}

/** Stores the certificate as the page of this number, and returns it as the new head of the chain. */
export async function writeCertificate(
  store: StateStore,
  attempt: string,
  certificate: Certificate,
  page = 0,
): Promise<CertifiedOutcome> {
  const set = await writePages(store, attempt, pagesOf('certificate', [certificate]), page)
  return { set, head: headOf(certificate) }
}
