/**
 * What a fleet sends while everything around it dies, drawn from a seed and handed out window by window. Values are whole
 * numbers, so that sums are exact in any order. In it: copies, losses, disorder within the grace, records that cannot be
 * read, VMs with two producers, producers that begin again under a new name, VMs that come late and VMs that leave; and
 * points, manifests and copies that come when their window has long been closed (lateness.ts).
 *
 * What is late comes in the middle of a later window, when by the records alone it is certain which window closed last: its
 * own and those before the one under way by their grace, and none of the one under way, whose manifests are still to come. So
 * it is certain, too, whether it may still amend, whatever dies and whoever reads the partition.
 */
import { Random } from '../support/random.ts'
import { AMEND_WINDOWS, drawSendings } from './lateness.ts'

export const WINDOW_MS = 3_600_000
/** What the processors are told; no point is on its way for longer. */
export const GRACE_MS = 300_000
const MAX_DELAY_MS = 240_000
/** The part of a later window in which what is late comes. */
const LATE_FROM_MS = 1_200_000
const LATE_TO_MS = 3_300_000
const ORIGIN_MS = Date.UTC(2026, 0, 1)

export interface WorkloadOptions {
  readonly seed: number
  /** @default 200 */
  readonly vms?: number
  /** A VM's points in a window, of all its producers. @default 20 */
  readonly pointsPerWindow?: number
  /** Share of the windows of producers of which something comes late. @default 0.015, which leaves many without */
  readonly lateShare?: number
}

/** A line as `kcat -K TAB` takes it: the VM, a tab, the record. */
export type KeyedLine = string

interface UnderWay {
  readonly arrivesMs: number
  readonly windowsLate: number
  readonly line: KeyedLine
}

interface Producer {
  readonly vmId: string
  readonly name: string
  readonly points: number
  /** Windows in which it sends, both included. */
  readonly first: number
  readonly last: number
}

const COPY_SHARE = 0.03
const LOSS_SHARE = 0.0002
const BROKEN_SHARE = 0.001

export class Workload {
  readonly #random: Random
  readonly #producers: readonly Producer[]
  readonly #lateShare: number
  readonly #seqs = new Map<string, number>()
  #underWay: UnderWay[] = []
  #window = 0
  /** Points sent, copies not counted. */
  points = 0

  constructor({ seed, vms = 200, pointsPerWindow = 20, lateShare = 0.015 }: WorkloadOptions) {
    this.#random = new Random(seed)
    this.#lateShare = lateShare
    this.#producers = Array.from({ length: vms }, (_, i) => producersOf(this.#random, i, pointsPerWindow)).flat()
  }

  /** Start of the window that `next` sends. */
  get windowStart(): number {
    return ORIGIN_MS + this.#window * WINDOW_MS
  }

  /** All records of the next window, in the order in which they arrive, with the first few of the window after it. */
  next(): KeyedLine[] {
    const windowStart = this.windowStart
    for (const producer of this.#producers) this.#send(producer, windowStart)
    this.#window++
    return this.#arrivedBy(windowStart + WINDOW_MS + MAX_DELAY_MS)
  }

  /**
   * What is still under way. What would have come too late is lost instead: the windows that must close before it does are
   * never sent, and whether the last one did depends on more than the records before it.
   */
  rest(): KeyedLine[] {
    this.#underWay = this.#underWay.filter(({ windowsLate }) => windowsLate <= AMEND_WINDOWS)
    return this.#arrivedBy(Infinity)
  }

  #send({ vmId, name, points, first, last }: Producer, windowStart: number): void {
    const window = this.#window
    if (window < first || window > last) return
    const random = this.#random
    const id = `${vmId}/${name}`
    const firstSeq = this.#seqs.get(id) ?? 0
    this.#seqs.set(id, firstSeq + points)
    const producer = name === '' ? {} : { producer: name }
    const leaves = window === last
    const sendings = drawSendings(random, { share: this.#lateShare, points, leaves })
    for (let i = 0; i < points; i++) {
      const timestamp = windowStart + Math.floor((i * WINDOW_MS) / points) + random.int(0, 1000)
      const value = random.int(-1000, 10_000)
      const record = JSON.stringify({ vmId, ...producer, metric: 'cpu', timestamp, seq: firstSeq + i, value })
      this.points++
      if (random.chance(LOSS_SHARE)) continue
      for (const windowsLate of sendings.ofPoint(i)) this.#post(vmId, record, timestamp, windowsLate)
      if (random.chance(COPY_SHARE)) this.#post(vmId, record, timestamp)
      if (random.chance(BROKEN_SHARE)) this.#post(vmId, brokenRecord(random, vmId, timestamp), timestamp)
    }
    const manifest = { vmId, ...producer, windowStart, firstSeq, count: points, ...(leaves ? { last: true } : {}) }
    const record = JSON.stringify({ manifest })
    for (const windowsLate of sendings.ofManifest) this.#post(vmId, record, windowStart + WINDOW_MS, windowsLate)
  }

  #post(vmId: string, record: string, sentMs: number, windowsLate = 0): void {
    const arrivesMs =
      windowsLate === 0
        ? sentMs + this.#random.int(0, MAX_DELAY_MS - 1)
        : this.windowStart + windowsLate * WINDOW_MS + this.#random.int(LATE_FROM_MS, LATE_TO_MS)
    this.#underWay.push({ arrivesMs, windowsLate, line: `${vmId}\t${record}` })
  }

  #arrivedBy(endMs: number): KeyedLine[] {
    const ordered = this.#underWay.sort((a, b) => a.arrivesMs - b.arrivesMs)
    const arrived = ordered.filter(({ arrivesMs }) => arrivesMs < endMs)
    this.#underWay = ordered.slice(arrived.length)
    return arrived.map(({ line }) => line)
  }
}

function producersOf(random: Random, index: number, points: number): Producer[] {
  const vmId = `vm-${String(index).padStart(3, '0')}`
  const always = { vmId, name: '', points, first: 0, last: Infinity }
  const half = Math.ceil(points / 2)
  switch (index % 20) {
    case 3:
    case 13:
      return [
        { ...always, name: 'left', points: half },
        { ...always, name: 'right', points: points - half },
      ]
    case 7: {
      const last = random.int(2, 8)
      return [
        { ...always, name: 'before', last },
        { ...always, name: 'after', first: last + 1 },
      ]
    }
    case 11:
      return [{ ...always, first: random.int(1, 6) }]
    case 17:
      return [{ ...always, last: random.int(3, 15) }]
    default:
      return [always]
  }
}

/** Undecodable, invalid, and a manifest of a window that is none. */
function brokenRecord(random: Random, vmId: string, timestamp: number): string {
  const kind = random.int(0, 2)
  if (kind === 0) return `{"vmId":"${vmId}","broken`
  if (kind === 1) return JSON.stringify({ vmId, metric: 'cpu', timestamp, seq: -1, value: 1 })
  const windowStart = Math.floor(timestamp / WINDOW_MS) * WINDOW_MS + 1
  return JSON.stringify({ manifest: { vmId, windowStart, firstSeq: 0, count: 1 } })
}
