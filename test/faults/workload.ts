/**
 * The workload of a fault run: the records of a fleet, drawn from a seed, window by window. Values are whole numbers, so that
 * sums are exact in any order. It contains duplicates, losses, disorder within the grace period, undecodable records, VMs with
 * two producers, producers that leave to others, producers with a new name per boot that replace the one before, samples
 * whose metrics share a seq, records that conflict with another one, a VM with a fast clock, VMs that join late and VMs that
 * leave; and points, manifests, duplicates and conflicts that arrive long after their window closed (lateness.ts).
 *
 * In-time conflicts and the records that they conflict with arrive before the end of their window, so before its manifests:
 * no window closes between the two. The records of a new boot arrive after all that the boot before has sent in time.
 *
 * Late records arrive in the middle of a later window. At that time the records alone decide which windows are closed: all
 * before the current one, whose grace period has ended, and not the current one, whose manifests are not sent yet. So it is
 * certain whether a late record can still amend its window, independent of the faults.
 */
import { Random } from '../support/random.ts'
import { AMEND_WINDOWS, drawSendings } from './lateness.ts'

export const WINDOW_MS = 3_600_000
/** The grace period of the processors; no point that is in time is delayed for longer. */
export const GRACE_MS = 300_000
const MAX_DELAY_MS = 240_000
/** Late records arrive in this part of a later window. */
const LATE_FROM_MS = 1_200_000
const LATE_TO_MS = 3_300_000
const ORIGIN_MS = Date.UTC(2026, 0, 1)

export interface WorkloadOptions {
  readonly seed: number
  /** @default 200 */
  readonly vms?: number
  /** Points per VM window, of all producers of the VM together. @default 20 */
  readonly pointsPerWindow?: number
  /** Share of the producer windows with late records. @default 0.015, so many VM windows have none */
  readonly lateShare?: number
}

/** A line as `kcat -K TAB` takes it: the VM, a tab, the record. */
export type KeyedLine = string

interface InFlight {
  readonly arrivesMs: number
  readonly windowsLate: number
  readonly isConflict: boolean
  readonly line: KeyedLine
}

interface Producer {
  readonly vmId: string
  readonly name: string
  readonly points: number
  /** Names of the metrics of a sample, which share its seq. */
  readonly metrics: readonly string[]
  /** First and last window in which it sends, both inclusive. */
  readonly first: number
  readonly last: number
  /** It says that it leaves when it has sent its last window. */
  readonly saysLast: boolean
  /** It replaces the other producers of its VM. */
  readonly replaces: boolean
}

/** How far the fast clocks are ahead: a whole number of windows, so that manifests name windows of the same clock. */
const FAST_BY_MS = 3 * WINDOW_MS
/** VMs with a fast clock: this one of every twenty. */
const FAST = 5

const DUPLICATE_SHARE = 0.03
const LOSS_SHARE = 0.0002
const BROKEN_SHARE = 0.001
const CONFLICT_SHARE = 0.002

export class Workload {
  readonly #random: Random
  readonly #producers: readonly Producer[]
  readonly #lateShare: number
  readonly #seqs = new Map<string, number>()
  #inFlight: InFlight[] = []
  #window = 0
  /** Number of points sent, not counting duplicates. */
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

