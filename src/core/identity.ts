/**
 * What an open or remembered VM window knows of the points of one producer, so that an equal record is a duplicate and a
 * different record under a used identity is a conflict.
 *
 * The identity of a point is (VM window, producer, seq, metric); its content is (timestamp, value). Each accepted point
 * costs eight bytes: the offset of its record, relative to the producer's first one in the window, and a check of 32 bits
 * over its content. Both are the two words of one double, so that plain arrays of doubles hold them. A second metric under a
 * seq is in a layer of that metric. The arrays are short pages, so memory follows the number of points and not the distance
 * between their seqs.
 */
import { base64Of, bytesOfBase64 } from './base64.ts'
import { roomFor, VACANT } from './double-array.ts'
import type { Json } from './json.ts'
import type { PointRun } from './point-run.ts'
import { SeqSet } from './seq-set.ts'

/** The record that holds an identity. */
export interface Holder {
  /** `null`: too far behind the first record of the VM window to be kept. */
  readonly offset: number | null
  readonly check: number
}

/** Added to the high word, so that the double is a normal one: processors are slow with denormal ones. */
const BIAS = 0x00100000
/** Offsets from here on are kept as this: a double with a larger high word may be no number. */
const MAX_RELATIVE = 0x7fe00000 - BIAS
/** Seqs per page of a layer. */
const PAGE_SEQS = 32
/** Places of a first page: the next points mostly come in a run, and the page grows by as many as they are. */
const FIRST_PLACES = 2

const content = new Float64Array(2)
const words = new Uint32Array(content.buffer)

/**
 * 32 bits over the content of a point, as a signed number, which engines pass on without an object. -0 counts as 0, since
 * both have the same text.
 */
export function contentCheck(timestamp: number, value: number): number {
  content[0] = timestamp + 0
  content[1] = value + 0
  let h = Math.imul(words[0] as number, 0xcc9e2d51)
  h = Math.imul(((h << 15) | (h >>> 17)) ^ (words[1] as number), 0x85ebca6b)
  h = Math.imul(((h << 13) | (h >>> 19)) ^ (words[2] as number), 0x1b873593)
  h = Math.imul(((h << 15) | (h >>> 17)) ^ (words[3] as number), 0xc2b2ae35)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  return h ^ (h >>> 13)
}

/** The check of a point without a reading. No accepted value is so large. */
export function noReadingCheck(timestamp: number): number {
  return contentCheck(timestamp, Number.MAX_VALUE)
}

function pack(relative: number, check: number): number {
  words[1] = Math.min(relative, MAX_RELATIVE) + BIAS
  words[0] = check
  return content[0] as number
}

function relativeOf(packed: number): number {
  content[0] = packed
  return (words[1] as number) - BIAS
}

function checkOf(packed: number): number {
  content[0] = packed
  return (words[0] as number) | 0
}

/** Places of a slab: 32 kB, which the garbage collector neither copies nor scans. */
const SLAB_PLACES = 4096
/** The slab that pages are cut from. It lives as long as any of its pages; pages of one time are mostly of the same windows. */
let slab: Float64Array = new Float64Array(0)
let cut = 0

/** A part of a slab, for consecutive seqs. */
interface Page {
  readonly doubles: Float64Array
  readonly from: number
  readonly places: number
}

function newPage(places: number): Page {
  if (cut + places > slab.length) {
    slab = new Float64Array(SLAB_PLACES).fill(VACANT)
    cut = 0
  }
  const page = { doubles: slab, from: cut, places }
  cut += places
  return page
}

function copyOf({ doubles, from, places }: Page, room: number): Page {
  const copy = newPage(room)
  copy.doubles.set(doubles.subarray(from, from + places), copy.from)
  return copy
}

/**
 * Contents by seq, in pages of consecutive seqs, so a layer grows without copying what it has. Points mostly come in order,
 * so the page of the point before is at hand: its members are fields here, which spares the way over its object.
 */
