/**
 * A naive oracle: what the results of one partition must say, by the rules of docs/concepts.md over plain maps. It gets raw
 * lines in the order of their offsets, and shares no code with src/. When a window closes or is amended it takes from the
 * certificates (`Effect`); fates, figures, expectations and completeness it decides itself. It keeps every point for ever and
 * computes each result from all of them, so it is slow and simple. producer.ts decides what a producer's window lacks.
 */
import { exactSum, nearestDouble } from '../core/exact-rational.ts'
import { NaiveWindows, type NaiveWindowRules } from './naive-windows.ts'
import { Producer, type Point, type Promised } from './producer.ts'

export interface OracleRules extends NaiveWindowRules {
  readonly amendWindows: number
  readonly rosterWindows: number
  readonly stateWindows: number
  readonly expectEveryMs: number | null
  readonly expectMetrics: readonly string[]
  readonly producerRestarts: 'keep' | 'replace'
  /** Points without a seq are identified by their timestamps. */
  readonly identity?: 'time'
  readonly maxSeqSpan: number
  readonly maxMetricsPerVm: number
  readonly maxProducersPerVm: number
}

/** After the record at `cut` the window that starts at `closed` closed, and all that was pending amended its windows. */
export interface Effect {
  readonly cut: number
  /** `null`: nothing but amendments. */
  readonly closed: number | null
  readonly trigger: string
}

export interface OracleResult {
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly reason: string
  readonly expected: number | null
  readonly received: number
  readonly noReadings: number
  readonly duplicates: number
  readonly conflicts: number
  /** Seqs. */
  readonly missing: readonly number[]
  readonly missingCount: number
  readonly unexpected: readonly number[]
  readonly deduplicated: boolean
  /** `name expected received [replaced]` */
  readonly producers: readonly string[]
  /** By metric: count, sum, min, max. */
  readonly metrics: Readonly<Record<string, readonly number[]>>
  /** Points of the VM's life, by metric, with those of this window. */
  readonly lifetime: Readonly<Record<string, number>>
}

export interface OracleAnswer {
  readonly results: readonly OracleResult[]
  /** `offset reason`, of a conflict with the offset of the record that holds the identity. */
  readonly deadLetters: readonly string[]
  /** Consumed, accepted, duplicate, conflict, late, rejected, manifests and no readings after each effect, and at the end. */
  readonly fates: readonly (readonly number[])[]
}

type Lifetime = Readonly<Record<string, number>>
type Fate = 'accepted' | 'duplicate' | 'conflict' | 'late' | 'rejected' | 'manifests' | 'noReading'
/** A record's fate, and the reason of its dead letter. */
type Outcome = readonly [fate: Fate, deadLetter?: string]
interface RawLine {
  readonly offset: number
  readonly text: string
}
interface RawManifest {
  readonly vmId: string
  readonly producer?: string
  readonly windowStart: number
  readonly firstSeq?: number
  readonly count: number
  readonly counts?: 'samples' | 'points'
  readonly metrics?: readonly string[]
  readonly corrects?: boolean
  readonly replaces?: boolean
  readonly last?: boolean
}
interface Vm {
  readonly producers: Map<string, Producer>
  /** Producers that were waited for in vain. */
  readonly silent: Map<string, Producer>
  duplicates: number
  /** 0: it has no result. */
  revision: number
  /** The VM's state before the window, as the last revision had it. */
  prior: string
  isPending: boolean
}
interface Window {
  readonly start: number
  trigger: string
  /** No record came for it before a later one closed. */
  isSkipped: boolean
  readonly vms: Map<string, Vm>
}
interface Series {
  phase: number | null
  /** Closed windows without it since it was remembered; `null`: it is not remembered. */
  missed: number | null
  slots: Set<number>
  /** Open windows that hold a point of it. */
  windows: Set<number>
}
/** What the windows before say of a producer. */
interface Memory {
  series: Map<string, Series>
  sharesSeqs: boolean
}
interface RosterRow {
  missed: number
  replacedBy: string | null
}

/** The entry of a map, made where it is missing. */
function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}
const newVm = (): Vm => ({
  ...{ producers: new Map<string, Producer>(), silent: new Map<string, Producer>(), duplicates: 0 },
  ...{ revision: 0, prior: '', isPending: false },
})
const newWindow = (start: number): Window => ({ start, trigger: 'grace', isSkipped: false, vms: new Map() })
const newMemory = (): Memory => ({ series: new Map(), sharesSeqs: false })
const newSeries = (): Series => ({ phase: null, missed: null, slots: new Set(), windows: new Set() })

