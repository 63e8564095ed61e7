/**
 * What a certificate says of a window that closed: its VM windows added up, VM by VM as they come. Lists of seqs have a bound
 * in bytes, since ids may be long; the counts beside them are of all.
 */
import type { PointsProof, ProducerRanges } from './certificate.ts'
import type { VmWindowResult } from './close-vm-window.ts'
import { weakest, type CloseReason } from './closing.ts'
import { canonicalJson } from './json.ts'
import { PointDigest } from './point-digest.ts'
import type { SeqRange } from './seq-ranges.ts'
import { decodeProducers, type EncodedVmWindow } from './vm-window.ts'
import type { Windowing } from './windowing.ts'

/** Ranges of one producer that a certificate lists at most. */
const MAX_RANGES = 100
/** UTF-16 units of JSON that each list takes at most. */
const MAX_LIST_CHARS = 16 * 1024

export const NO_POINTS: PointsProof = { count: 0, digest: new PointDigest().encode() }

export class WindowProof {
  vmWindows = 0
  received = 0
  expected: number | null = 0
  /** Of no VM windows at all: `complete`. */
  reason: CloseReason = 'complete'
  readonly vmWindowsByReason: { [reason: string]: number } = {}
  readonly missing = new CappedList()
  readonly unexpected = new CappedList()
  readonly #points = new PointDigest()
  readonly #rules: Windowing

  constructor(rules: Windowing) {
    this.#rules = rules
  }

  get points(): PointsProof {
    return { count: this.received, digest: this.#points.encode() }
  }

  add(window: EncodedVmWindow, { expected, received, reason, missingCount }: VmWindowResult): void {
    this.vmWindows++
    this.received += received
    this.expected = this.expected === null || expected === null ? null : this.expected + expected
    this.reason = weakest(this.reason, reason)
    this.vmWindowsByReason[reason] = (this.vmWindowsByReason[reason] ?? 0) + 1
    this.#points.merge(PointDigest.decode(window.points))
    this.missing.total += missingCount
    for (const [producer, sent] of decodeProducers(window, this.#rules)) {
      const place = { vmId: window.vmId, producer }
      this.missing.list(place, sent.missing(MAX_RANGES).ranges)
      const outside = sent.unexpected(MAX_RANGES)
      this.unexpected.total += outside.total
      this.unexpected.list(place, outside.ranges)
    }
  }
}

class CappedList {
  total = 0
  readonly entries: ProducerRanges[] = []
  #chars = 0

  list(place: Omit<ProducerRanges, 'ranges'>, ranges: readonly SeqRange[]): void {
    if (ranges.length === 0 || this.#chars > MAX_LIST_CHARS) return
    const entry: ProducerRanges = { ...place, ranges }
    this.#chars += canonicalJson(entry).length
    // Once one does not fit, none after it is listed: what is listed is the first of all.
    if (this.#chars <= MAX_LIST_CHARS) this.entries.push(entry)
  }
}

/** The points of two disjoint parts of a window. */
export function addPoints(a: PointsProof, b: PointsProof): PointsProof {
  const digest = PointDigest.decode(a.digest)
  digest.merge(PointDigest.decode(b.digest))
  return { count: a.count + b.count, digest: digest.encode() }
}
