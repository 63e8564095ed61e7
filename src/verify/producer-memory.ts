/**
 * What outlives the windows of a partition: the roster, the metrics that each producer sent, the slots of its series, and who
 * replaced whom. docs/concepts.md specifies it. The windows themselves are in partition-recount.ts.
 */
import { windowEndAfter } from './windows.ts'
import type { DurationMs, EpochMs } from '../core/point.ts'
import type { Windowing } from '../core/windowing.ts'
import { expectedSlots, nearestSlot, phaseBy, type SeriesRecount } from './cadence.ts'
import type { ProducerBefore, ProducerRecount } from './producer-recount.ts'

interface RosterEntry {
  /** Closed windows in a row in which nothing came from the producer. */
  missed: number
  /** The producer that replaced it; then no window waits for it. */
  readonly replacedBy: string | null
}

/** One metric of one producer. */
interface Series {
  /** Closed windows in a row without a point of it; `null` if no window with a point of it has closed. */
  missed: number | null
  /** `null` before the first point. */
  phase: DurationMs | null
  filled: Set<number>
  /** Open windows with a point of it. */
  readonly windows: Set<EpochMs>
}

interface Known {
  readonly series: Map<string, Series>
  sharesSeqs: boolean
}

/** The producers of a VM in one window. */
export type ProducersOfVm = ReadonlyMap<string, ProducerRecount>

export class ProducerMemory {
  readonly #rules: Windowing
  readonly #roster = new Map<string, Map<string, RosterEntry>>()
  readonly #known = new Map<string, Map<string, Known>>()

  constructor(rules: Windowing) {
    this.#rules = rules
  }

  /** VMs with producers that a window waits for, and these producers. */
  *awaited(): Generator<readonly [vmId: string, producers: string[]]> {
    for (const [vmId, entries] of this.#roster) {
      const producers = [...entries].flatMap(([name, { replacedBy }]) => (replacedBy === null ? [name] : []))
      if (producers.length > 0) yield [vmId, producers.sort()]
    }
  }