export class Oracle {
  readonly #rules: OracleRules
  readonly #open = new Map<number, Window>()
  /** All that ever closed, oldest first. */
  #closed: Window[] = []
  /** Those that late records can still amend. */
  #remembered: Window[] = []
  readonly #windows: NaiveWindows
  #closedThrough = -Infinity
  readonly #roster = new Map<string, Map<string, RosterRow>>()
  readonly #memories = new Map<string, Map<string, Memory>>()
  readonly #fates = {
    ...{ consumed: 0, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0, manifests: 0 },
    noReading: 0,
  }
  #pendingPoints = 0
  readonly #results: OracleResult[] = []
  readonly #deadLetters: string[] = []

  constructor(rules: OracleRules) {
    this.#rules = rules
    this.#windows = new NaiveWindows(rules)
  }

  answer(lines: readonly RawLine[], effects: readonly Effect[]): OracleAnswer {
    const fates: number[][] = []
    let next = 0
    const foldThrough = (cut: number): void => {
      for (let line = lines[next]; line !== undefined && line.offset <= cut; line = lines[++next]) this.#fold(line)
    }
    for (const effect of effects) {
      foldThrough(effect.cut)
      this.#take(effect)
      fates.push(Object.values(this.#fates))
    }
    foldThrough(Infinity)
    return { results: this.#results, deadLetters: this.#deadLetters, fates: [...fates, Object.values(this.#fates)] }
  }

  #fold({ offset, text }: RawLine): void {
    this.#fates.consumed++
    const [fate, reason] = this.#fateOf(text, offset)
    this.#fates[fate]++
    if (reason !== undefined) this.#deadLetters.push(`${offset} ${reason}`)
  }

  #fateOf(text: string, offset: number): Outcome {
    let json: { readonly [member: string]: unknown }
    try {
      json = JSON.parse(text) as typeof json
    } catch {
      return ['rejected', 'undecodable']
    }
    if (json['manifest'] !== undefined) return this.#manifest(json['manifest'] as RawManifest)
    if (json['metric'] === undefined) return ['rejected', 'invalid']
    const { producer = '', seq = null } = json
    return this.#point({ ...json, producer, seq, offset } as unknown as Point, json['replaces'] === true)
  }

  #point(point: Point, replaces: boolean): Outcome {
    const { vmId, producer, metric, timestamp, seq, value } = point
    const { maxMetricsPerVm, expectEveryMs } = this.#rules
    const hasValue = value !== null
    if (hasValue && Math.abs(value) > 1e140) return ['rejected', 'value-out-of-range']
    if (Math.abs(timestamp) > 8.64e15) return ['rejected', 'timestamp-out-of-range']
    const start = this.#windows.startOf(timestamp)
    const isLate = start <= this.#closedThrough
    if (isLate && !hasValue) return ['noReading']
    if (isLate && !this.#isAmendable(start)) return ['late', 'too-late']
    const window = isLate ? this.#closedWindow(start) : at(this.#open, start, () => newWindow(start))
    const vm = at(window.vms, vmId, newVm)
    const metrics = new Set([...vm.producers.values()].flatMap(({ points }) => points.map((one) => one.metric)))
    if (!metrics.has(metric) && metrics.size >= maxMetricsPerVm) return ['rejected', 'too-many-metrics']
    if (this.#isFull(vm, producer)) return ['rejected', 'too-many-producers']
    if (!isLate) this.#replaceOthers(vmId, producer, replaces)
    const sent = this.#producer(vm, vmId, producer, isLate)
    if (seq !== null || this.#rules.identity === 'time') {
      const isSame = (one: Point): boolean => one.seq === seq && (seq !== null || one.timestamp === timestamp)
      const holder = sent.points.find((one) => one.metric === metric && isSame(one))
      if (holder !== undefined && holder.timestamp === timestamp && holder.value === value) {
        if (!isLate) vm.duplicates++
        return ['duplicate']
      }
      if (holder !== undefined) {
        sent.conflicts++
        vm.isPending ||= isLate
        return ['conflict', `conflict ${holder.offset}`]
      }
      if (this.#isBeyondSpan(sent, seq, metric)) return ['rejected', 'seq-span']
    }
    sent.points.push(point)
    if (expectEveryMs !== null) this.#fillSlots(point, window, isLate)
    if (!hasValue) return ['noReading']
    if (!isLate) return ['accepted']
    vm.isPending = true
    this.#pendingPoints++
    return ['late']
  }

  #manifest(manifest: RawManifest): Outcome {
    const { vmId, producer: name = '', windowStart: start, firstSeq = 0, count, counts = 'samples' } = manifest
    const { metrics: named = null, corrects = false, replaces = false, last = false } = manifest
    const { maxSeqSpan, maxMetricsPerVm } = this.#rules
    if (this.#windows.startOf(start) !== start) return ['rejected', 'manifest-misaligned']
    const mostPerSeq = counts === 'points' ? maxMetricsPerVm : 1
    if (count > (maxSeqSpan + 1) * mostPerSeq) return ['rejected', 'manifest-too-large']
    if (named !== null && named.length > maxMetricsPerVm) return ['rejected', 'manifest-too-large']
    const isLate = start <= this.#closedThrough
    const leaves = (): void => {
      if (isLate && replaces) this.#replaceOthers(vmId, name, true)
      if (isLate && last) this.#roster.get(vmId)?.delete(name)
    }
    if (isLate && !this.#isAmendable(start)) {
      leaves()
      return ['manifests', 'too-late']
    }
    const window = isLate ? this.#closedWindow(start) : at(this.#open, start, () => newWindow(start))
    const vm = at(window.vms, vmId, newVm)
    if (this.#isFull(vm, name)) return ['rejected', 'too-many-producers']
    const before = vm.producers.get(name)?.promised ?? null
    if (before !== null && !corrects && before.counts !== counts) return ['rejected', 'manifest-mixed']
    const metrics = named && [...new Set(named)].sort()
    const united = new Set([...(corrects ? [] : (before?.metrics ?? [])), ...(metrics ?? [])])
    if (united.size > maxMetricsPerVm) return ['rejected', 'manifest-too-large']
    if (!isLate) this.#replaceOthers(vmId, name, replaces)
    leaves()
    const producer = this.#producer(vm, vmId, name, isLate)
    const seqs = new Set(counts === 'samples' ? Array.from({ length: count }, (_, i) => firstSeq + i) : [])
    const said: Promised = { counts, seqs, count: counts === 'points' ? count : 0, metrics }
    const isNew = producer.promise(said, corrects)
    if (isLate) vm.isPending ||= isNew
    else producer.leaves ||= last
    return ['manifests']
  }

  /** Without a seq, there are as many points of a metric as the span has seqs. */
  #isBeyondSpan({ seqs, points }: Producer, seq: number | null, metric: string): boolean {
    const { maxSeqSpan } = this.#rules
    if (seq === null) return points.filter((one) => one.seq === null && one.metric === metric).length > maxSeqSpan
    const all = [...seqs, seq]
    return Math.max(...all) - Math.min(...all) > maxSeqSpan
  }

  #isFull({ producers }: Vm, name: string): boolean {
    return !producers.has(name) && producers.size >= this.#rules.maxProducersPerVm
  }

  #isAmendable(start: number): boolean {
    if (this.#closedThrough === -Infinity) return true
    return (
      start > this.#windows.back(this.#closedThrough, this.#rules.amendWindows) ||
      this.#remembered.some((one) => one.start === start)
    )
  }

  #closedWindow(start: number): Window {
    const known = this.#remembered.find((one) => one.start === start)
    if (known !== undefined) return known
    const skipped = { ...newWindow(start), isSkipped: true }
    this.#remembered = [...this.#remembered, skipped].sort((a, b) => a.start - b.start)
    this.#closed = [...this.#closed, skipped].sort((a, b) => a.start - b.start)
    return skipped
  }

  #producer(vm: Vm, vmId: string, name: string, isLate: boolean): Producer {
    const replacedBy = isLate ? null : (this.#rosterOf(vmId).get(name)?.replacedBy ?? null)
    const producer = at(vm.producers, name, () => vm.silent.get(name) ?? new Producer(replacedBy))
    vm.silent.delete(name)
    return producer
  }

  #rosterOf(vmId: string): Map<string, RosterRow> {
    return at(this.#roster, vmId, () => new Map<string, RosterRow>())
  }

  /** Producers of the VM that a window waits for, whatever it holds. */
  #waitedFor(vmId: string): string[] {
    return [...this.#rosterOf(vmId)].flatMap(([name, { replacedBy }]) => (replacedBy === null ? [name] : []))
  }

  #memory(vmId: string, producer: string): Memory {
    return at(
      at(this.#memories, vmId, () => new Map<string, Memory>()),
      producer,
      newMemory,
    )
  }

  #replaceOthers(vmId: string, name: string, saysSo: boolean): void {
    const hasCadence = this.#rules.expectEveryMs !== null
    const open = [...this.#open.values()].flatMap(({ vms }) => [...(vms.get(vmId)?.producers ?? [])])
    const own = open.filter(([other]) => other === name)
    const isKnown = this.#rosterOf(vmId).has(name) || own.length > 0
    const isReplaced = [this.#rosterOf(vmId).get(name), ...own.map(([, one]) => one)].some(
      (one) => (one?.replacedBy ?? null) !== null,
    )
    if (isReplaced || (!saysSo && (isKnown || this.#rules.producerRestarts === 'keep'))) return
    const waitedFor = this.#waitedFor(vmId).filter((other) => other !== name)
    const heard = open.flatMap(([other, { replacedBy }]) => (replacedBy === null && other !== name ? [other] : []))
    const others = [...new Set([...waitedFor, ...heard])].sort()
    for (const { vms } of hasCadence && others.length > 0 ? this.#open.values() : []) {
      const isExpected = waitedFor.length > 0 || others.some((other) => vms.get(vmId)?.producers.has(other) === true)
      if (isExpected) at(at(vms, vmId, newVm).producers, name, () => new Producer())
    }
    const memory = this.#memory(vmId, name)
    for (const other of others) {
      this.#rosterOf(vmId).set(other, { missed: 0, replacedBy: name })
      for (const [theirs, producer] of open) if (theirs === other) producer.replacedBy = name
      const { series, sharesSeqs } = this.#memory(vmId, other)
      this.#memories.get(vmId)?.delete(other)
      memory.sharesSeqs ||= sharesSeqs
      for (const [metric, theirs] of series) {
        const ours = at(memory.series, metric, newSeries)
        ours.phase ??= theirs.phase
        if (theirs.missed !== null) ours.missed = Math.min(ours.missed ?? Infinity, theirs.missed)
        for (const slot of theirs.slots) if (this.#isOpenSlot(slot, theirs.phase ?? 0)) ours.slots.add(slot)
        for (const start of theirs.windows) ours.windows.add(start)
      }
    }
  }

  #phaseOf(timestamp: number): number {
    const everyMs = this.#rules.expectEveryMs as number
    const into = ((timestamp % everyMs) + everyMs) % everyMs
    return Math.min(into, everyMs - into) <= everyMs / 4 ? 0 : into
  }

  #slotOf(timestamp: number, phase: number): number {
    return Math.floor((timestamp - phase) / (this.#rules.expectEveryMs as number) + 1 / 2)
  }

  /** What a window expects of a metric. */
  #expectedSlots(window: Window, phase: number, slots: ReadonlySet<number>) {
    const everyMs = this.#rules.expectEveryMs as number
    const first = Math.ceil((window.start - phase) / everyMs)
    const end = Math.ceil((this.#windows.endOf(window.start) - phase) / everyMs)
    return { phase, first, end, filled: new Set([...slots].filter((slot) => slot >= first && slot < end)) }
  }

  #fillSlots({ vmId, producer: name, metric, timestamp }: Point, window: Window, isLate: boolean): void {
    if (isLate) this.#fillClosed({ vmId, name, metric, timestamp }, window)
    let filler = name
    for (let next: string | null = name; next !== null; next = this.#rosterOf(vmId).get(next)?.replacedBy ?? null) {
      filler = next
    }
    const { series } = this.#memory(vmId, filler)
    if (isLate && (series.get(metric)?.phase ?? null) === null) return
    const one = at(series, metric, newSeries)
    one.phase ??= this.#phaseOf(timestamp)
    if (!isLate) one.windows.add(window.start)
    const slot = this.#slotOf(timestamp, one.phase)
    if (this.#isOpenSlot(slot, one.phase)) one.slots.add(slot)
  }

  /** Slots of windows that have closed stay as they are. */
  #isOpenSlot(slot: number, phase: number): boolean {
    if (this.#closedThrough === -Infinity) return true
    return phase + slot * (this.#rules.expectEveryMs as number) >= this.#windows.endOf(this.#closedThrough)
  }

  #fillClosed(
    { vmId, name, metric, timestamp }: { vmId: string; name: string; metric: string; timestamp: number },
    window: Window,
  ): void {
    const vm = at(window.vms, vmId, newVm)
    let owner = name
    for (let next: string | null = name; next !== null && vm.producers.has(next);) {
      owner = next
      next = vm.producers.get(next)?.replacedBy ?? null
    }
    const producer = vm.producers.get(owner) as Producer
    const { series } = this.#memory(vmId, owner)
    if (producer.closed === null) {
      producer.closed = new Map()
      for (const one of this.#rules.expectMetrics) {
        producer.closed.set(one, this.#expectedSlots(window, series.get(one)?.phase ?? 0, new Set()))
      }
    }
    const known = at(producer.closed, metric, () => {
      return this.#expectedSlots(window, series.get(metric)?.phase ?? this.#phaseOf(timestamp), new Set())
    })
    const slot = this.#slotOf(timestamp, known.phase)
    if (slot >= known.first && slot < known.end) known.filled.add(slot)
  }

  #take({ closed, trigger }: Effect): void {
    if (closed !== null)
      this.#close(
        at(this.#open, closed, () => newWindow(closed)),
        trigger,
      )
    this.#fates.accepted += this.#pendingPoints
    this.#fates.late -= this.#pendingPoints
    this.#pendingPoints = 0
    for (const window of this.#closed) {
      for (const [vmId, vm] of [...window.vms].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const prior = JSON.stringify(this.#lifetimeBefore(window, vmId))
        const isFirst = window.start === closed
        const isCascaded = vm.revision > 0 && prior !== vm.prior
        if (!isFirst && !vm.isPending && !isCascaded) continue
        vm.isPending = false
        vm.prior = prior
        vm.revision++
        this.#results.push(this.#resultOf(window, vmId, vm))
      }
    }
    this.#remembered = this.#remembered.slice(-this.#rules.amendWindows)
  }

  #close(window: Window, trigger: string): void {
    window.trigger = trigger
    for (const vmId of this.#roster.keys()) if (this.#waitedFor(vmId).length > 0) at(window.vms, vmId, newVm)
    for (const [vmId, vm] of window.vms) {
      const silent = this.#waitedFor(vmId).filter((name) => !vm.producers.has(name))
      for (const name of silent) {
        const map = this.#rules.expectEveryMs === null ? vm.silent : vm.producers
        map.set(name, new Producer())
      }
      for (const [name, producer] of [...vm.producers, ...vm.silent]) this.#freeze(window, vmId, name, producer)
    }
    for (const [vmId, vm] of window.vms) this.#advanceRoster(vmId, vm)
    for (const vmId of this.#roster.keys()) if (!window.vms.has(vmId)) this.#advanceRoster(vmId, newVm())
    for (const [vmId, memories] of this.#memories) {
      for (const [name, memory] of memories) {
        this.#advance(memory, window, window.vms.get(vmId)?.producers.get(name) ?? new Producer())
        if (this.#waitedFor(vmId).includes(name)) continue
        memory.sharesSeqs = false
        for (const series of memory.series.values()) series.missed = null
        this.#forget(memory)
      }
    }
    this.#open.delete(window.start)
    this.#closed = [...this.#closed, window].sort((a, b) => a.start - b.start)
    this.#remembered = [...this.#remembered, window].sort((a, b) => a.start - b.start)
    this.#closedThrough = window.start
  }

  /** Notes what the closing window may expect of a producer by what came before. */
  #freeze(window: Window, vmId: string, name: string, producer: Producer): void {
    const { series, sharesSeqs } = this.#memory(vmId, name)
    producer.remembered = [...series].flatMap(([metric, { missed }]) => (missed === null ? [] : [metric]))
    producer.sharedBefore = sharesSeqs
    if (this.#rules.expectEveryMs === null || producer.replacedBy !== null) return
    const { expectMetrics } = this.#rules
    const expected = new Set(expectMetrics)
    for (const [metric, one] of series) if (one.missed !== null || one.windows.has(window.start)) expected.add(metric)
    producer.closed = new Map(
      [...expected].map((metric) => {
        const { phase, slots } = series.get(metric) ?? newSeries()
        return [metric, this.#expectedSlots(window, phase ?? 0, slots)]
      }),
    )
  }

  #advanceRoster(vmId: string, { producers }: Vm): void {
    const roster = this.#rosterOf(vmId)
    for (const [name, row] of roster) {
      if (producers.get(name)?.isHeard === true) continue
      if (++row.missed >= this.#rules.rosterWindows) roster.delete(name)
    }
    for (const [name, { isHeard, leaves, replacedBy }] of producers) {
      if (leaves) roster.delete(name)
      else if (isHeard) roster.set(name, { missed: 0, replacedBy })
    }
  }

  #advance(memory: Memory, { start }: Window, { metrics, sharesSeqs }: Producer): void {
    for (const metric of metrics) at(memory.series, metric, newSeries).windows.add(start)
    for (const series of memory.series.values()) {
      if (series.windows.delete(start)) series.missed = 0
      else if (series.missed !== null && ++series.missed >= this.#rules.rosterWindows) series.missed = null
    }
    this.#forget(memory)
    const remembered = [...memory.series.values()].filter(({ missed }) => missed !== null)
    if (sharesSeqs) memory.sharesSeqs = true
    else if (metrics.length > 1 || remembered.length < 2) memory.sharesSeqs = false
  }

  #forget({ series }: Memory): void {
    for (const [metric, { missed, windows }] of series) if (missed === null && windows.size === 0) series.delete(metric)
  }

  /** A VM's state before a window, as far as it counts points. */
  #lifetimeBefore({ start }: Window, vmId: string): Lifetime {
    let lifetime: Lifetime = {}
    let lastPoints = 0
    for (const window of this.#closed) {
      if (window.start >= start) break
      const vm = window.vms.get(vmId)
      if (vm !== undefined && pointsOf(vm).length > 0) {
        lifetime = withPoints(lifetime, pointsOf(vm))
        lastPoints = window.start
      }
      // A window that closes drops idle states; all states pass through one that was skipped.
      const isIdle = lastPoints <= this.#windows.back(window.start, this.#rules.stateWindows)
      if (isIdle && !window.isSkipped) lifetime = {}
    }
    return lifetime
  }

  #resultOf(window: Window, vmId: string, vm: Vm): OracleResult {
    const hasCadence = this.#rules.expectEveryMs !== null
    const names = [...vm.producers].sort(([a], [b]) => (a < b ? -1 : 1))
    const producers = names.map(([, producer]) => producer)
    const points = pointsOf(vm)
    const noReadings = producers.flatMap((one) => one.points).length - points.length
    const isComplete = vm.silent.size === 0 && producers.every((one) => one.isComplete)
    const expected = [...producers.map((one) => one.expected(hasCadence)), ...[...vm.silent].map(() => null)]
    const described = names.map(([name, one]) => {
      const mark = one.replacedBy === null ? '' : ' replaced'
      return `${name} ${one.expected(hasCadence)} ${one.received.length}${mark}`
    })
    const metrics = [...new Set(points.map(({ metric }) => metric))].sort()
    return {
      vmId,
      windowStart: window.start,
      revision: vm.revision,
      // A window that closed as complete may become incomplete later, by `grace`.
      reason: isComplete ? 'complete' : window.trigger === 'complete' ? 'grace' : window.trigger,
      expected: expected.reduce((sum: number | null, one) => (sum === null || one === null ? null : sum + one), 0),
      received: points.length,
      noReadings,
      duplicates: vm.duplicates,
      conflicts: producers.reduce((sum, { conflicts }) => sum + conflicts, 0),
      missing: producers.flatMap(({ missing }) => missing),
      missingCount: producers.reduce((sum, { missingCount }) => sum + missingCount, 0),
      unexpected: producers.flatMap(({ unexpected }) => unexpected),
      deduplicated:
        this.#rules.identity === 'time' || producers.every((one) => one.points.every(({ seq }) => seq !== null)),
      producers: [...described, ...[...vm.silent.keys()].sort().map((name) => `${name} null 0`)],
      metrics: Object.fromEntries(metrics.map((metric) => [metric, figuresOf(points, metric)])),
      lifetime: withPoints(this.#lifetimeBefore(window, vmId), points),
    }
  }
}

/** Those with a value. */
function pointsOf({ producers }: Vm): Point[] {
  return [...producers.values()].flatMap(({ received }) => received)
}

function withPoints(lifetime: Lifetime, points: readonly Point[]): Lifetime {
  const more: Record<string, number> = { ...lifetime }
  for (const { metric } of points) more[metric] = (more[metric] ?? 0) + 1
  return Object.fromEntries(Object.entries(more).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function figuresOf(points: readonly Point[], metric: string): number[] {
  const values = points.flatMap((one) => (one.metric === metric ? [(one.value as number) + 0] : []))
  return [values.length, nearestDouble(exactSum(values)), Math.min(...values), Math.max(...values)]
}
