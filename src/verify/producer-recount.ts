/** Recounts what one producer sent and promised in one VM window. */
import type { DataPoint, DurationMs, EpochMs, WindowManifest } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { expectedSlots, nearestSlot, unfilledOf, type SeriesRecount } from './cadence.ts'
import { promiseWith, type PromiseRecount } from './promise.ts'
import { Seqs, seqCountOf } from './seqs.ts'

/** What was known of a producer before a window closed. */
export interface ProducerBefore {
  /** Metrics that earlier windows had of it. */
  readonly metrics: readonly string[]
  /** Whether its samples shared their seqs. */
  readonly sharesSeqs: boolean
}

interface HeldContent {
  readonly timestamp: number
  /** `null`: no reading. */
  readonly value: number | null
  readonly offset: number
}

const NOTHING_BEFORE: ProducerBefore = { metrics: [], sharesSeqs: false }

export class ProducerRecount {
  readonly seqs = new Seqs()
  /** By seq and metric: the content of each point, and the offset of its record. */
  readonly contents = new Map<string, HeldContent>()
  conflicts = 0
  unsequenced = 0
  /** Of points that are identified by their timestamp, by timestamp and metric: the value, `null` for no reading. */
  readonly byTime = new Map<string, number | null>()
  /** Number of those by metric. */
  readonly countsByTime = new Map<string, number>()
  /** Points without a value. */
  noReadings = 0
  /** `null` if no manifest arrived. */
  promised: PromiseRecount | null = null
  leaves = false
  /** The producer that replaced it while the window was open. */
  replacedBy: string | null = null
  before = NOTHING_BEFORE
  /** By metric, under a cadence: what the closed window expects of the producer. */
  readonly series = new Map<string, SeriesRecount>()

  received(): number {
    return this.contents.size + this.unsequenced - this.noReadings
  }

  /** Whether any record of it counts; it is a mere part of the window otherwise. */
  isHeard(): boolean {
    return this.received() > 0 || this.noReadings > 0 || this.conflicts > 0 || this.promised !== null
  }

  add({ seq, metric, timestamp, value }: DataPoint, offset: number, hasValue: boolean): void {
    if (!hasValue) this.noReadings++
    if (seq === null) {
      this.unsequenced++
      return
    }
    this.seqs.add(seq)
    this.contents.set(contentKey(seq, metric), { timestamp, value: hasValue ? value : null, offset })
  }

  promise(manifest: WindowManifest): void {
    const promised = promiseWith(this.promised, manifest)
    if (promised !== 'mixed') this.promised = promised
  }

  /** The number of expected points; `null` if nothing states it. */
  expected(rules: Windowing): number | null {
    const { promised } = this
    if (promised !== null) {
      return promised.counts === 'points'
        ? promised.points
        : seqCountOf(promised.ranges) * this.#metricsPerSample(promised).length
    }
    const hasCadence = rules.expectEveryMs !== null
    // Its slots, if any, are those of its successor.
    if (this.replacedBy !== null) return hasCadence ? 0 : this.received()
    return hasCadence ? [...this.series.values()].reduce((sum, { expected }) => sum + expected.length, 0) : null
  }

  missingCount(): number {
    const { promised } = this
    if (promised === null) {
      if (this.replacedBy !== null) return 0
      return [...this.series.values()].reduce((sum, one) => sum + unfilledOf(one), 0)
    }
    if (promised.counts === 'points') return Math.max(0, promised.points - this.#receivedOf(promised.metrics))
    const seqs = promisedSeqs(promised)
    const lacking = (metric: string | null): number => seqs.filter((seq) => !this.#has(seq, metric)).length
    return this.#metricsPerSample(promised).reduce((sum, metric) => sum + lacking(metric), 0)
  }

  isComplete(rules: Windowing): boolean {
    if (this.conflicts > 0 || this.missingCount() > 0) return false
    if (this.promised !== null || this.replacedBy !== null) return true
    return rules.expectEveryMs !== null && this.series.size > 0
  }

  /** Promised seqs that lack a point of any expected metric. */
  missing(): number[] {
    const { promised } = this
    if (promised === null) return []
    const metrics = this.#metricsPerSample(promised)
    return promisedSeqs(promised).filter((seq) => metrics.some((metric) => !this.#has(seq, metric)))
  }

  /** Received seqs that no manifest promised, if manifests promise samples. */
  unexpected(): number[] {
    return this.promised?.counts === 'samples' ? this.seqs.outside(this.promised.ranges) : []
  }

  /** Whether points of several metrics share a seq. */
  sharesSeqs(): boolean {
    return this.contents.size > this.seqs.size
  }

  /** Metrics of its points with a seq. */
  metricNames(): string[] {
    return [...new Set([...this.contents.keys()].map((key) => key.slice(key.indexOf(' ') + 1)))]
  }

  /** A late record lets the closed window expect a metric, if it did not. `phase`: the one that its series then has. */
  expectLate(metric: string, phase: DurationMs, window: EpochMs, rules: Windowing): void {
    if (this.series.has(metric)) return
    this.series.set(metric, { phase, expected: expectedSlots(window, phase, rules), filled: new Set() })
  }

  fillLate(metric: string, timestamp: EpochMs, everyMs: DurationMs): void {
    const series = this.series.get(metric)
    series?.filled.add(nearestSlot(timestamp, series.phase, everyMs))
  }

  /** The metrics that each promised sample must have; `[null]`: whichever comes. */
  #metricsPerSample({ metrics }: PromiseRecount): readonly (string | null)[] {
    if (metrics !== null) return metrics
    if (!this.sharesSeqs() && !this.before.sharesSeqs) return [null]
    return [...new Set([...this.metricNames(), ...this.before.metrics])]
  }

  #receivedOf(metrics: readonly string[] | null): number {
    if (metrics === null) return this.contents.size
    return [...this.contents.keys()].filter((key) => metrics.includes(key.slice(key.indexOf(' ') + 1))).length
  }

  #has(seq: number, metric: string | null): boolean {
    return metric === null ? this.seqs.has(seq) : this.contents.has(contentKey(seq, metric))
  }
}

export function contentKey(seq: number, metric: string): string {
  return `${seq} ${metric}`
}

function promisedSeqs({ ranges }: PromiseRecount): number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
}
