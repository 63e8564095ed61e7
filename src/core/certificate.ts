/**
 * Certificates: a commit that closes or amends windows publishes one, to be checked against the topic. The certificates of a
 * partition form a chain, so that a removed, added or changed one is detected. docs/reference/certificates.md specifies them.
 *
 * Nothing that the digest covers depends on how the work was done (epoch, attempt, commit number, checkpoints, batches) or
 * on the name of the job: the same records and rules always give the same digests.
 */
import type { CloseReason, CloseTrigger, Forced } from './closing.ts'
import type { FateCounts } from './fate.ts'
import { canonicalJson } from './json.ts'
import type { EpochMs } from './point.ts'
import type { SeqRanges } from './seq-ranges.ts'

export const CERTIFICATE_FORMAT = 1

/** Number of the points of a window, and their digest, which does not depend on their order (point-digest.ts). */
export interface PointsProof {
  readonly count: number
  readonly digest: string
}

/** Ranges of seqs of one producer of one VM; both ends are inclusive. */
export interface ProducerRanges {
  readonly vmId: string
  readonly producer: string
  readonly ranges: SeqRanges
}

/** A closed window that the commit amended, as it is now. */
export interface AmendedProof {
  readonly window: EpochMs
  /** Number of new revisions: VM windows with late points or manifests, and those whose prior state changed. */
  readonly vmWindows: number
  readonly points: PointsProof
  readonly reason: CloseReason
}

/** A promotion: the commit publishes results of a replay instead of earlier ones. */
export interface PromotedProof {
  readonly who: string
  readonly why: string
  /** Name of the replay. */
  readonly replay: string
  /** Starts of the first and the last window with a new revision. */
  readonly windows: { readonly first: EpochMs; readonly last: EpochMs }
  /** Number of new revisions: those of the replay, and those of later windows whose prior state changed. */
  readonly vmWindows: number
  readonly following: number
}

export interface Certificate {
  readonly format: typeof CERTIFICATE_FORMAT
  readonly job: string
  readonly partition: number
  /** 1, 2, 3… in this partition. */
  readonly sequence: number
  /** `null` if the commit closes no window and only amends. */
  readonly window: { readonly start: EpochMs; readonly end: EpochMs } | null
  readonly trigger: CloseTrigger | null
  /** The weakest close reason of the window's VM windows. */
  readonly reason: CloseReason | null
  /** Without the id of the request, which is drawn at random. */
  readonly forced: Omit<Forced, 'request'> | null
  /**
   * Records since the certificate before: `first` is the offset after that one's `last`, `last` that of the last record in
   * the cut. No records: `last` is `first` - 1.
   */
  readonly offsets: { readonly first: number; readonly last: number }
  /** Counts at the cut, since the job's first record. */
  readonly counts: FateCounts
  readonly watermark: EpochMs | null
  readonly vmWindows: number
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  /** `null` if it is unknown for some VM window. */
  readonly expected: number | null
  readonly received: number
  /** The first missing ranges, by VM and producer; `missingCount` counts all missing points. */
  readonly missing: readonly ProducerRanges[]
  readonly missingCount: number
  readonly unexpected: readonly ProducerRanges[]
  readonly unexpectedCount: number
  readonly points: PointsProof
  readonly amended: readonly AmendedProof[]
  /** Present only if the commit is a promotion, which closes and amends nothing. */
  readonly promoted?: PromotedProof
  /** The published results: number of lines, and SHA-256 of the lines sorted by (windowStart, vmId), each with its newline. */
  readonly results: { readonly count: number; readonly digest: string }
  /** Digest of the certificate before; '' in the first. */
  readonly previous: string
  /** SHA-256 (base64url) of `digestedText`. */
  readonly digest: string
}

/** The input of the digest of a certificate: the canonical JSON of all members except `job` and `digest`. */
export function digestedText(certificate: Omit<Certificate, 'digest'> & { readonly digest?: string }): string {
  const { job: _job, digest: _digest, ...digested } = certificate
  return canonicalJson(digested)
}
