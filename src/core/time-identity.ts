/**
 * What a VM window knows of the points of one producer and metric that are identified by their timestamps: by timestamp, the
 * offset of the record and a check of its content. Timestamps lie far apart, so they are kept in a map and not in pages as seqs
 * are (identity.ts). Each point costs about 50 bytes.
 */
import { base64Of, bytesOfBase64 } from './base64.ts'
import type { EncodedContents } from './identity.ts'

const CHECKS = 2 ** 32
/** Offsets from here on, relative to the first record, are kept as this. */
const MAX_RELATIVE = 2 ** 21 - 1
/** Points that a row of stored contents holds at most: its text stays far below the size of a page. */
const TIMES_PER_ROW = 4096

export class TimeIdentities {
  /** Offset of the first record; -1 before it. */
  #first = -1
  /** By timestamp: relative offset · 2^32 + check. */
  #contents = new Map<number, number>()

  get size(): number {
    return this.#contents.size
  }

  has(timestamp: number): boolean {
    return this.#contents.has(timestamp)
  }

  /** Takes in a point that is new. Offsets rise, so no later record is before the first one. */
  add(timestamp: number, offset: number, check: number): void {
    if (this.#first < 0) this.#first = offset
    this.#contents.set(timestamp, Math.min(offset - this.#first, MAX_RELATIVE) * CHECKS + (check >>> 0))
  }

  /** Whether a used timestamp has this content. */
  isSame(timestamp: number, check: number): boolean {
    return (this.#contents.get(timestamp) ?? 0) % CHECKS === check >>> 0
  }

  /** Offset of the record that holds a timestamp; `null` where it is not kept. */
  offsetOf(timestamp: number): number | null {
    const packed = this.#contents.get(timestamp)
    if (packed === undefined) return null
    const relative = Math.floor(packed / CHECKS)
    return relative === MAX_RELATIVE ? null : this.#first + relative
  }

  copy(): TimeIdentities {
    const copy = new TimeIdentities()
    copy.#first = this.#first
    copy.#contents = new Map(this.#contents)
    return copy
  }

  /** In rows of a bounded size; the seqs are the differences of the sorted timestamps. */
  encode(producer: string, metric: string): EncodedContents[] {
    const times = [...this.#contents.keys()].sort((a, b) => a - b)
    const rows: EncodedContents[] = []
    for (let at = 0; at < times.length; at += TIMES_PER_ROW) {
      const some = times.slice(at, at + TIMES_PER_ROW)
      const view = new DataView(new ArrayBuffer(8 * some.length))
      for (const [i, time] of some.entries()) {
        const packed = this.#contents.get(time) as number
        view.setUint32(8 * i, Math.floor(packed / CHECKS), true)
        view.setUint32(8 * i + 4, packed % CHECKS, true)
      }
      const seqs = some.map((time, i) => time - (i === 0 ? 0 : (some[i - 1] as number)))
      rows.push({
        producer,
        metric,
        seqs,
        first: this.#first,
        contents: base64Of(new Uint8Array(view.buffer)),
        byTime: true,
      })
    }
    return rows
  }

  /** Takes in a stored row. */
  load({ seqs, first, contents }: EncodedContents): void {
    const view = new DataView(bytesOfBase64(contents).buffer)
    if (this.#first < 0) this.#first = first
    let time = 0
    for (const [i, step] of (seqs as readonly number[]).entries()) {
      time += step
      this.#contents.set(time, view.getUint32(8 * i, true) * CHECKS + view.getUint32(8 * i + 4, true))
    }
  }
}
