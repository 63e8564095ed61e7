/**
 * Certificates: what a commit that closes or amends windows says of itself, to be compared with the topic. They are chained
 * in each partition, so that none can be left out, added or changed unseen. docs/reference/certificates.md says what each member means.
 *
 * Nothing that the digest covers depends on how the work was done (epoch, attempt, commit number, checkpoints, batches) or
 * on what the job is called: whoever reads the same records by the same rules comes to the same digests.
 */
import type { CloseReason, CloseTrigger, Forced } from './closing.ts'
import type { FateCounts } from './fate.ts'
import { canonicalJson } from './json.ts'
import type { EpochMs } from './point.ts'
import type { SeqRanges } from './seq-ranges.ts'

export const CERTIFICATE_FORMAT = 1

/** Points of a window: how many, and their digest in whatever order (point-digest.ts). */
export interface PointsProof {
  readonly count: number
  readonly digest: string
}

/** Ranges of seqs of one producer of one VM, both ends included. */
export interface ProducerRanges {
  readonly vmId: string
  readonly producer: string
  readonly ranges: SeqRanges
}

/** A closed window that the commit amended, as it is now. */
export interface AmendedProof {
  readonly window: EpochMs
  /** VM windows that took in late points or late manifests, or follow from a VM state that changed: so many new revisions. */
  readonly vmWindows: number
  readonly points: PointsProof
  readonly reason: CloseReason
}

/** A promotion of what a replay found: results that the commit publishes in the place of others. */
export interface PromotedProof {
  readonly who: string
  readonly why: string
  /** Name of the replay. */
  readonly replay: string
  /** Starts of the first and the last window that has a new revision by it. */
  readonly windows: { readonly first: EpochMs; readonly last: EpochMs }
  /** New revisions: as the replay has them, and of later windows that follow from a VM state that changed. */
  readonly vmWindows: number
  readonly following: number
}

export interface Certificate {
  readonly format: typeof CERTIFICATE_FORMAT
  readonly job: string
  readonly partition: number
  /** 1, 2, 3… in this partition. */
  readonly sequence: number
  /** `null`: the commit amends and closes nothing. */
  readonly window: { readonly start: EpochMs; readonly end: EpochMs } | null
  readonly trigger: CloseTrigger | null
  /** Weakest of the window's VM windows. */
  readonly reason: CloseReason | null
  /** Without the id of the request, which is drawn at random. */
  readonly forced: Omit<Forced, 'request'> | null
  /**
   * Records since the certificate before: `first` is the offset after that one's `last`, `last` that of the last record in
   * the cut. No records: `last` is `first` - 1.
   */
  readonly offsets: { readonly first: number; readonly last: number }
  /** Since the job's first record, at the cut. */
  readonly counts: FateCounts
  readonly watermark: EpochMs | null
  readonly vmWindows: number
  readonly vmWindowsByReason: { readonly [reason: string]: number }
  /** `null`: it is not known of some VM window. */
  readonly expected: number | null
  readonly received: number
  /** The first of them, by VM and producer; `missingCount` tells all. */
  readonly missing: readonly ProducerRanges[]
  readonly missingCount: number
  readonly unexpected: readonly ProducerRanges[]
  readonly unexpectedCount: number
  readonly points: PointsProof
  readonly amended: readonly AmendedProof[]
  /** Only there where the commit promotes; it closes and amends nothing then. */
  readonly promoted?: PromotedProof
  /** What the commit publishes: lines, and SHA-256 over them sorted by (windowStart, vmId), each with its line end. */
  readonly results: { readonly count: number; readonly digest: string }
  /** Digest of the certificate before; '' in the first. */
  readonly previous: string
  /** SHA-256 (base64url) of `digestedText`. */
  readonly digest: string
}

/** What the digest of a certificate is made of: the canonical JSON of all its members but `job` and `digest`. */
export function digestedText(certificate: Omit<Certificate, 'digest'> & { readonly digest?: string }): string {
  const { job: _job, digest: _digest, ...digested } = certificate
  return canonicalJson(digested)
}
