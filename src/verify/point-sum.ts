/**
 * The order-independent digest of a set of points, as specified in docs/reference/certificates.md ("The digest of points"):
 * the 128-bit hashes of the points, added lane by lane modulo 2^32. Like this whole folder, it is written for `verify` only.
 */
import type { DataPoint } from '../core/point.ts'
import { murmur128, murmur128OfText, type Hash128 } from './murmur3.ts'

/** T(vmId), T(producer), T(metric): 16 bytes each; timestamp, seq, value: 8 bytes each. */
const POINT_BYTES = 72
const NO_SEQ = -1

/** Little endian, as on all machines that Node.js supports. */
const words = new Uint32Array(POINT_BYTES / 4)
const doubles = new Float64Array(words.buffer, 48)

/** Texts repeat, so their hashes are cached; the bound limits the memory. */
const MAX_KNOWN_TEXTS = 200_000
const known = new Map<string, Hash128>()

function hashOfText(text: string): Hash128 {
  const found = known.get(text)
  if (found !== undefined) return found
  if (known.size >= MAX_KNOWN_TEXTS) known.clear()
  const hash = murmur128OfText(text)
  known.set(text, hash)
  return hash
}

export class PointSum {
  readonly #lanes = new Uint32Array(4)

  add({ vmId, producer, metric, timestamp, seq, value }: DataPoint): void {
    words.set(hashOfText(vmId), 0)
    words.set(hashOfText(producer), 4)
    words.set(hashOfText(metric), 8)
    // Adding 0 turns -0 into 0.
    doubles[0] = timestamp + 0
    doubles[1] = (seq ?? NO_SEQ) + 0
    doubles[2] = value + 0
    const hash = murmur128(words, POINT_BYTES)
    // Stored modulo 2^32.
    for (let i = 0; i < 4; i++) this.#lanes[i] = (this.#lanes[i] as number) + (hash[i] as number)
  }

  merge(other: PointSum): void {
    for (let i = 0; i < 4; i++) this.#lanes[i] = (this.#lanes[i] as number) + (other.#lanes[i] as number)
  }

  /** Adds a set of other points, given by its digest. */
  addText(digest: string): void {
    for (let i = 0; i < 4; i++)
      this.#lanes[i] = (this.#lanes[i] as number) + Number.parseInt(digest.slice(8 * i, 8 * i + 8), 16)
  }

  /** The digest in the format of certificates. */
  text(): string {
    return [...this.#lanes].map((lane) => lane.toString(16).padStart(8, '0')).join('')
  }
}
