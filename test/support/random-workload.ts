/**
 * Random workloads for the fuzz tests that compare run, verify and the oracle: the raw lines of one job, as files hold them,
 * and the rules that it runs under. A workload holds what real fleets send, in small: several VMs, producers and metrics,
 * samples that share a seq, duplicates, conflicts, manifests of all kinds, corrections, jitter around window borders,
 * producers that replace others, late points, skipped windows, gaps, a fast clock, points identified by their timestamps,
 * points without a reading, windows with an offset, days, weeks and months around odd times of time zones, and lines that
 * are no records at all.
 *
 * Each VM has one or two agents. An agent sends samples (one point per metric) at regular times, and manifests about them.
 * Each line gets an arrival time; the lines in the order of their arrival are the log.
 */
import { partitionOf } from '../../src/core/murmur2.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { NaiveWindows } from '../oracle/naive-windows.ts'
import { Random } from './random.ts'
import { RULES } from './records.ts'

/** A line of the log with its place. Offsets rise, and may have gaps. */
export interface RawLine {
  readonly offset: number
  readonly text: string
}

export interface RandomWorkload {
  readonly seed: number
  readonly rules: Windowing
  /** By partition: its lines, in the order of their offsets. A point whose line has no `seq` is a point without a seq. */
  readonly partitions: readonly (readonly RawLine[])[]
  /** Start of a window, by its number. */
  readonly startOf: (window: number) => number
  /** Factor of all durations: 1, or what makes the windows as long as those of the calendar. */
  readonly scale: number
}

export const WORKLOAD_SIZE_MS = 60_000
/** Start of the first window: a multiple of the window, and no round number of longer units. */
export const WORKLOAD_ORIGIN = 1_699_999_980_000

/** Times around which the windows of a calendar are odd, with the first of some windows before. */
const ODD_TIMES = [
  { unit: 'day', timeZone: 'Europe/Berlin', from: '2026-03-27' },
  { unit: 'day', timeZone: 'Europe/Berlin', from: '2026-10-23' },
  { unit: 'day', timeZone: 'Australia/Lord_Howe', from: '2026-04-03' },
  { unit: 'day', timeZone: 'America/Sao_Paulo', from: '2018-11-02' },
  { unit: 'day', timeZone: 'Asia/Beirut', from: '2021-03-26' },
  { unit: 'day', timeZone: 'America/St_Johns', from: '2006-10-27' },
  { unit: 'day', timeZone: 'Pacific/Apia', from: '2011-12-28' },
  { unit: 'week', timeZone: 'Europe/Berlin', weekStart: 7, from: '2026-12-13' },
  { unit: 'week', timeZone: 'America/New_York', weekStart: 1, from: '2026-02-23' },
  { unit: 'month', timeZone: 'Europe/Berlin', from: '2027-01-01' },
] as const

const METRICS = ['cpu', 'disk', 'mem', 'net'] as const
const VALUES = [0, -0, 1, 2, 0.1, 0.2, 0.3, -7.5, 1e-9, 123456789.125, 1e20, -1e20]

interface Arrival {
  readonly atMs: number
  /** `null`: no VM can be read from it. */
  readonly vmId: string | null
  /** For a sorted input: its time. */
  readonly timeMs: number | null
  readonly text: string
}

interface SentPoint {
  readonly vmId: string
  readonly producer?: string
  readonly metric: string
  readonly timestamp: number
  readonly seq?: number
  /** `null`: no reading. */
  readonly value: number | null
  readonly replaces?: true
}

/** How an agent numbers what it sends. */
type Numbering = 'sample' | 'point' | 'per metric' | 'none'

type PromiseKind = 'none' | 'samples' | 'metrics' | 'points' | 'points of metrics' | 'mixed'

interface Agent {
  readonly vmId: string
  producer: string | null
  readonly numbering: Numbering
  readonly metrics: readonly string[]
  readonly everyMs: number
  readonly phaseMs: number
  readonly jitterMs: number
  readonly promise: PromiseKind
  readonly fromWindow: number
  readonly toWindow: number
  /** Added to all its timestamps from this window on. */
  readonly fast: { readonly from: number; readonly byMs: number } | null
  /** In this window it starts again and counts from 0. */
  readonly restart: { readonly window: number; readonly how: 'same name' | 'new name' | 'replaces' } | null
  /** Windows in which it sends nothing at all, or one metric less. */
  readonly silent: ReadonlySet<number>
  readonly halved: ReadonlySet<number>
  nextSeq: number
  nextOf: Map<string, number>
  hasRestarted: boolean
}

