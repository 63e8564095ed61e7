/**
 * The series of one producer: what its metrics did in earlier windows, which of them a window may expect, and under a cadence
 * which of their slots are filled. A metric is remembered from the close of a window with a point of it, and dropped like a
 * producer: after `rosterWindows` closed windows without one. It depends on the records alone (I6).
 */
import type { EpochMs } from './point.ts'
import type { SeqRanges } from './seq-ranges.ts'
import { closedSeries, phaseOf, slotFrom, slotOf, SlotSet, type ClosedSeries } from './slots.ts'
import type { TimeWindow } from './window-policy.ts'
import type { Windowing } from './windowing.ts'

/** One metric of one producer. */
class Series {
  readonly metric: string
  /** Closed windows in a row without a point of it; `null`: no window with a point of it has closed yet. */
  missedWindows: number | null = null
  /** Of the cadence; `null` before the first point. */
  phase: number | null = null
  filled = new SlotSet()
  /** Starts of open windows that hold a point of it. */
  windows: EpochMs[] = []
  /** Slots that the head expects, `[first, end)`; none where it expects none of the series. */
  headFirst = 0
  headEnd = 0

  constructor(metric: string) {
    this.metric = metric
  }
}

/** A row of the chunk kind `roster`. */
export interface SeriesRow {
  readonly vmId: string
  readonly producer: string
  readonly sharesSeqs: boolean
  readonly series: readonly (readonly [
    metric: string,
    missedWindows: number | null,
    phase: number | null,
    filled: SeqRanges,
    windows: readonly EpochMs[],
  ])[]
}

/** What earlier windows say of a producer: metrics that the roster remembers, and whether its samples shared their seqs. */
export interface ProducerHistory {
  readonly metrics: readonly string[]
  readonly sharesSeqs: boolean
}

const NOTHING_KNOWN: ProducerHistory = { metrics: [], sharesSeqs: false }

/** The series of one producer. */
export class ProducerSeries {
  readonly #rules: Windowing
  #byMetric = new Map<string, Series>()
  #last: Series | null = null
  #sharesSeqs = false
  #history = NOTHING_KNOWN
  #head: TimeWindow | null = null
  /** Slots that the head expects and that are not filled. */
  #missing = 0
  #expected = 0

  constructor(rules: Windowing) {
    this.#rules = rules
    for (const metric of rules.expectMetrics ?? []) this.#seriesOf(metric)
  }

  get history(): ProducerHistory {
    return this.#history
  }