  #isAwaited(vmId: string, name: string): boolean {
    return this.#roster.get(vmId)?.get(name)?.replacedBy === null
  }

  replacedBy(vmId: string, name: string): string | null {
    return this.#roster.get(vmId)?.get(name)?.replacedBy ?? null
  }

  /**
   * The producer replaces all others of its VM, if it says so or appears for the first time. `open`: the producers of the VM in
   * each open window. Returns those that it replaces, and whether a window waited for any of them.
   */
  replace(
    vmId: string,
    name: string,
    saysSo: boolean,
    open: readonly ProducersOfVm[],
  ): { readonly replaced: readonly string[]; readonly wereAwaited: boolean } {
    const entries = this.#roster.get(vmId) ?? new Map<string, RosterEntry>()
    const parts = open.flatMap((producers) => [...producers])
    const isReplaced =
      this.replacedBy(vmId, name) !== null ||
      parts.some(([other, { replacedBy }]) => other === name && replacedBy !== null)
    const isKnown = entries.has(name) || parts.some(([other]) => other === name)
    if (isReplaced || (isKnown && !saysSo)) return { replaced: [], wereAwaited: false }
    const others = new Set<string>()
    for (const [other, { replacedBy }] of [...entries, ...parts]) {
      if (other !== name && replacedBy === null) others.add(other)
    }
    const replaced = [...others].sort()
    const wereAwaited = replaced.some((other) => this.#isAwaited(vmId, other))
    for (const other of replaced) {
      this.#setRoster(vmId, other, { missed: 0, replacedBy: name })
      this.#passOn(vmId, other, name)
    }
    return { replaced, wereAwaited }
  }

  /** The series of a replaced producer become those of its successor. */
  #passOn(vmId: string, from: string, to: string): void {
    const theirs = this.#known.get(vmId)?.get(from)
    if (theirs === undefined) return
    const own = this.#knownOf(vmId, to)
    for (const [metric, { missed, phase, filled, windows }] of theirs.series) {
      const series = seriesOf(own, metric)
      series.phase ??= phase
      if (missed !== null) series.missed = Math.min(series.missed ?? missed, missed)
      for (const slot of filled) series.filled.add(slot)
      for (const window of windows) series.windows.add(window)
    }
    own.sharesSeqs ||= theirs.sharesSeqs
    this.#known.get(vmId)?.delete(from)
  }

  /** The producer whose slots a point of this one fills: its own or those of its successor. */
  fillerOf(vmId: string, name: string): string {
    const next = this.replacedBy(vmId, name)
    return next === null ? name : this.fillerOf(vmId, next)
  }

  /** A point of an open window. Slots before `openFrom` belong to closed windows. */
  fill(vmId: string, name: string, metric: string, timestamp: EpochMs, window: EpochMs, openFrom: EpochMs): void {
    const series = seriesOf(this.#knownOf(vmId, this.fillerOf(vmId, name)), metric)
    series.phase ??= phaseBy(timestamp, this.#everyMs)
    series.windows.add(window)
    this.#fillSlot(series, timestamp, openFrom)
  }

  /** A point of a closed window; it may fill a slot of an open one. */
  fillLate(vmId: string, name: string, metric: string, timestamp: EpochMs, openFrom: EpochMs): void {
    const series = this.#known.get(vmId)?.get(this.fillerOf(vmId, name))?.series.get(metric)
    if (series !== undefined) this.#fillSlot(series, timestamp, openFrom)
  }

  #fillSlot({ phase, filled }: Series, timestamp: EpochMs, openFrom: EpochMs): void {
    if (phase === null) return
    const slot = nearestSlot(timestamp, phase, this.#everyMs)
    if (phase + slot * this.#everyMs >= openFrom) filled.add(slot)
  }

  /** The phase of a series, `null` if none is known. */
  phaseOf(vmId: string, name: string, metric: string): DurationMs | null {
    return this.#known.get(vmId)?.get(name)?.series.get(metric)?.phase ?? null
  }

  /** What is known of a producer before the window closes that is about to close. */
  before(vmId: string, name: string): ProducerBefore {
    const known = this.#known.get(vmId)?.get(name)
    return { metrics: known === undefined ? [] : rememberedOf(known), sharesSeqs: known?.sharesSeqs === true }
  }

  /** By metric, what a closing window expects of a producer, and what came. */
  expectedOf(vmId: string, name: string, window: EpochMs): Map<string, SeriesRecount> {
    const known = this.#known.get(vmId)?.get(name)?.series ?? new Map<string, Series>()
    const isExpected = ([, { missed, windows }]: readonly [string, Series]): boolean =>
      missed !== null || windows.has(window)
    const metrics = new Set([...this.#rules.expectMetrics, ...[...known].filter(isExpected).map(([metric]) => metric)])
    return new Map(
      [...metrics].map((metric) => {
        const { phase = null, filled = [] } = known.get(metric) ?? {}
        const expected = expectedSlots(window, phase ?? 0, this.#rules)
        return [metric, { phase: phase ?? 0, expected, filled: new Set(filled) }]
      }),
    )
  }

  /** The window has closed with these producers. */
  close(window: EpochMs, vms: ReadonlyMap<string, ProducersOfVm>): void {
    const { rosterWindows } = this.#rules
    for (const [vmId, entries] of this.#roster) {
      for (const [name, entry] of entries) {
        if (vms.get(vmId)?.get(name)?.isHeard() === true) continue
        if (++entry.missed >= rosterWindows) this.leave(vmId, name)
      }
    }
    for (const [vmId, producers] of vms) {
      for (const [name, producer] of producers) {
        if (producer.leaves) this.leave(vmId, name)
        else if (producer.isHeard()) this.#setRoster(vmId, name, { missed: 0, replacedBy: producer.replacedBy })
        for (const metric of producer.metricNames()) seriesOf(this.#knownOf(vmId, name), metric).windows.add(window)
      }
    }
    for (const [vmId, producers] of this.#known) {
      for (const [name, known] of producers) {
        this.#closeOne(window, known, vms.get(vmId)?.get(name))
        if (!this.#isAwaited(vmId, name)) forgetMetrics(known)
        for (const [metric, { missed, windows }] of known.series) {
          if (missed === null && windows.size === 0) known.series.delete(metric)
        }
        if (known.series.size === 0) producers.delete(name)
      }
    }
  }

  #closeOne(window: EpochMs, known: Known, sent: ProducerRecount | undefined): void {
    const end = windowEndAfter(window, this.#rules)
    for (const series of known.series.values()) {
      if (series.windows.delete(window)) series.missed = 0
      else if (series.missed !== null && ++series.missed >= this.#rules.rosterWindows) series.missed = null
      const isOpen = (slot: number): boolean => (series.phase ?? 0) + slot * this.#everyMs >= end
      series.filled = new Set([...series.filled].filter(isOpen))
    }
    const numbersPoints = (sent?.metricNames().length ?? 0) > 1 || rememberedOf(known).length < 2
    known.sharesSeqs = sent?.sharesSeqs() === true || (known.sharesSeqs && !numbersPoints)
  }

  /** The producer is on the roster no more. */
  leave(vmId: string, name: string): void {
    const entries = this.#roster.get(vmId)
    entries?.delete(name)
    if (entries?.size === 0) this.#roster.delete(vmId)
  }

  get #everyMs(): DurationMs {
    return this.#rules.expectEveryMs ?? NaN
  }

  #setRoster(vmId: string, name: string, entry: RosterEntry): void {
    const entries = this.#roster.get(vmId)
    if (entries === undefined) this.#roster.set(vmId, new Map([[name, entry]]))
    else entries.set(name, entry)
  }

  #knownOf(vmId: string, name: string): Known {
    let producers = this.#known.get(vmId)
    if (producers === undefined) this.#known.set(vmId, (producers = new Map<string, Known>()))
    let known = producers.get(name)
    if (known === undefined) producers.set(name, (known = { series: new Map<string, Series>(), sharesSeqs: false }))
    return known
  }
}

function seriesOf({ series }: Known, metric: string): Series {
  let one = series.get(metric)
  if (one === undefined) {
    series.set(metric, (one = { missed: null, phase: null, filled: new Set(), windows: new Set() }))
  }
  return one
}

function rememberedOf({ series }: Known): string[] {
  return [...series].flatMap(([metric, { missed }]) => (missed === null ? [] : [metric]))
}

function forgetMetrics(known: Known): void {
  for (const series of known.series.values()) series.missed = null
  known.sharesSeqs = false
}