/** The shares of what goes wrong. */
interface Troubles {
  readonly loss: number
  readonly duplicate: number
  readonly conflict: number
  readonly late: number
  readonly oddManifest: number
  readonly garbage: number
}

/** Decides which readings are lacking. Its draws are its own, so that a seed's workload is the same apart from them. */
class Readings {
  readonly #random: Random
  readonly #share: number

  constructor(random: Random, share = random.pick([0, 0, 0.02, 0.2])) {
    this.#random = random
    this.#share = share
  }

  lacksOne(): boolean {
    return this.#share > 0 && this.#random.chance(this.#share)
  }
}

function randomRules(random: Random): Windowing {
  const hasCadence = random.chance(0.4)
  const order = random.next()
  return {
    ...RULES,
    sizeMs: WORKLOAD_SIZE_MS,
    graceMs: random.pick([0, 5_000, 20_000, 70_000, 200_000]),
    quorum: random.pick([0, 0.5, 0.5, 0.5, 0.8]),
    amendWindows: random.pick([1, 1, 2, 3]),
    rosterWindows: random.pick([1, 2, 3]),
    stateWindows: random.pick([1, 2, 24]),
    expectEveryMs: hasCadence ? random.pick([10_000, 15_000, 20_000, 7_000, 60_000]) : null,
    expectMetrics: hasCadence && random.chance(0.25) ? random.pick([['cpu'], ['cpu', 'mem']]) : [],
    producerRestarts: random.chance(0.25) ? 'replace' : 'keep',
    maxSeqSpan: random.pick([10_000, 10_000, 40]),
    maxMetricsPerVm: random.pick([16, 16, 3, 2]),
    maxProducersPerVm: random.pick([8, 8, 2]),
    closeAtEndOnly: order < 0.05,
    inWindowOrder: order >= 0.05 && order < 0.2,
  }
}

function randomAgent(random: Random, rules: Windowing, vmId: string, index: number, windows: number): Agent {
  const everyMs = rules.expectEveryMs ?? random.pick([10_000, 15_000, 20_000, 30_000])
  const isSteady = vmId === 'vm-0' && index === 0
  const fromWindow = isSteady || random.chance(0.8) ? 0 : random.int(0, 3)
  const some = (probability: number): Set<number> =>
    new Set(Array.from({ length: windows }, (_, window) => window).filter(() => random.chance(probability)))
  return {
    vmId,
    producer: index > 0 || random.chance(0.3) ? `agent-${index}` : null,
    numbering: random.pick<Numbering>(['sample', 'sample', 'point', 'point', 'per metric', 'none']),
    metrics: random.shuffle([...METRICS]).slice(0, random.pick([1, 1, 2, 2, 3])),
    everyMs,
    phaseMs: random.pick([0, 0, 0, Math.floor(everyMs / 3), Math.floor(everyMs / 2)]),
    jitterMs: random.pick([0, 0, 0.2, 0.45, 0.49, 0.7]) * everyMs,
    promise: random.pick<PromiseKind>([
      'none',
      'samples',
      'samples',
      'metrics',
      'points',
      'points of metrics',
      'mixed',
    ]),
    fromWindow,
    toWindow: random.chance(0.8) ? Infinity : fromWindow + random.int(1, 5),
    fast: random.chance(0.08) ? { from: random.int(1, 3), byMs: random.pick([70_000, 600_000, 3_000_000]) } : null,
    restart: random.chance(0.3)
      ? {
          window: fromWindow + random.int(0, 4),
          how: random.pick(['same name', 'new name', 'new name', 'replaces', 'replaces'] as const),
        }
      : null,
    // One agent sends in every window, so that every workload has results.
    silent: some(isSteady ? 0 : random.pick([0, 0, 0.1, 0.4])),
    halved: some(random.pick([0, 0, 0.2])),
    nextSeq: 0,
    nextOf: new Map(),
    hasRestarted: false,
  }
}

class Workload {
  readonly #random: Random
  readonly #readings: Readings
  readonly #rules: Windowing
  readonly #troubles: Troubles
  readonly arrivals: Arrival[] = []