class Layer {
  private doubles: Float64Array = slab
  private from = 0
  private places = 0
  /** Seq of the first place of the page. All pages are a multiple of PAGE_SEQS apart. */
  private start = 0
  /** All pages by their first seq; `null` while there is one at most. */
  private pages: Map<number, Page> | null = null

  get(seq: number): number {
    if (!this.turnTo(seq) || seq - this.start >= this.places) return VACANT
    return this.doubles[this.from + seq - this.start] as number
  }

  /** The common case of `set`: the page at hand has a place for the seq, and it is vacant. */
  fillPlace(seq: number, relative: number, check: number): boolean {
    const place = seq - this.start
    if (place < 0 || place >= this.places || this.doubles[this.from + place] !== VACANT) return false
    this.doubles[this.from + place] = pack(relative, check)
    return true
  }

  set(seq: number, relative: number, check: number): void {
    if (!this.turnTo(seq)) this.addPage(seq)
    else if (seq - this.start >= this.places) this.growPage(Math.min(roomFor(seq - this.start + 1), PAGE_SEQS))
    this.doubles[this.from + seq - this.start] = pack(relative, check)
  }

  /** Takes the page of a seq at hand; `false`: there is none. */
  private turnTo(seq: number): boolean {
    const place = seq - this.start
    if (place >= 0 && place < PAGE_SEQS) return this.places > 0
    const page = this.pages?.get(this.startOf(seq))
    if (page === undefined) return false
    this.start = this.startOf(seq)
    this.take(page)
    return true
  }

  private get page(): Page {
    return { doubles: this.doubles, from: this.from, places: this.places }
  }

  private take({ doubles, from, places }: Page): void {
    this.doubles = doubles
    this.from = from
    this.places = places
  }

  private startOf(seq: number): number {
    return this.start + Math.floor((seq - this.start) / PAGE_SEQS) * PAGE_SEQS
  }

  /** The first page starts with the first seq and has little room, since most windows of few points need no other. */
  private addPage(seq: number): void {
    if (this.places === 0) {
      this.start = seq
      this.take(newPage(FIRST_PLACES))
      return
    }
    this.pages ??= new Map([[this.start, this.page]])
    const page = newPage(PAGE_SEQS)
    this.start = this.startOf(seq)
    this.take(page)
    this.pages.set(this.start, page)
  }

  /** Makes room in the page at hand for so many consecutive seqs that follow, as far as they belong to it. */
  reserve(firstSeq: number, count: number): void {
    const places = Math.min(firstSeq - this.start + count, PAGE_SEQS)
    if (firstSeq - this.start < PAGE_SEQS && places > this.places && this.places > 0) this.growPage(places)
  }

  private growPage(places: number): void {
    const grown = copyOf(this.page, places)
    this.take(grown)
    this.pages?.set(this.start, grown)
  }

  /** Takes over all of another layer; this one is empty. */
  fill(other: Layer): this {
    this.start = other.start
    this.take(copyOf(other.page, other.places))
    if (other.pages === null) return this
    this.pages = new Map([...other.pages].map(([start, page]) => [start, copyOf(page, page.places)]))
    this.take(this.pages.get(this.start) as Page)
    return this
  }
}

/** Points that a row of stored contents holds at most: its text stays far below the size of a page. */
const POINTS_PER_ROW = 4096

const rowWords = new Uint32Array(2 * POINTS_PER_ROW)

/** Contents of one metric of a producer, some of them; a row of the chunk kind `contents` has the VM beside it. */
export interface EncodedContents {
  readonly producer: string
  readonly metric: string
  readonly seqs: Json
  /** Offset of the first record of the producer in the VM window. */
  readonly first: number
  /** Base64 of two words of 32 bits each, little endian, in the order of the seqs: relative offset and check. */
  readonly contents: string
  /** The seqs are timestamps, see time-identity.ts. */
  readonly byTime?: true
}

