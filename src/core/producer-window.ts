/**
 * One producer's part of a VM window: its received points, their identities, and what its manifests promised. After every
 * record it decides in constant time whether the producer is complete: `lacking` counts what is promised and missing.
 */
import { Identities, type EncodedContents } from './identity.ts'
import type { Json } from './json.ts'
import { MetricSeqs } from './metric-seqs.ts'
import type { DataPoint, WindowManifest } from './point.ts'
import type { PointRun } from './point-run.ts'
import type { ProducerSeries, ProducerHistory } from './producer-series.ts'
import { closedSeries, missingOf, slotOf, SlotSet, type ClosedSeries } from './slots.ts'
import { TimeIdentities } from './time-identity.ts'
import type { TimeWindow } from './window-policy.ts'
import { isMixed, isSamePromise, MAX_PROMISED_RANGES, promisedAfter, unitePromises, type Promised } from './promise.ts'
import { intersect, subtract, totalCount, unite, type CappedRanges, type SeqRanges } from './seq-ranges.ts'
import { SeqSet } from './seq-set.ts'

export type PointAddition = 'added' | 'duplicate' | 'conflict' | 'beyond-span'

const NO_HISTORY: ProducerHistory = { metrics: [], sharesSeqs: false }
const NOTHING: CappedRanges = { ranges: [], total: 0 }

/** What few producers have in a VM window. Kept apart, since there is a producer window for every open VM window. */
class Rarities {
  conflicts = 0
  noReadings = 0
  corrects = false
  leaves = false
  replacedBy: string | null = null
  /** Under a cadence, once the window has closed. */
  closed: readonly ClosedSeries[] | null = null
  /** Seqs whose metric is not known, since an earlier version of Windrow counted them: any point under them is a duplicate. */
  unknown: SeqSet | null = null
  /** Of a late producer: the seqs by metric of its closed VM window. */
  carried: MetricSeqs | null = null
}

const NO_RARITIES: Readonly<Rarities> = new Rarities()

export class ProducerWindow {
  readonly seqs: MetricSeqs
  /** Points with a seq that count. */
  points = 0
  /** Points without a seq. They are deduplicated only where their identity is their timestamp. */
  unsequenced = 0
  /** By metric, where the identity of a point is its timestamp. */
  #timed: Map<string, TimeIdentities> | null = null
  /** What manifests promised; `null` if none has arrived. */
  promised: Promised | null = null
  /** Under a cadence, while the window is open: what the producer's metrics did. */
  series: ProducerSeries | null = null
  #identities = new Identities()
  #history = NO_HISTORY
  #lacking = 0
  #rarities: Rarities | null = null
  readonly #cadenceCount: number | null

  /** `cadenceCount`: points that a producer sent per window before a cadence had slots; closed windows of 0.1.0 need it. */
  constructor(maxSeqSpan: number, cadenceCount: number | null) {
    this.seqs = new MetricSeqs(maxSeqSpan)
    this.#cadenceCount = cadenceCount
  }