  /** All records of the next window in the order of their arrival, and the first few of the window after it. */
  next(): KeyedLine[] {
    const windowStart = this.windowStart
    for (const producer of this.#producers) this.#send(producer, windowStart)
    this.#window++
    return this.#arrivedBy(windowStart + WINDOW_MS + MAX_DELAY_MS)
  }

  /**
   * The records that are still in flight. Those that would be too late are dropped: the windows that must close before them
   * are never sent, so the records would not decide whether they are too late. Nor would they decide whether a late conflict
   * finds a window that has closed as complete, or one that it keeps from that.
   */
  rest(): KeyedLine[] {
    this.#inFlight = this.#inFlight.filter(({ windowsLate, isConflict }) => {
      return windowsLate <= (isConflict ? 0 : AMEND_WINDOWS)
    })
    return this.#arrivedBy(Infinity)
  }

  #send(sender: Producer, windowStart: number): void {
    const { vmId, name, points, first, last, metrics, saysLast, replaces } = sender
    const window = this.#window
    if (window < first || window > last) return
    const random = this.#random
    const id = `${vmId}/${name}`
    const firstSeq = this.#seqs.get(id) ?? 0
    this.#seqs.set(id, firstSeq + points)
    const leaves = saysLast && window === last
    const isFast = hasFastClock(vmId)
    const own = { vmId, ...(name === '' ? {} : { producer: name }) }
    const clockMs = isFast ? windowStart + FAST_BY_MS : windowStart
    const isNewBoot = replaces && window === first
    // What is late by a window or two is in time for a clock that is ahead by more. A window in which nothing says in time
    // that a boot was replaced waits for that boot.
    const share = isFast || isNewBoot ? 0 : this.#lateShare
    const sendings = drawSendings(random, { share, points, leaves })
    // Nothing of a new boot arrives before all that the boot before has sent in time.
    const notBeforeMs = isNewBoot ? windowStart + MAX_DELAY_MS : 0
    for (let i = 0; i < points; i++) {
      const into = Math.floor((i * WINDOW_MS) / points) + random.int(0, 1000)
      const sentMs = windowStart + into
      for (const metric of metrics) {
        const point = {
          ...own,
          ...(replaces ? { replaces } : {}),
          metric,
          timestamp: clockMs + into,
          seq: firstSeq + i,
          value: random.int(-1000, 10_000),
        }
        this.points++
        if (random.chance(LOSS_SHARE)) continue
        const record = JSON.stringify(point)
        for (const windowsLate of sendings.ofPoint(i)) this.#post(vmId, record, sentMs, { windowsLate, notBeforeMs })
        if (random.chance(DUPLICATE_SHARE)) this.#post(vmId, record, sentMs, { notBeforeMs })
        const isBeforeEnd = into + MAX_DELAY_MS < WINDOW_MS && sendings.ofPoint(i).join() === '0'
        if (isBeforeEnd && random.chance(CONFLICT_SHARE)) {
          const other = random.chance(0.5)
            ? { ...point, value: point.value + 1 }
            : { ...point, timestamp: clockMs + into + 1 }
          const windowsLate = share === 0 || random.chance(0.7) ? 0 : random.int(1, AMEND_WINDOWS)
          this.#post(vmId, JSON.stringify(other), sentMs, { windowsLate, notBeforeMs, isConflict: true })
        }
      }
      if (random.chance(BROKEN_SHARE)) this.#post(vmId, brokenRecord(random, vmId, sentMs), sentMs)
    }
    const said = { firstSeq, count: points, ...(leaves ? { last: true } : {}) }
    const record = JSON.stringify({ manifest: { ...own, windowStart: clockMs, ...said } })
    for (const windowsLate of sendings.ofManifest) {
      this.#post(vmId, record, windowStart + WINDOW_MS, { windowsLate })
    }
  }

  #post(
    vmId: string,
    record: string,
    sentMs: number,
    { windowsLate = 0, notBeforeMs = 0, isConflict = false } = {},
  ): void {
    const arrivesMs =
      windowsLate === 0
        ? Math.max(notBeforeMs, sentMs + this.#random.int(0, MAX_DELAY_MS - 1))
        : this.windowStart + windowsLate * WINDOW_MS + this.#random.int(LATE_FROM_MS, LATE_TO_MS)
    this.#inFlight.push({ arrivesMs, windowsLate, isConflict, line: `${vmId}\t${record}` })
  }

  #arrivedBy(endMs: number): KeyedLine[] {
    const ordered = this.#inFlight.sort((a, b) => a.arrivesMs - b.arrivesMs)
    const arrived = ordered.filter(({ arrivesMs }) => arrivesMs < endMs)
    this.#inFlight = ordered.slice(arrived.length)
    return arrived.map(({ line }) => line)
  }
}

/** Whether the VM's clock is ahead of those of the others. */
export function hasFastClock(vmId: string): boolean {
  return Number(vmId.slice('vm-'.length)) % 20 === FAST
}

const BOOTS = 40

function producersOf(random: Random, index: number, points: number): Producer[] {
  const vmId = `vm-${String(index).padStart(3, '0')}`
  const always: Producer = {
    ...{ vmId, name: '', points, metrics: ['cpu'], first: 0, last: Infinity },
    ...{ saysLast: true, replaces: false },
  }
  const half = Math.ceil(points / 2)
  switch (index % 20) {
    case 1:
      return [{ ...always, points: half, metrics: ['cpu', 'mem'] }]
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
    case 9: {
      let first = 0
      return Array.from({ length: BOOTS }, (_, boot) => {
        const last = boot === BOOTS - 1 ? Infinity : first + random.int(1, 6)
        const producer = { ...always, name: `boot-${boot}`, first, last, saysLast: false, replaces: boot > 0 }
        first = last + 1
        return producer
      })
    }
    case 11:
      return [{ ...always, first: random.int(1, 6) }]
    case 17:
      return [{ ...always, last: random.int(3, 15) }]
    default:
      return [always]
  }
}

/** A broken record: undecodable, invalid, or a manifest whose window start is not on a window boundary. */
function brokenRecord(random: Random, vmId: string, timestamp: number): string {
  const kind = random.int(0, 2)
  if (kind === 0) return `{"vmId":"${vmId}","broken`
  if (kind === 1) return JSON.stringify({ vmId, metric: 'cpu', timestamp, seq: -1, value: 1 })
  const windowStart = Math.floor(timestamp / WINDOW_MS) * WINDOW_MS + 1
  return JSON.stringify({ manifest: { vmId, windowStart, firstSeq: 0, count: 1 } })
}