/** As a layer it holds the first point of each seq, whatever its metric. */
export class Identities extends Layer {
  /** Offset of the first record; -1 before it. */
  private first = -1
  /** Points of further metrics under a seq that has one already. */
  private byMetric: Map<string, Layer> | null = null

  /** Takes in a point that is new. Offsets rise, so no later record is before the first one. */
  add(seq: number, metric: string, offset: number, check: number): void {
    if (this.first < 0) this.first = offset
    this.put(seq, metric, offset - this.first, check)
  }

  /** Takes in the points of a run, whose seqs are new. */
  addRun({ metric, firstSeq, count, timestamps, values, offsets }: PointRun): void {
    this.reserve(firstSeq, count)
    for (let i = 0; i < count; i++) {
      const check = contentCheck(timestamps[i] as number, values[i] as number)
      this.add(firstSeq + i, metric, offsets[i] as number, check)
    }
  }

  private put(seq: number, metric: string, relative: number, check: number): void {
    if (this.fillPlace(seq, relative, check)) return
    if (this.get(seq) === VACANT) {
      this.set(seq, relative, check)
      return
    }
    this.byMetric ??= new Map()
    let layer = this.byMetric.get(metric)
    if (layer === undefined) this.byMetric.set(metric, (layer = new Layer()))
    layer.set(seq, relative, check)
  }

  /** The record that holds an identity, which the caller knows to be used; `null`: its content is not known. */
  holder(seq: number, metric: string): Holder | null {
    const packed = this.packed(seq, metric)
    if (packed === VACANT) return null
    const relative = relativeOf(packed)
    return { offset: relative === MAX_RELATIVE ? null : this.first + relative, check: checkOf(packed) }
  }

  /** Whether a used identity has this content; an identity whose content is not known has any. */
  isSame(seq: number, metric: string, check: number): boolean {
    const packed = this.packed(seq, metric)
    return packed === VACANT || checkOf(packed) === check
  }

  private packed(seq: number, metric: string): number {
    const further = this.byMetric?.get(metric)?.get(seq) ?? VACANT
    return further === VACANT ? this.get(seq) : further
  }

  copy(): Identities {
    const copy = new Identities().fill(this)
    copy.first = this.first
    if (this.byMetric !== null) {
      copy.byMetric = new Map([...this.byMetric].map(([name, layer]) => [name, new Layer().fill(layer)]))
    }
    return copy
  }

  /** The contents of the seqs of a metric, in rows of a bounded size. Seqs whose content is not known are left out. */
  encode(producer: string, metric: string, seqs: SeqSet): EncodedContents[] {
    const rows: EncodedContents[] = []
    let members = new SeqSet(Infinity)
    const flush = (): void => {
      if (members.size === 0) return
      const contents = base64Of(new Uint8Array(rowWords.buffer, 0, 8 * members.size))
      rows.push({ producer, metric, seqs: members.encode(), first: this.first, contents })
      members = new SeqSet(Infinity)
    }
    for (const [first, last] of seqs.ranges()) {
      for (let seq = first; seq <= last; seq++) {
        const packed = this.packed(seq, metric)
        if (packed === VACANT) continue
        rowWords[2 * members.size] = relativeOf(packed)
        rowWords[2 * members.size + 1] = checkOf(packed)
        members.add(seq)
        if (members.size === POINTS_PER_ROW) flush()
      }
    }
    flush()
    return rows
  }

  /** Takes in a stored row; returns the seqs that it names. */
  load({ metric, seqs, first, contents }: EncodedContents): SeqSet {
    const members = SeqSet.decode(seqs, Infinity)
    const view = new DataView(bytesOfBase64(contents).buffer)
    if (this.first < 0) this.first = first
    let at = 0
    for (const [from, to] of members.ranges()) {
      for (let seq = from; seq <= to; seq++, at += 8) {
        this.put(seq, metric, view.getUint32(at, true), view.getInt32(at + 4, true))
      }
    }
    return members
  }
}