  get #rare(): Readonly<Rarities> {
    return this.#rarities ?? NO_RARITIES
  }

  #rareForWriting(): Rarities {
    return (this.#rarities ??= new Rarities())
  }

  /** Records that had another content under a used identity. */
  get conflicts(): number {
    return this.#rare.conflicts
  }

  set conflicts(count: number) {
    if (count !== this.conflicts) this.#rareForWriting().conflicts = count
  }

  /** Entries without a value. They take the place of a point, in its seq or its slot. */
  get noReadings(): number {
    return this.#rare.noReadings
  }

  set noReadings(count: number) {
    if (count !== this.noReadings) this.#rareForWriting().noReadings = count
  }

  /** A late promise that replaces what the closed window had. */
  get corrects(): boolean {
    return this.#rare.corrects
  }

  /** A manifest said that the producer leaves after this window. */
  get leaves(): boolean {
    return this.#rare.leaves
  }

  /** The producer that replaced this one; `null`: none did. */
  get replacedBy(): string | null {
    return this.#rare.replacedBy
  }

  set replacedBy(producer: string | null) {
    if (producer !== this.replacedBy) this.#rareForWriting().replacedBy = producer
  }

  /** Adds a point that has a seq. `check` is that of its content. */
  add({ seq: anySeq, metric }: DataPoint, offset: number, check: number): PointAddition {
    const seq = anySeq as number
    const { seqs } = this
    let isNewSeq = true
    if (this.#rare.unknown === null && this.seqs.isSole(metric)) {
      const outcome = seqs.add(seq)
      if (outcome === 'duplicate') return this.#repeated(seq, metric, check)
      if (outcome === 'beyond-span') return outcome
      this.seqs.note(metric)
    } else {
      if (this.#rare.unknown?.has(seq) === true) return 'duplicate'
      if (this.seqs.ofMetric(metric)?.has(seq) === true) return this.#repeated(seq, metric, check)
      if (seqs.isBeyondSpan(seq)) return 'beyond-span'
      isNewSeq = !seqs.has(seq)
      const isMoreExpected = this.#addOfSeveral(seq, metric, isNewSeq)
      if (isMoreExpected && this.promised !== null) {
        this.points++
        this.#identities.add(seq, metric, offset, check)
        this.#recount()
        return 'added'
      }
    }
    this.points++
    this.#identities.add(seq, metric, offset, check)
    if (this.promised !== null) this.#noteProgress(this.promised, seq, metric, isNewSeq)
    return 'added'
  }

  /** The seqs before this one that come next, in order and of this metric, are new and leave the producer as complete as it is. */
  endOfRun(metric: string): number {
    const { seqs } = this
    if (this.#rare.unknown !== null || !seqs.isSole(metric)) return seqs.nextOfRun
    // The last promised point that is missing may complete it.
    return this.promised === null ? seqs.endOfRoom : Math.min(seqs.endOfRoom, seqs.nextOfRun + this.#lacking - 1)
  }

  /** Adds a run that ends before `endOfRun`. */
  addRun(run: PointRun): void {
    const { metric, firstSeq, count } = run
    this.seqs.extendRun(count)
    this.points += count
    this.#identities.addRun(run)
    if (this.promised === null) return
    for (let i = 0; i < count; i++) this.#noteProgress(this.promised, firstSeq + i, metric, true)
  }

  /** Adds a point that is identified by its timestamp. There may be as many per metric as the span of seqs allows. */
  addByTime({ metric, timestamp }: DataPoint, offset: number, check: number): PointAddition {
    this.#timed ??= new Map()
    let timed = this.#timed.get(metric)
    if (timed === undefined) this.#timed.set(metric, (timed = new TimeIdentities()))
    if (timed.has(timestamp)) {
      if (timed.isSame(timestamp, check)) return 'duplicate'
      this.conflicts++
      return 'conflict'
    }
    if (timed.size > this.seqs.maxSpan) return 'beyond-span'
    timed.add(timestamp, offset, check)
    this.unsequenced++
    return 'added'
  }

  /** Whether more metrics are expected of every sample from now on. */
  #addOfSeveral(seq: number, metric: string, isNewSeq: boolean): boolean {
    const { seqs } = this
    seqs.split()
    const isMoreExpected = this.#expectsSeveral ? !seqs.hasMetric(metric) : !isNewSeq
    seqs.setOf(metric).add(seq)
    seqs.add(seq)
    return isMoreExpected
  }

  #noteProgress({ ranges, metrics }: Promised, seq: number, metric: string, isNewSeq: boolean): void {
    if (metrics !== null ? !metrics.includes(metric) : ranges !== null && !isNewSeq && !this.#expectsSeveral) return
    if (ranges === null || isWithin(ranges, seq)) this.#lacking--
  }

  #repeated(seq: number, metric: string, check: number): 'duplicate' | 'conflict' {
    if (this.#identities.isSame(seq, metric, check)) return 'duplicate'
    this.conflicts++
    return 'conflict'
  }

  /** Offset of the record that holds a used identity; `null` where it is not kept. */
  holderOf({ seq, metric, timestamp }: DataPoint): number | null {
    if (seq === null) return this.#timed?.get(metric)?.offsetOf(timestamp) ?? null
    return this.#identities.holder(seq, metric)?.offset ?? null
  }

  /** Whether two points of different metrics have one seq. */
  get sharesSeqs(): boolean {
    return this.points > this.seqs.size
  }

  /** Names of the metrics that came with a seq, sorted. */
  metricNames(): string[] {
    return this.seqs.metricNames()
  }

  get history(): ProducerHistory {
    return this.#history
  }

  /** Sets what the roster knows of the producer; the window is the next to close, or closes. */
  set history(history: ProducerHistory) {
    this.#history = history
    this.#recount()
  }

  get #expectsSeveral(): boolean {
    return this.sharesSeqs || this.#history.sharesSeqs
  }

  /** Metrics that every promised sample, or the promised points, must have; `null`: any. */
  expectedMetrics(): readonly string[] | null {
    if (this.promised === null) return null
    if (this.promised.metrics !== null || this.promised.ranges === null) return this.promised.metrics
    if (!this.#expectsSeveral) return null
    return [...new Set([...this.seqs.metricNames(), ...this.#history.metrics])].sort()
  }

  /** Whether a manifest would leave too many ranges that do not touch. */
  refusesPromise(manifest: WindowManifest, maxMetrics: number): boolean {
    const { ranges, metrics } = promisedAfter(this.promised, manifest)
    return (ranges?.length ?? 0) > MAX_PROMISED_RANGES || (metrics?.length ?? 0) > maxMetrics
  }

  /** Whether a manifest counts points where earlier ones counted samples, or the reverse. */
  isMixed(manifest: WindowManifest): boolean {
    return isMixed(this.promised, manifest)
  }

  /** Whether a manifest says something that was not promised before. */
  isNewPromise(manifest: WindowManifest): boolean {
    return !isSamePromise(this.promised, promisedAfter(this.promised, manifest))
  }

  /** Adds the promise of a manifest. */
  promise(manifest: WindowManifest): void {
    this.promised = promisedAfter(this.promised, manifest)
    if (manifest.corrects === true) this.#rareForWriting().corrects = true
    if (manifest.last) this.#rareForWriting().leaves = true
    this.#recount()
  }

  /** Counts a late point, whose identity is kept with the closed VM window. */
  addLate({ seq }: DataPoint): void {
    if (seq === null) {
      this.unsequenced++
      return
    }
    this.seqs.add(seq)
    this.points++
  }

  /** Whether anything came from the producer. */
  get isHeard(): boolean {
    return this.receivedCount > 0 || this.noReadings > 0 || this.conflicts > 0 || this.promised !== null
  }

  /** Notes what the closing window expected by its cadence. */
  close(series: readonly ClosedSeries[]): void {
    this.#rareForWriting().closed = series
  }

  /** The phase by which a closed window counts the slots of a metric; `null`: it expected none of it. */
  phaseOf(metric: string): number | null {
    return this.#rare.closed?.find((one) => one.metric === metric)?.phase ?? null
  }

  /** A metric that the closed window did not expect is expected from now on. */
  expectLate(metric: string, phase: number, window: TimeWindow, everyMs: number): void {
    if (this.phaseOf(metric) === null) this.#setClosed(closedSeries(metric, phase, window, everyMs, new SlotSet()))
  }

  /** Fills the slot of a late point of a closed window, which expects the metric. */
  fillLate(metric: string, timestamp: number, everyMs: number): void {
    const known = this.#rare.closed?.find((one) => one.metric === metric) as ClosedSeries
    const slot = slotOf(timestamp, known.phase, everyMs)
    const filled = new SlotSet(known.filled)
    if (slot >= known.first && slot < known.first + known.count) filled.add(slot)
    this.#setClosed({ ...known, filled: filled.ranges })
  }

  #setClosed(series: ClosedSeries): void {
    const others = (this.#rare.closed ?? []).filter(({ metric }) => metric !== series.metric)
    this.#rareForWriting().closed = [...others, series].sort((a, b) => (a.metric < b.metric ? -1 : 1))
  }

  /** Takes over the metrics of a late producer's closed VM window, which say what its seqs lack together. */
  carryMetricsOf(closed: ProducerWindow): void {
    if (closed.#needsMetrics) this.#rareForWriting().carried = closed.seqs
  }

  /** Adds everything that `other` received and promised; they share no point. */
  unite(other: ProducerWindow): void {
    const names = other.seqs.metricNames()
    if (
      names.length > 0 &&
      !(names.length === 1 && this.#rare.unknown === null && this.seqs.isSole(names[0] as string))
    ) {
      this.seqs.split()
      for (const name of names) {
        this.seqs.setOf(name).union(other.seqs.ofMetric(name) as SeqSet)
      }
    } else if (names.length === 1) {
      this.seqs.note(names[0] as string)
    }
    this.seqs.union(other.seqs)
    this.points += other.points
    this.unsequenced += other.unsequenced
    this.conflicts += other.conflicts
    this.noReadings += other.noReadings
    this.replacedBy ??= other.replacedBy
    if (other.leaves) this.#rareForWriting().leaves = true
    const series = uniteClosed(this.#rare.closed, other.#rare.closed)
    if (series !== null) this.#rareForWriting().closed = series
    if (other.promised !== null) {
      this.promised = other.corrects ? other.promised : unitePromises(this.promised, other.promised)
    }
    this.#recount()
  }

  /** A deep copy. */
  copy(): ProducerWindow {
    const copy = new ProducerWindow(this.seqs.maxSpan, this.#cadenceCount)
    copy.seqs.fill(this.seqs)
    copy.#identities = this.#identities.copy()
    if (this.#timed !== null) {
      copy.#timed = new Map([...this.#timed].map(([metric, timed]) => [metric, timed.copy()]))
    }
    copy.points = this.points
    copy.unsequenced = this.unsequenced
    copy.promised = this.promised
    copy.#history = this.#history
    copy.#lacking = this.#lacking
    if (this.#rarities !== null) copy.#rarities = Object.assign(new Rarities(), this.#rarities)
    return copy
  }

  /** Whether everything promised has arrived without a conflict. Without a promise a producer is never complete. */
  get isComplete(): boolean {
    const rare = this.#rarities
    if (rare !== null && rare.conflicts > 0) return false
    if (this.promised !== null) return this.#lacking <= 0
    if (rare !== null && rare.replacedBy !== null) return true
    if (rare !== null && rare.closed !== null) {
      return rare.closed.length > 0 && rare.closed.every((one) => missingOf(one) === 0)
    }
    if (this.series !== null) return this.series.isHeadComplete
    return this.#cadenceCount !== null && this.seqs.size >= this.#cadenceCount
  }

  /** Points, or seqs where no metric is expected of each; `null`: unknown. */
  get expectedCount(): number | null {
    const { promised } = this
    if (promised === null) {
      // Its slots are those of its successor.
      if (this.replacedBy !== null) return this.#cadenceCount === null ? this.receivedCount : 0
      return this.#rare.closed?.reduce((sum, one) => sum + one.count, 0) ?? this.#cadenceCount
    }
    if (promised.ranges === null) return promised.points
    return totalCount(promised.ranges) * (this.expectedMetrics()?.length ?? 1)
  }

  /** The number of promised and missing ones, in the unit of `expectedCount`. */
  get missingCount(): number {
    if (this.promised === null) {
      if (this.replacedBy !== null) return 0
      if (this.#rare.closed !== null) return this.#rare.closed.reduce((sum, one) => sum + missingOf(one), 0)
      return Math.max(0, (this.#cadenceCount ?? 0) - this.receivedCount)
    }
    return Math.max(0, this.#lacking)
  }

  /** Promised seqs that lack any expected metric: the first `limit` ranges of them, and how many there are. */
  missing(limit: number): CappedRanges {
    const ranges = this.promised?.ranges ?? null
    return ranges === null ? NOTHING : subtract(ranges, this.#wholeSamples(), limit)
  }

  /** Seqs that came though no manifest of several promised them: the first `limit` ranges of them, and how many there are. */
  unexpected(limit: number): CappedRanges {
    const ranges = this.promised?.ranges ?? null
    return ranges === null ? NOTHING : this.seqs.outside(ranges, limit)
  }

  /** Points with a value. Those without one take a place among the points, since they leave nothing missing. */
  get receivedCount(): number {
    return this.points + this.unsequenced - this.noReadings
  }

  /** Seqs that have all expected metrics. */
  #wholeSamples(): SeqRanges {
    const metrics = this.expectedMetrics()
    if (metrics === null) return this.seqs.ranges()
    return metrics.map((metric) => this.seqs.ofMetric(metric)?.ranges() ?? []).reduce(intersect, this.seqs.ranges())
  }

  #recount(): void {
    const { promised, seqs } = this
    if (promised === null) return
    const metrics = this.expectedMetrics()
    const sets = metrics?.map((metric) => this.seqs.ofMetric(metric)) ?? [seqs]
    if (promised.ranges === null) {
      const received = metrics === null ? this.points : sets.reduce((sum, set) => sum + (set?.size ?? 0), 0)
      this.#lacking = (promised.points as number) - received
      return
    }
    this.#lacking = totalCount(promised.ranges) * sets.length
    for (const set of sets) {
      for (const [first, last] of promised.ranges) this.#lacking -= set?.countWithin(first, last - first + 1) ?? 0
    }
  }

  /**
   * `[seqs, unsequenced, ranges, leaves]`, and a fifth member with all that not every producer has. The metrics of its
   * seqs are stored there where an expectation needs them; elsewhere they stand with the contents of its points.
   */
  encode(): Json {
    const { promised, seqs } = this
    const history = this.#history.metrics.filter((metric) => !this.seqs.hasMetric(metric))
    const more: { [key: string]: Json } = {
      ...(this.points === seqs.size ? {} : { points: this.points }),
      ...(this.conflicts === 0 ? {} : { conflicts: this.conflicts }),
      ...(this.noReadings === 0 ? {} : { noReadings: this.noReadings }),
      ...(promised === null || promised.points === null ? {} : { promisedPoints: promised.points }),
      ...(promised === null || promised.metrics === null ? {} : { promisedMetrics: promised.metrics }),
      ...(this.corrects ? { corrects: true } : {}),
      ...(this.replacedBy === null ? {} : { replacedBy: this.replacedBy }),
      ...(this.#rare.closed === null ? {} : { series: this.#rare.closed as unknown as Json }),
      ...(history.length === 0 ? {} : { history }),
      ...(this.#history.sharesSeqs ? { sharedSeqs: true } : {}),
      ...(this.#needsMetrics ? { metrics: this.#encodeMetrics() } : {}),
    }
    const row: Json[] = [seqs.encode(), this.unsequenced, promised?.ranges ?? null, this.leaves]
    return Object.keys(more).length === 0 ? row : [...row, more]
  }

  get #needsMetrics(): boolean {
    return this.#rare.carried !== null || this.#expectsSeveral || (this.promised?.metrics ?? null) !== null
  }

  #encodeMetrics(): Json {
    const seqs = this.#rare.carried ?? this.seqs
    return seqs.metricNames().map((name) => [name, (seqs.ofMetric(name) as SeqSet).encode()])
  }

  /** The contents of its points, in rows of a bounded size. */
  encodeContents(producer: string): EncodedContents[] {
    const timed = [...(this.#timed ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return [
      ...this.seqs
        .metricNames()
        .flatMap((name) => this.#identities.encode(producer, name, this.seqs.ofMetric(name) as SeqSet)),
      ...timed.flatMap(([name, identities]) => identities.encode(producer, name)),
    ]
  }

  /** Takes in stored contents of points that it has. `settleContents` must follow once all are in. */
  loadContents(row: EncodedContents): void {
    if (row.byTime === true) {
      this.#timed ??= new Map()
      const timed = this.#timed.get(row.metric) ?? new TimeIdentities()
      timed.load(row)
      this.#timed.set(row.metric, timed)
      return
    }
    this.seqs.split()
    this.seqs.setOf(row.metric).union(this.#identities.load(row))
  }

  /** Finds the seqs whose metric is not known. */
  settleContents(): void {
    const names = this.seqs.metricNames()
    const known = names.map((name) => (this.seqs.ofMetric(name) as SeqSet).ranges())
    const unknown = known.reduce((rest, ranges) => subtract(rest, ranges, Infinity).ranges, this.seqs.ranges())
    if (unknown.length > 0) this.#rareForWriting().unknown = SeqSet.of(unknown, this.seqs.maxSpan)
    else if (this.#rarities !== null) this.#rarities.unknown = null
    this.seqs.join()
  }

  static decode(json: Json, maxSeqSpan: number, cadenceCount: number | null): ProducerWindow {
    const [seqs, unsequenced, ranges, leaves, more = {}] = json as unknown as EncodedProducerWindow
    const window = new ProducerWindow(maxSeqSpan, cadenceCount)
    window.seqs.union(SeqSet.decode(seqs, maxSeqSpan))
    window.points = more.points ?? window.seqs.size
    window.unsequenced = unsequenced
    window.conflicts = more.conflicts ?? 0
    window.noReadings = more.noReadings ?? 0
    window.replacedBy = more.replacedBy ?? null
    if (leaves) window.#rareForWriting().leaves = true
    if (more.corrects === true) window.#rareForWriting().corrects = true
    if (more.series !== undefined) window.#rareForWriting().closed = more.series
    const { promisedPoints: points = null, promisedMetrics: metrics = null } = more
    if (ranges !== null || points !== null) window.promised = { ranges, points, metrics }
    for (const [name, set] of more.metrics ?? []) {
      window.seqs.split()
      window.seqs.setOf(name).union(SeqSet.decode(set, maxSeqSpan))
    }
    window.history = { metrics: more.history ?? [], sharesSeqs: more.sharedSeqs === true }
    return window
  }
}

type EncodedProducerWindow = readonly [
  seqs: Json,
  unsequenced: number,
  ranges: SeqRanges | null,
  leaves: boolean,
  more?: {
    readonly points?: number
    readonly conflicts?: number
    readonly noReadings?: number
    readonly promisedPoints?: number
    readonly promisedMetrics?: readonly string[]
    readonly corrects?: true
    readonly replacedBy?: string
    readonly series?: readonly ClosedSeries[]
    readonly history?: readonly string[]
    readonly sharedSeqs?: true
    readonly metrics?: readonly (readonly [name: string, seqs: Json])[]
  },
]

function uniteClosed(
  a: readonly ClosedSeries[] | null,
  b: readonly ClosedSeries[] | null,
): readonly ClosedSeries[] | null {
  if (a === null || b === null) return a ?? b
  const byMetric = new Map(a.map((one) => [one.metric, one]))
  for (const late of b) {
    const known = byMetric.get(late.metric)
    byMetric.set(late.metric, known === undefined ? late : { ...known, filled: unite(known.filled, late.filled) })
  }
  return [...byMetric.values()].sort((one, other) => (one.metric < other.metric ? -1 : 1))
}

function isWithin(ranges: SeqRanges, seq: number): boolean {
  for (const [first, last] of ranges) if (seq >= first && seq <= last) return true
  return false
}
