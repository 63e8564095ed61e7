/**
 * A digest of the points of a VM window that does not depend on their order. Digests can be added, for late points and over
 * VMs. Each point is hashed to 128 bits, and the hashes are added: each of the four lanes of 32 bits modulo 2^32. (This is a
 * multiset hash as in Clarke et al., "Incremental multiset hash functions and their application to memory integrity
 * checking", 2003, but with a fast, not a cryptographic hash. It detects lost, doubled and changed points, but not forgery.)
 *
 *   point = M( T(vmId) ‖ T(producer) ‖ T(metric) ‖ f64(timestamp) ‖ f64(seq, or -1 without one) ‖ f64(value) )
 *   T(text) = M(UTF-8 of text)           f64: IEEE 754, little endian, -0 counts as 0
 *   M = MurmurHash3_x86_128 (A. Appleby), seed 0; its result is four words, each little endian
 *
 * docs/reference/certificates.md specifies it for readers of certificates. The fold computes it for every point, so the hash
 * state of the texts is cached between points, and nothing is allocated.
 */
import type { DataPoint } from './point.ts'
import type { PointRun } from './point-run.ts'

const C1 = 0x239b961b
const C2 = 0xab0e9789 | 0
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93 | 0
/** Number of hashed bytes per point. */
const POINT_BYTES = 72
const NO_SEQ = -1

/** Doubles and their words: little endian, as on all machines that Node.js supports. */
const doubles = new Float64Array(3)
const words = new Int32Array(doubles.buffer)
const encoder = new TextEncoder()

/** The state of M, changed in place: integers of 32 bits, which are stored without an object each. */
class Lanes {
  h1 = 0
  h2 = 0
  h3 = 0
  h4 = 0

  /** One block of M's body. */
  block(k1: number, k2: number, k3: number, k4: number): void {
    const h1 = this.h1 ^ scramble(k1, C1, 15, C2)
    this.h1 = (Math.imul((((h1 << 19) | (h1 >>> 13)) + this.h2) | 0, 5) + 0x561ccd1b) | 0
    const h2 = this.h2 ^ scramble(k2, C2, 16, C3)
    this.h2 = (Math.imul((((h2 << 17) | (h2 >>> 15)) + this.h3) | 0, 5) + 0x0bcaa747) | 0
    const h3 = this.h3 ^ scramble(k3, C3, 17, C4)
    this.h3 = (Math.imul((((h3 << 15) | (h3 >>> 17)) + this.h4) | 0, 5) + 0x96cd1c35) | 0
    const h4 = this.h4 ^ scramble(k4, C4, 18, C1)
    this.h4 = (Math.imul((((h4 << 13) | (h4 >>> 19)) + this.h1) | 0, 5) + 0x32ac3b17) | 0
  }

  blockOf({ h1, h2, h3, h4 }: Lanes): void {
    this.block(h1, h2, h3, h4)
  }

  /** M's last part. A word of the tail that is not there is 0, which changes nothing. */
  finish(k1: number, k2: number, k3: number, k4: number, length: number): void {
    let h1 = this.h1 ^ scramble(k1, C1, 15, C2) ^ length
    let h2 = this.h2 ^ scramble(k2, C2, 16, C3) ^ length
    let h3 = this.h3 ^ scramble(k3, C3, 17, C4) ^ length
    let h4 = this.h4 ^ scramble(k4, C4, 18, C1) ^ length
    h1 = (h1 + h2 + h3 + h4) | 0
    h2 = avalanche((h2 + h1) | 0)
    h3 = avalanche((h3 + h1) | 0)
    h4 = avalanche((h4 + h1) | 0)
    h1 = (avalanche(h1) + h2 + h3 + h4) | 0
    this.h1 = h1
    this.h2 = (h2 + h1) | 0
    this.h3 = (h3 + h1) | 0
    this.h4 = (h4 + h1) | 0
  }

  set(other: Lanes): void {
    this.h1 = other.h1
    this.h2 = other.h2
    this.h3 = other.h3
    this.h4 = other.h4
  }

