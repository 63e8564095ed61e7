/**
 * The world of a simulated job: what survives a crash (state store, published results), and processors that run until a fault
 * kills them. Every port call of a processor passes a gate. There the seed decides which of the waiting calls is next, whether
 * it fails before or after it takes effect, and whether its processor crashes.
 */
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import { summary } from '../../src/core/summary.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { memorySink } from '../support/memory-publisher.ts'
import { MemorySource } from '../support/memory-source.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { keepingChunks } from '../../src/ledger/chunk-cache.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from '../../src/pipeline/env.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import type { AtomicPublishers, Source, StateStore, WorkflowEngine } from '../../src/ports/index.ts'
import { runPartition } from '../../src/pipeline/partition.ts'
import type { Random } from '../support/random.ts'
import type { Scenario } from './scenario.ts'
import { WatchedResults } from './watched-results.ts'

/** Probabilities of faults injected into port calls; all zero is a run without faults. */
export interface FaultRates {
  /** Share of calls at which the processor crashes, half of them after the call took effect. */
  readonly crash: number
  /** Share of calls that fail, half of them after they took effect. */
  readonly fail: number
  /** Share of crashes that are only long pauses: a zombie, which continues after another processor has taken over. */
  readonly zombie: number
  /** Share of activities that run twice. */
  readonly twice: number
}

export const NO_FAULTS: FaultRates = { crash: 0, fail: 0, zombie: 0, twice: 0 }

/**
 * Faulty ports that replace those of the world; a schedule with them must fail. Each processor gets its own instances.
 */
export interface PortFaults {
  readonly store?: (store: StateStore) => StateStore
  readonly source?: (source: Source) => Source
  readonly publishers?: (publishers: WatchedResults, turn: () => Promise<void>) => AtomicPublishers
}

/** Store and engine of a sidecar outside the world, which keeps running when processors crash. */
export interface OutsideSidecar {
  readonly store: StateStore
  readonly engine: WorkflowEngine
}

export interface WorldOptions {
  readonly store?: MemoryStore
  readonly aggregator?: AnyAggregator
  readonly ports?: PortFaults
  /** Replaces the in-memory store and engine. */
  readonly sidecar?: OutsideSidecar | null
  /** Results of an earlier world, to which this one appends. */
  readonly results?: WatchedResults
  /** Prefix of tokens, so that worlds that share a store have different ones. */
  readonly name?: string
  /** The end of the logs is not the end of the input, so no window is closed there. */
  readonly isCut?: boolean
}

/** Thrown from the port calls of a crashed processor; none of its later calls takes effect. */
class Crash extends Error {}

export class World {
  readonly store: MemoryStore
  readonly results: WatchedResults
  readonly events: PipelineEvent[] = []
  crashes = 0
  /** Called synchronously by a processor for every event. */
  onEvent: (event: PipelineEvent) => void = () => undefined
  readonly #scenario: Scenario
  readonly #random: Random
  readonly #aggregator: AnyAggregator
  readonly #ports: PortFaults
  readonly #sidecar: OutsideSidecar | null
  readonly #name: string
  readonly #isCut: boolean
  readonly #waiting: (() => void)[] = []
  #faultRates: FaultRates
  #pump: Promise<void> | null = null
  #nowMs = 0
  #tokens = 0

  constructor(
    scenario: Scenario,
    random: Random,
    faultRates: FaultRates,
    { store = new MemoryStore(), aggregator = summary, ports = {}, sidecar = null, ...more }: WorldOptions = {},
  ) {
    this.results = more.results ?? new WatchedResults()
    this.#name = more.name ?? ''
    this.#isCut = more.isCut === true
    this.#scenario = scenario
    this.#random = random
    this.#faultRates = faultRates
    this.store = store
    this.#aggregator = aggregator
    this.#ports = ports
    this.#sidecar = sidecar
  }

