/** One producer's share of a VM window: which seqs came, which were promised. */
import type { Json } from './json.ts'
import { addRange, totalCount, unite, type SeqRanges } from './seq-ranges.ts'
import { SeqSet } from './seq-set.ts'

/** A producer sends one manifest a window; whoever promises scattered seqs one by one must not fill a store's value (I8). */
export const MAX_PROMISED_RANGES = 100

export class ProducerWindow {
  readonly seqs: SeqSet
  /** Points without a seq: counted, never deduplicated. */
  unsequenced = 0
  /** What manifests promised; `null` while none came. */
  expected: SeqRanges | null = null
  /** A manifest said that the producer leaves after this window. */
  leaves = false
  #expectedCount: number
  #receivedOfExpected = 0
  readonly #cadenceCount: number | null

  /** `cadenceCount`: points a producer sends in every window, where that is known without manifests. */
  constructor(seqs: SeqSet, cadenceCount: number | null) {
    this.seqs = seqs
    this.#cadenceCount = cadenceCount
    this.#expectedCount = cadenceCount ?? 0
  }

  add(seq: number): 'added' | 'duplicate' | 'beyond-span' {
    const outcome = this.seqs.add(seq)
    if (outcome === 'added' && this.expected !== null && isWithin(this.expected, seq)) this.#receivedOfExpected++
    return outcome
  }

  /** Whether a manifest's range would leave too many ranges that do not touch. */
  refusesPromise(firstSeq: number, count: number): boolean {
    return this.expected !== null && addRange(this.expected, firstSeq, count).length > MAX_PROMISED_RANGES
  }

  /** Whether a manifest says something that was not promised before. */
  isNewPromise(firstSeq: number, count: number): boolean {
    if (this.expected === null) return true
    const last = firstSeq + count - 1
    return count > 0 && !this.expected.some((range) => firstSeq >= range[0] && last <= range[1])
  }

  /** Takes in all that `other` received and promised; they share no point. */
  unite(other: ProducerWindow): void {
    this.seqs.union(other.seqs)
    this.unsequenced += other.unsequenced
    this.leaves ||= other.leaves
    if (other.expected !== null) this.expected = unite(this.expected ?? [], other.expected)
    if (this.expected !== null) this.#recount()
  }

  /** One that may be changed without changing this. */
  copy(): ProducerWindow {
    return ProducerWindow.decode(this.encode(), this.seqs.maxSpan, this.#cadenceCount)
  }

  /** Unites a manifest's range with what was promised before. */
  promise(firstSeq: number, count: number, last: boolean): void {
    this.expected = addRange(this.expected ?? [], firstSeq, count)
    this.leaves ||= last
    this.#recount()
  }

  /** Whether all that was promised is here. Without a promise nothing is ever complete. */
  get isComplete(): boolean {
    if (this.expected !== null) return this.#receivedOfExpected === this.#expectedCount
    return this.#cadenceCount !== null && this.seqs.size >= this.#cadenceCount
  }

  /** `null`: unknown. */
  get expectedCount(): number | null {
    return this.expected === null && this.#cadenceCount === null ? null : this.#expectedCount
  }

  get receivedCount(): number {
    return this.seqs.size + this.unsequenced
  }

  #recount(): void {
    const expected = this.expected as SeqRanges
    this.#expectedCount = totalCount(expected)
    this.#receivedOfExpected = 0
    for (const [first, last] of expected) this.#receivedOfExpected += this.seqs.countWithin(first, last - first + 1)
  }

  encode(): Json {
    return [this.seqs.encode(), this.unsequenced, this.expected, this.leaves]
  }

  static decode(json: Json, maxSeqSpan: number, cadenceCount: number | null): ProducerWindow {
    const [seqs, unsequenced, expected, leaves] = json as [Json, number, SeqRanges | null, boolean]
    const window = new ProducerWindow(SeqSet.decode(seqs, maxSeqSpan), cadenceCount)
    window.unsequenced = unsequenced
    window.leaves = leaves
    if (expected !== null) {
      window.expected = expected
      window.#recount()
    }
    return window
  }
}

function isWithin(ranges: SeqRanges, seq: number): boolean {
  for (const [first, last] of ranges) if (seq >= first && seq <= last) return true
  return false
}