  /** Nothing is known but the metrics that the rules name. */
  get isEmpty(): boolean {
    return [...this.#byMetric.values()].every((one) => one.missedWindows === null && one.windows.length === 0)
  }

  /** Whether the head has all slots that it expects of the producer. */
  get isHeadComplete(): boolean {
    return this.#expected > 0 && this.#missing === 0
  }

  #seriesOf(metric: string): Series {
    if (this.#last?.metric === metric) return this.#last
    let series = this.#byMetric.get(metric)
    if (series === undefined) this.#byMetric.set(metric, (series = new Series(metric)))
    return (this.#last = series)
  }

  /** Takes in a point that was accepted into an open window; slots before `openFrom` belong to windows that have closed. */
  fill(metric: string, timestamp: EpochMs, window: EpochMs, openFrom: EpochMs): void {
    const everyMs = this.#rules.expectEveryMs as number
    const series = this.#seriesOf(metric)
    if (series.phase === null) {
      this.#leaveHead(series)
      series.phase = phaseOf(timestamp, everyMs)
      this.#enterHead(series)
    }
    if (!series.windows.includes(window)) {
      this.#leaveHead(series)
      series.windows.push(window)
      this.#enterHead(series)
    }
    this.#fillSlot(series, timestamp, openFrom)
  }

  /** Takes in a late point, which makes no series and no phase, but may belong to a slot of an open window. */
  fillAhead(metric: string, timestamp: EpochMs, openFrom: EpochMs): void {
    const series = this.#byMetric.get(metric)
    if (series !== undefined && series.phase !== null) this.#fillSlot(series, timestamp, openFrom)
  }

  #fillSlot(series: Series, timestamp: EpochMs, openFrom: EpochMs): void {
    const everyMs = this.#rules.expectEveryMs as number
    const phase = series.phase as number
    const slot = slotOf(timestamp, phase, everyMs)
    if (phase + slot * everyMs < openFrom || !series.filled.add(slot)) return
    if (slot >= series.headFirst && slot < series.headEnd) this.#missing--
  }

  /** The phase of a series that is known. */
  phaseOf(metric: string): number | null {
    return this.#byMetric.get(metric)?.phase ?? null
  }

  setHead(head: TimeWindow | null): void {
    this.#missing = 0
    this.#expected = 0
    for (const series of this.#byMetric.values()) {
      series.headFirst = series.headEnd = 0
    }
    this.#head = head
    if (this.#rules.expectEveryMs !== null) for (const series of this.#byMetric.values()) this.#enterHead(series)
  }

  #isExpectedIn(series: Series, window: EpochMs): boolean {
    const { expectMetrics = [] } = this.#rules
    return series.missedWindows !== null || series.windows.includes(window) || expectMetrics.includes(series.metric)
  }

  #enterHead(series: Series): void {
    if (this.#head === null || !this.#isExpectedIn(series, this.#head.start)) return
    const everyMs = this.#rules.expectEveryMs as number
    series.headFirst = slotFrom(this.#head.start, series.phase ?? 0, everyMs)
    series.headEnd = slotFrom(this.#head.end, series.phase ?? 0, everyMs)
    this.#count(series, 1)
  }

  #leaveHead(series: Series): void {
    this.#count(series, -1)
    series.headFirst = series.headEnd = 0
  }

  #count({ headFirst, headEnd, filled }: Series, sign: 1 | -1): void {
    this.#expected += sign * (headEnd - headFirst)
    this.#missing += sign * (headEnd - headFirst - filled.countWithin(headFirst, headEnd))
  }

  /** What the closing window expected of each series, and what of it came. */
  closed(window: TimeWindow): ClosedSeries[] {
    const everyMs = this.#rules.expectEveryMs as number
    return [...this.#byMetric.values()]
      .filter((series) => this.#isExpectedIn(series, window.start))
      .sort((a, b) => (a.metric < b.metric ? -1 : 1))
      .map(({ metric, phase, filled }) => closedSeries(metric, phase ?? 0, window, everyMs, filled))
  }

  /** A window has closed; `seen` are the metrics that it has of the producer. */
  advance({ start, end }: TimeWindow, seen: readonly string[], sharedSeqs: boolean): void {
    const { expectEveryMs, rosterWindows } = this.#rules
    for (const metric of seen) this.#seriesOf(metric).missedWindows = -1
    for (const series of this.#byMetric.values()) {
      const isSeen = series.windows.includes(start) || series.missedWindows === -1
      series.windows = series.windows.filter((one) => one !== start)
      if (isSeen) series.missedWindows = 0
      else if (series.missedWindows !== null && ++series.missedWindows >= rosterWindows) series.missedWindows = null
      if (expectEveryMs !== null) series.filled.dropBefore(slotFrom(end, series.phase ?? 0, expectEveryMs))
    }
    this.#forget()
    // Two metrics or more, none of which shared a seq: the producer numbers its points now.
    if (sharedSeqs) this.#sharesSeqs = true
    else if (seen.length > 1 || this.#remembered().length < 2) this.#sharesSeqs = false
    this.#remember()
  }

  /** The producer is not on the roster any more. */
  leave(): void {
    for (const series of this.#byMetric.values()) series.missedWindows = null
    this.#sharesSeqs = false
    this.#forget()
    this.#remember()
  }

  /** Metrics that are neither remembered nor in an open window are new when they come again, with a phase of their own. */
  #forget(): void {
    for (const series of [...this.#byMetric.values()]) {
      if (series.missedWindows !== null || series.windows.length > 0) continue
      this.#byMetric.delete(series.metric)
      if (this.#last === series) this.#last = null
      if (this.#rules.expectMetrics.includes(series.metric)) this.#seriesOf(series.metric)
    }
  }

  /** Takes over all series of a producer that this one replaces: their slots count together from now on. */
  takeOver(other: ProducerSeries): void {
    const head = this.#head
    this.setHead(null)
    for (const theirs of other.#byMetric.values()) {
      const series = this.#seriesOf(theirs.metric)
      series.phase ??= theirs.phase
      if (theirs.missedWindows !== null) {
        series.missedWindows = Math.min(series.missedWindows ?? Infinity, theirs.missedWindows)
      }
      for (const [first, last] of theirs.filled.ranges)
        for (let slot = first; slot <= last; slot++) series.filled.add(slot)
      series.windows = [...new Set([...series.windows, ...theirs.windows])]
    }
    this.#sharesSeqs ||= other.#sharesSeqs
    other.#byMetric = new Map()
    other.#last = null
    for (const metric of this.#rules.expectMetrics) other.#seriesOf(metric)
    other.leave()
    other.setHead(null)
    this.#remember()
    this.setHead(head)
  }

  #remembered(): string[] {
    return [...this.#byMetric.values()].flatMap((one) => (one.missedWindows === null ? [] : [one.metric])).sort()
  }

  #remember(): void {
    this.#history = { metrics: this.#remembered(), sharesSeqs: this.#sharesSeqs }
  }

  row(vmId: string, producer: string): SeriesRow {
    const series = [...this.#byMetric.values()]
      .sort((a, b) => (a.metric < b.metric ? -1 : 1))
      .map(({ metric, missedWindows, phase, filled, windows }) => {
        return [metric, missedWindows, phase, [...filled.ranges], windows.toSorted((a, b) => a - b)] as const
      })
    return { vmId, producer, sharesSeqs: this.#sharesSeqs, series }
  }

  restore({ sharesSeqs, series: rows }: SeriesRow): void {
    this.#sharesSeqs = sharesSeqs
    for (const [metric, missedWindows, phase, filled, windows] of rows) {
      const series = this.#seriesOf(metric)
      Object.assign(series, { missedWindows, phase, filled: new SlotSet(filled), windows: [...windows] })
    }
    this.#remember()
  }
}