  constructor(random: Random, rules: Windowing, readings: Readings) {
    this.#random = random
    this.#readings = readings
    this.#rules = rules
    this.#troubles = {
      loss: random.pick([0, 0, 0.05]),
      duplicate: random.pick([0, 0.1, 0.3]),
      conflict: random.pick([0, 0, 0.05]),
      late: random.pick([0, 0.03, 0.15]),
      oddManifest: random.pick([0, 0.2, 0.5]),
      garbage: random.pick([0, 0.02]),
    }
  }

  /** All that an agent sends in a window that begins at `start`. */
  sendWindow(agent: Agent, window: number, start: number): void {
    const { everyMs, phaseMs, silent, fromWindow, toWindow } = agent
    if (window < fromWindow || window >= toWindow || silent.has(window)) return
    const firstSeqs = { sample: agent.nextSeq, of: new Map(agent.nextOf) }
    let points = 0
    for (let into = phaseMs; into < this.#rules.sizeMs; into += everyMs) {
      this.#maybeRestart(agent, window, into, firstSeqs)
      points += this.#sendSample(agent, window, start + into)
    }
    this.#sendManifests(agent, window, start, firstSeqs.sample, points)
  }

  #maybeRestart(agent: Agent, window: number, into: number, firstSeqs: { sample: number }): void {
    const { restart, hasRestarted } = agent
    if (restart === null || hasRestarted || window < restart.window) return
    if (window === restart.window && into < this.#rules.sizeMs / 2 && this.#random.chance(0.5)) return
    agent.hasRestarted = true
    if (restart.how !== 'same name') agent.producer = `${agent.producer ?? 'agent'}-again`
    agent.nextSeq = 0
    agent.nextOf.clear()
    firstSeqs.sample = 0
  }

  /** Returns the number of points in the sample, including lost ones. */
  #sendSample(agent: Agent, window: number, nominalMs: number): number {
    const random = this.#random
    const { vmId, numbering, jitterMs, fast, halved } = agent
    const metrics = halved.has(window) ? agent.metrics.slice(1) : agent.metrics
    const jitter = Math.round((random.next() * 2 - 1) * jitterMs)
    const shift = fast !== null && window >= fast.from ? fast.byMs : 0
    const isOneTime = random.chance(0.8)
    const sampleSeq = numbering === 'sample' ? agent.nextSeq++ : 0
    for (const metric of metrics) {
      const own = agent.nextOf.get(metric) ?? 0
      agent.nextOf.set(metric, own + 1)
      const seq = { sample: sampleSeq, point: 0, 'per metric': own, none: 0 }[numbering]
      const point: SentPoint = {
        vmId,
        ...(agent.producer === null ? {} : { producer: agent.producer }),
        metric,
        timestamp: nominalMs + jitter + shift + (isOneTime ? 0 : random.int(0, 3)),
        ...(numbering === 'none' ? {} : { seq: numbering === 'point' ? agent.nextSeq++ : seq }),
        value: random.chance(0.5) ? random.pick(VALUES) : random.int(-50, 1000) / 8,
        ...(this.#saysReplaces(agent) ? { replaces: true as const } : {}),
      }
      this.#sendPoint(this.#readings.lacksOne() ? { ...point, value: null } : point, nominalMs)
    }
    return metrics.length
  }

  #saysReplaces({ restart, hasRestarted }: Agent): boolean {
    return restart?.how === 'replaces' && hasRestarted && this.#random.chance(0.7)
  }

  #sendPoint(point: SentPoint, nominalMs: number): void {
    const random = this.#random
    const { loss, duplicate, conflict, late, garbage } = this.#troubles
    if (random.chance(loss)) return
    this.#arrive(point, this.#arrivalOf(nominalMs, late))
    while (random.chance(duplicate)) this.#arrive(point, this.#arrivalOf(nominalMs, 0.2))
    if (random.chance(conflict)) {
      const other = random.chance(0.5)
        ? { ...point, value: this.#readings.lacksOne() ? null : (point.value ?? 0) + 1 }
        : { ...point, timestamp: point.timestamp + random.pick([-20_000, -1, 1, 7]) }
      for (let times = random.int(1, 2); times > 0; times--) this.#arrive(other, this.#arrivalOf(nominalMs, 0.3))
    }
    if (random.chance(garbage)) this.#arriveOdd(point, this.#arrivalOf(nominalMs, 0.1))
  }

  /** Lines that are no records, and points that the rules refuse. */
  #arriveOdd(point: SentPoint, atMs: number): void {
    const random = this.#random
    const odd = random.int(0, 5)
    if (odd === 0) this.arrivals.push({ atMs, vmId: null, timeMs: null, text: 'not JSON' })
    else if (odd === 1) this.arrivals.push({ atMs, vmId: null, timeMs: null, text: '{"vmId":"a"}' })
    else if (odd === 2) this.#arrive({ ...point, value: 2e140 }, atMs)
    else if (odd === 3) this.#arrive({ ...point, timestamp: 9e15 }, atMs)
    else if (odd === 4) this.#arrive({ ...point, metric: `odd-${random.int(0, 9)}` }, atMs)
    else this.#arrive({ ...point, seq: (point.seq ?? 0) + random.pick([60, 20_000]) }, atMs)
  }

  #sendManifests(agent: Agent, window: number, start: number, firstSeq: number, points: number): void {
    const random = this.#random
    const { vmId, producer, numbering, promise, toWindow, restart, hasRestarted } = agent
    if (promise === 'none' || numbering === 'none') return
    if (promise === 'mixed' && random.chance(0.5)) return
    const kind = promise === 'mixed' ? random.pick(['samples', 'metrics', 'points', 'points of metrics']) : promise
    const samples = agent.nextSeq - firstSeq
    const perMetric = Math.max(0, ...agent.nextOf.values())
    const count = numbering === 'per metric' ? perMetric : samples
    const metrics = [...agent.metrics]
    const base = { vmId, ...(producer === null ? {} : { producer }), windowStart: start }
    const said = {
      samples: { firstSeq: numbering === 'per metric' ? 0 : firstSeq, count },
      metrics: { firstSeq: numbering === 'per metric' ? 0 : firstSeq, count, metrics },
      points: { counts: 'points', count: points },
      'points of metrics': { counts: 'points', count: points, metrics, ...(random.chance(0.5) ? { firstSeq } : {}) },
    }[kind as Exclude<PromiseKind, 'none' | 'mixed'>]
    const manifest: { [member: string]: unknown } = { ...base, ...said }
    if (window + 1 === toWindow && random.chance(0.7)) manifest['last'] = true
    if (restart?.how === 'replaces' && hasRestarted && random.chance(0.3)) manifest['replaces'] = true
    const end = start + this.#rules.sizeMs
    const { oddManifest, late } = this.#troubles
    const isOdd = random.chance(oddManifest)
    // A promise of too much or too little, before the right one or instead of it.
    if (isOdd && random.chance(0.6)) {
      const wrong = { ...manifest, count: Math.max(0, (manifest['count'] as number) + random.pick([-2, -1, 1, 3])) }
      this.#arriveManifest(wrong, random.chance(0.3) ? this.#arrivalOf(start, 0) : this.#arrivalOf(end, late))
      if (random.chance(0.6)) manifest['corrects'] = true
    }
    if (isOdd && random.chance(0.2)) manifest['metrics'] = [random.pick(METRICS), random.pick(METRICS)]
    if (isOdd && random.chance(0.1)) manifest['windowStart'] = start + 1
    if (isOdd && random.chance(0.1)) manifest['count'] = 200_000
    if (isOdd && random.chance(0.2)) return
    const atMs = random.chance(0.2) ? this.#arrivalOf(start, 0) : this.#arrivalOf(end, late)
    this.#arriveManifest(manifest, atMs)
    if (random.chance(0.15)) this.#arriveManifest(manifest, this.#arrivalOf(end, 0.5))
    if (isOdd && random.chance(0.3)) {
      const less = Math.max(0, (manifest['count'] as number) - 1)
      this.#arriveManifest({ ...manifest, corrects: true, count: less }, this.#arrivalOf(end, 0.5))
    }
  }

  #arrive(point: SentPoint, atMs: number): void {
    this.arrivals.push({ atMs, vmId: point.vmId, timeMs: point.timestamp, text: JSON.stringify(point) })
  }

  #arriveManifest(manifest: { readonly [member: string]: unknown }, atMs: number): void {
    const { vmId, windowStart } = manifest as { vmId: string; windowStart: number }
    this.arrivals.push({ atMs, vmId, timeMs: windowStart, text: JSON.stringify({ manifest }) })
  }

  /** Most lines come at once, some a little later, and late ones up to five windows later. */
  #arrivalOf(atMs: number, late: number): number {
    const random = this.#random
    const delay = random.chance(late) ? random.int(0, 5 * this.#rules.sizeMs) : random.pick([0, 0, 0, 3_000, 12_000])
    return atMs + delay
  }
}