  addLanes(other: Lanes): void {
    this.h1 = (this.h1 + other.h1) | 0
    this.h2 = (this.h2 + other.h2) | 0
    this.h3 = (this.h3 + other.h3) | 0
    this.h4 = (this.h4 + other.h4) | 0
  }
}

/** What is worked on. Nothing of it outlives a call. */
const scratch = new Lanes()

/** Its own lanes are the sum. */
export class PointDigest extends Lanes {
  /** State of M after the vmId, from the second change of the texts on: most VMs have one. */
  #vm: Lanes | null = null
  /** State of M after the texts of the point before, which are nearly always those of the next one. */
  readonly #texts = new Lanes()
  #producer = ''
  /** `null` before the first point. */
  #metric: string | null = null

  /** All points of one digest are of the same VM. */
  add(point: DataPoint): void {
    this.#begin(point)
    this.#addContent(point.timestamp, point.seq ?? NO_SEQ, point.value)
  }

  addRun(run: PointRun): void {
    this.#begin(run)
    const { firstSeq, count, timestamps, values } = run
    for (let i = 0; i < count; i++) this.#addContent(timestamps[i] as number, firstSeq + i, values[i] as number)
  }

  #addContent(timestamp: number, seq: number, value: number): void {
    // Adding 0 turns -0 into 0.
    doubles[0] = timestamp + 0
    doubles[1] = seq + 0
    doubles[2] = value + 0
    scratch.set(this.#texts)
    scratch.block(words[0] as number, words[1] as number, words[2] as number, words[3] as number)
    scratch.finish(words[4] as number, words[5] as number, 0, 0, POINT_BYTES)
    this.addLanes(scratch)
  }

  /** Adds the points of another digest. */
  merge(other: PointDigest): void {
    this.addLanes(other)
  }

  #begin({ vmId, producer, metric }: Pick<DataPoint, 'vmId' | 'producer' | 'metric'>): void {
    if (metric === this.#metric && producer === this.#producer) return
    let vm = this.#vm
    if (vm === null) {
      vm = new Lanes()
      vm.blockOf(murmur3(encoder.encode(vmId)))
      if (this.#metric !== null) this.#vm = vm
    }
    this.#texts.set(vm)
    this.#texts.blockOf(hashOf(producer))
    this.#texts.blockOf(hashOf(metric))
    this.#producer = producer
    this.#metric = metric
  }

  /** 32 hexadecimal digits: the four lanes in order. Of no points: 32 zeros. */
  encode(): string {
    const { h1, h2, h3, h4 } = this
    return [h1, h2, h3, h4].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('')
  }

  static decode(text: string): PointDigest {
    const digest = new PointDigest()
    const lane = (index: number): number => parseInt(text.slice(index * 8, index * 8 + 8), 16) | 0
    digest.h1 = lane(0)
    digest.h2 = lane(1)
    digest.h3 = lane(2)
    digest.h4 = lane(3)
    return digest
  }
}

/** A job has few producers' names and metrics; where it has many, they are hashed again. */
const MAX_REMEMBERED_TEXTS = 1_000
const remembered = new Map<string, Lanes>()

function hashOf(text: string): Lanes {
  const known = remembered.get(text)
  if (known !== undefined) return known
  if (remembered.size >= MAX_REMEMBERED_TEXTS) remembered.clear()
  const hash = murmur3(encoder.encode(text))
  remembered.set(text, hash)
  return hash
}

/** M of any bytes. */
function murmur3(bytes: Uint8Array): Lanes {
  const lanes = new Lanes()
  const padded = new Uint8Array(Math.ceil(bytes.length / 16) * 16)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  const word = (at: number): number => (at < padded.length ? view.getInt32(at, true) : 0)
  const tail = bytes.length & ~15
  for (let at = 0; at < tail; at += 16) lanes.block(word(at), word(at + 4), word(at + 8), word(at + 12))
  lanes.finish(word(tail), word(tail + 4), word(tail + 8), word(tail + 12), bytes.length)
  return lanes
}

function scramble(k: number, a: number, rotation: number, b: number): number {
  const product = Math.imul(k, a)
  return Math.imul((product << rotation) | (product >>> (32 - rotation)), b)
}

/** MurmurHash3's `fmix32`: every bit of the input changes every bit of the result. */
function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