  /** Starts one processor after another until one finishes the job. */
  async run(maxCrashes = 15): Promise<void> {
    const zombies: Promise<unknown>[] = []
    for (;;) {
      if (this.crashes >= maxCrashes) this.#faultRates = { ...this.#faultRates, crash: 0, fail: 0 }
      const processor = new Processor(this, this.#random, this.#faultRates)
      const ended = processor.run(this.#env(processor), this.#scenario.partitions.length)
      const outcome = await Promise.race([ended, processor.died])
      if (outcome === 'done') break
      // A zombie that was paused during its takeover completes it when it wakes up; then this processor takes over again.
      if (outcome === 'lost') continue
      this.crashes++
      // A zombie's calls are still waiting at the gate and mix with those of its successor.
      if (outcome === 'zombie') zombies.push(ended)
    }
    await Promise.all(zombies)
  }

  #env(processor: Processor): PipelineEnv {
    const random = this.#random
    const ports = this.#ports
    const ungated = this.#sidecar?.store ?? ports.store?.(this.store) ?? this.store
    const gated = processor.gated(ungated, ['get', 'insert', 'swap', 'delete'])
    // A processor that keeps its chunks loses them when it crashes. Few fit, so that some are read back.
    const store = random.chance(0.5) ? keepingChunks(gated, random.pick([0, 2_000, 1_000_000])) : gated
    const runsOfActivity = (): number => (random.chance(this.#faultRates.twice) ? 2 : 1)
    const inMemory = { store, aggregator: this.#aggregator, runsOfActivity }
    const engine: WorkflowEngine = this.#sidecar?.engine ?? new MemoryEngine(inMemory)
    const records = new MemorySource({ partitions: this.#scenario.partitions, batchSize: () => random.int(1, 40) })
    const publishers = ports.publishers?.(this.results, () => this.turn()) ?? this.results
    return {
      job: 'sim',
      rules: this.#scenario.rules,
      aggregator: this.#aggregator,
      store,
      engine: processor.gated(engine, ['start', 'poll', 'purge']),
      sinks: [
        memorySink({
          open: async (partition) => {
            const publisher = await processor.gate(() => publishers.open(partition))
            return processor.gated(publisher, ['publish'])
          },
        }),
      ],
      source: ports.source?.(records) ?? records,
      clock: { nowMs: () => this.#nowMs++, sleep: (_ms, signal) => this.#turnOrAborted(signal) },
      newToken: () => this.#name + String(++this.#tokens).padStart(8 - this.#name.length, '0'),
      limits: {
        ...DEFAULT_LIMITS,
        checkpointEveryRecords: random.pick([7, 30, 1000]),
        // Decided again for every cut.
        vmsPerWorkflow: () => random.pick([1, 1, 2, 3, 31]),
        // Compared with a run without faults, which closes one window per commit.
        windowsPerCommit: this.#faultRates === NO_FAULTS ? 1 : random.pick([1, 2, 3, 16]),
        requestsEveryMs: random.pick([0, 20, 1000]),
      },
      observe: (event) => {
        this.events.push(event)
        this.onEvent(event)
      },
      once: false,
      ...(this.#isCut ? { recorded: () => ({ closes: [], until: Infinity }) } : {}),
    }
  }

  /** Waits until the seed picks this caller among the waiting ones. */
  turn(): Promise<void> {
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#pump ??= this.#serve()
    return turn
  }

  /** Waits for a turn or the abort of the signal. After an abort the unused turn has no effect. */
  #turnOrAborted(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal?.removeEventListener('abort', end)
        resolve()
      }
      signal?.addEventListener('abort', end)
      void this.turn().then(end)
    })
  }

  async #serve(): Promise<void> {
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting.splice(this.#random.int(0, this.#waiting.length - 1), 1)
      next?.()
      // Everything that this call triggers without another gated call completes before the next turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#pump = null
  }
}

class Processor {
  /** Resolves when the processor crashes, to what it has become. */
  readonly died: Promise<'dead' | 'zombie'>
  #die: (as: 'dead' | 'zombie') => void = () => undefined
  #isDead = false
  readonly #world: World
  readonly #random: Random
  readonly #faultRates: FaultRates

  constructor(world: World, random: Random, faultRates: FaultRates) {
    this.#world = world
    this.#random = random
    this.#faultRates = faultRates
    this.died = new Promise((resolve) => (this.#die = resolve))
  }

  async run(env: PipelineEnv, partitions: number): Promise<'done' | 'lost' | 'zombie'> {
    const signal = new AbortController().signal
    const runs = Array.from({ length: partitions }, (_, partition) =>
      runPartition(env, partition, signal, () => Promise.resolve(0)),
    )
    const outcomes = await Promise.allSettled(runs)
    let isLost = false
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled' || outcome.reason instanceof Crash) continue
      if (!(outcome.reason instanceof WindrowError) || outcome.reason.disposition !== 'lost') throw outcome.reason
      isLost = true
    }
    if (this.#isDead || this.#wasZombie) return 'zombie'
    return isLost ? 'lost' : 'done'
  }

  #wasZombie = false

  /** Passes a call through the gate. */
  async gate<T>(call: () => Promise<T>): Promise<T> {
    await this.#world.turn()
    if (this.#isDead) throw new Crash('dead')
    const { crash, fail, zombie } = this.#faultRates
    if (this.#random.chance(crash)) {
      if (this.#random.chance(zombie)) {
        this.#wasZombie = true
        this.#die('zombie')
        // Paused while its successor makes progress; then its call takes effect after all.
        for (let turns = this.#random.int(1, 200); turns > 0; turns--) await this.#world.turn()
        return call()
      }
      const isApplied = this.#random.chance(0.5)
      this.#isDead = true
      if (isApplied) await call()
      this.#die('dead')
      throw new Crash('died')
    }
    if (this.#random.chance(fail)) {
      if (this.#random.chance(0.5)) await call()
      throw new WindrowError('the call failed', { code: 'STATE_STORE_UNAVAILABLE', remedy: 'Try again.' })
    }
    return call()
  }

  /** The same port with these methods gated. */
  gated<T extends object>(port: T, methods: readonly (keyof T & string)[]): T {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property)
        if (typeof member !== 'function') return member
        const method = (...args: unknown[]): unknown => (member as (...a: unknown[]) => unknown).apply(target, args)
        if (!(methods as readonly string[]).includes(String(property))) return method
        return (...args: unknown[]) => this.gate(() => method(...args) as Promise<unknown>)
      },
    })
  }
}