/** As Windrow sorts a file: by window, and otherwise in the order of arrival. A line without a time stays with the one before. */
function sortedByWindow(arrivals: readonly Arrival[], windows: NaiveWindows): Arrival[] {
  let key = -Infinity
  return arrivals
    .map((one) => {
      if (one.timeMs !== null) key = windows.startOf(one.timeMs)
      return { key, one }
    })
    .sort((a, b) => (a.key === b.key ? 0 : a.key - b.key))
    .map(({ one }) => one)
}

/** How the times of a workload change: `move` those of points, `startOf` the starts of windows. */
interface Times extends Pick<RandomWorkload, 'startOf' | 'scale'> {
  readonly rules: Partial<Windowing>
  readonly move: (at: number) => number
}

/** As they are (always for `null`), behind an offset, or stretched to the windows of a calendar around an odd time. */
function timesOf(random: Random | null, { graceMs, expectEveryMs }: Windowing): Times {
  const kind = random?.next() ?? 0
  const offsetMs = kind < 0.5 ? 0 : 17_000
  const plain = (at: number): number => at + offsetMs
  const startOf = (window: number): number => plain(WORKLOAD_ORIGIN + window * WORKLOAD_SIZE_MS)
  if (random === null || kind < 0.65)
    return { startOf, scale: 1, move: plain, rules: offsetMs === 0 ? {} : { offsetMs } }
  const { from, ...calendar } = random.pick(ODD_TIMES)
  const sizeMs = { day: 1, week: 7, month: 30 }[calendar.unit] * 86_400_000
  const windows = new NaiveWindows({ sizeMs, calendar })
  const scale = sizeMs / WORKLOAD_SIZE_MS
  const origin = windows.startAfter(from, 0)
  return {
    startOf: (window) => (window < 0 ? windows.back(origin, -window) : windows.startAfter(from, window)),
    scale,
    move: (at) => origin + (at - WORKLOAD_ORIGIN) * scale,
    rules: { sizeMs, calendar, graceMs: graceMs * scale, expectEveryMs: expectEveryMs && expectEveryMs * scale },
  }
}

/** Changes the times in a line. Times far from those of the workload are wrong on purpose. */
function moved(arrival: Arrival, { move, startOf }: Times): Arrival {
  const isNear = (at: number): boolean => Math.abs(at - WORKLOAD_ORIGIN) < 1e9
  const change = (at: number, isStart: boolean): number => {
    const window = (at - WORKLOAD_ORIGIN) / WORKLOAD_SIZE_MS
    if (!isNear(at)) return at
    return isStart && Number.isInteger(window) ? startOf(window) : move(at)
  }
  const isManifest = arrival.text.includes('"windowStart"')
  return {
    ...arrival,
    timeMs: arrival.timeMs === null ? null : change(arrival.timeMs, isManifest),
    text: arrival.text.replace(/"(timestamp|windowStart)":(-?\d+)(?=[,}])/g, (_, name: string, at: string) => {
      return `"${name}":${change(Number(at), name === 'windowStart')}`
    }),
  }
}

/**
 * The workload of a seed: the same one each time.
 *
 * @param isPlain all points have a value, and those without a seq have no identity
 */
export function randomWorkload(seed: number, isPlain = false): RandomWorkload {
  const random = new Random(seed)
  const own = new Random(seed + 2_000_000)
  const isByTime = !isPlain && own.chance(0.4)
  const rules: Windowing = { ...randomRules(random), ...(isByTime ? { identity: 'time' } : {}) }
  const windows = random.int(2, 7)
  const agents = Array.from({ length: random.int(1, 4) }, (_, vm) =>
    Array.from({ length: random.pick([1, 1, 1, 2]) }, (__, i) => randomAgent(random, rules, `vm-${vm}`, i, windows)),
  ).flat()
  const workload = new Workload(random, rules, isPlain ? new Readings(own, 0) : new Readings(own))
  // After some window the whole fleet may be silent for some windows.
  const gap = { after: random.int(0, windows), windows: random.chance(0.3) ? random.int(1, 5) : 0 }
  for (let window = 0; window < windows; window++) {
    const passed = window + (window > gap.after ? gap.windows : 0)
    for (const agent of agents) workload.sendWindow(agent, window, WORKLOAD_ORIGIN + passed * rules.sizeMs)
  }
  const times = timesOf(isPlain ? null : new Random(seed + 3_000_000), rules)
  const timed = { ...rules, ...times.rules }
  const arrived = workload.arrivals.toSorted((a, b) => a.atMs - b.atMs).map((one) => moved(one, times))
  const ordered = rules.inWindowOrder ? sortedByWindow(arrived, new NaiveWindows(timed)) : arrived
  const count = random.int(1, 2)
  const step = random.int(1, 2)
  const texts = Array.from({ length: count }, (): string[] => [])
  for (const { vmId, text } of ordered) (texts[vmId === null ? 0 : partitionOf(vmId, count)] as string[]).push(text)
  const { startOf, scale } = times
  return {
    seed,
    rules: timed,
    startOf,
    scale,
    partitions: texts.map((of) => of.map((text, i) => ({ offset: i * step, text }))),
  }
}
