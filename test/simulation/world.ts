/**
 * The world of a simulated job: what survives a crash (state store, published results), and processors that live in it
 * until something kills them. Every port call of a processor passes a gate; there the seed decides which of the waiting
 * calls goes next, whether it fails before or after it was applied, and whether its processor dies of it.
 */
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import { summary } from '../../src/core/summary.ts'
import { WindrowError } from '../../src/errors/index.ts'
import { MemoryEngine } from '../../src/adapters/memory/memory-engine.ts'
import { memorySink } from '../../src/adapters/memory/memory-publisher.ts'
import { MemorySource } from '../../src/adapters/memory/memory-source.ts'
import { MemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { DEFAULT_LIMITS, type PipelineEnv } from '../../src/pipeline/env.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import type { AtomicPublishers, Source, StateStore, WorkflowEngine } from '../../src/ports/index.ts'
import { runPartition } from '../../src/pipeline/partition.ts'
import type { Random } from '../support/random.ts'
import type { Scenario } from './scenario.ts'
import { WatchedResults } from './watched-results.ts'

/** What the seed may do to port calls; all zero is a clean run. */
export interface Mischief {
  /** Share of calls of which the processor dies, half of them after the call was applied. */
  readonly crash: number
  /** Share of calls that fail, half of them after they were applied. */
  readonly fail: number
  /** Share of deaths that are only long pauses: a zombie, which comes back when another has taken over. */
  readonly zombie: number
  /** Share of activities that run twice. */
  readonly twice: number
}

export const NO_MISCHIEF: Mischief = { crash: 0, fail: 0, zombie: 0, twice: 0 }

/**
 * Ports that are not what they promise to be, put in the place of the world's own: with them a schedule must fail. What
 * they make is one processor's.
 */
export interface PortFaults {
  readonly store?: (store: StateStore) => StateStore
  readonly source?: (source: Source) => Source
  readonly publishers?: (publishers: WatchedResults, turn: () => Promise<void>) => AtomicPublishers
}

/** What a sidecar outside of the world gives its processors; it lives on when they die. */
export interface OutsideSidecar {
  readonly store: StateStore
  readonly engine: WorkflowEngine
}

export interface WorldOptions {
  readonly store?: MemoryStore
  readonly aggregator?: AnyAggregator
  readonly ports?: PortFaults
  /** In the place of store and engine in memory. */
  readonly sidecar?: OutsideSidecar | null
  /** What an earlier world has published, which goes on here. */
  readonly results?: WatchedResults
  /** In tokens, so that those of worlds with one store differ. */
  readonly name?: string
  /** Its logs only seem to end: nothing is closed for it. */
  readonly isCut?: boolean
}

/** A processor that died of a call; nothing it does afterwards happens. */
class Crash extends Error {}

export class World {
  readonly store: MemoryStore
  readonly results: WatchedResults
  readonly events: PipelineEvent[] = []
  crashes = 0
  /** Called at once, from within a processor. */
  onEvent: (event: PipelineEvent) => void = () => undefined
  readonly #scenario: Scenario
  readonly #random: Random
  readonly #aggregator: AnyAggregator
  readonly #ports: PortFaults
  readonly #sidecar: OutsideSidecar | null
  readonly #name: string
  readonly #isCut: boolean
  readonly #waiting: (() => void)[] = []
  #mischief: Mischief
  #pump: Promise<void> | null = null
  #nowMs = 0
  #tokens = 0

  constructor(
    scenario: Scenario,
    random: Random,
    mischief: Mischief,
    { store = new MemoryStore(), aggregator = summary, ports = {}, sidecar = null, ...more }: WorldOptions = {},
  ) {
    this.results = more.results ?? new WatchedResults()
    this.#name = more.name ?? ''
    this.#isCut = more.isCut === true
    this.#scenario = scenario
    this.#random = random
    this.#mischief = mischief
    this.store = store
    this.#aggregator = aggregator
    this.#ports = ports
    this.#sidecar = sidecar
  }

  /** Starts processors, one after another dies, until one has done all. */
  async run(maxCrashes = 15): Promise<void> {
    const zombies: Promise<unknown>[] = []
    for (;;) {
      if (this.crashes >= maxCrashes) this.#mischief = { ...this.#mischief, crash: 0, fail: 0 }
      const processor = new Processor(this, this.#random, this.#mischief)
      const ended = processor.run(this.#env(processor), this.#scenario.partitions.length)
      const outcome = await Promise.race([ended, processor.died])
      if (outcome === 'done') break
      // A zombie that slept while it took over has taken over when it wakes up; then this one begins again.
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
    const store = processor.gated(ungated, ['get', 'insert', 'swap', 'delete'])
    const runsOfActivity = (): number => (random.chance(this.#mischief.twice) ? 2 : 1)
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
        vmsPerWorkflow: random.pick([1, 1, 3]),
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

  /** Waits until the seed picks this caller among those that wait. */
  turn(): Promise<void> {
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#pump ??= this.#serve()
    return turn
  }

  /** A pause that is ended leaves a turn behind, which does nothing. */
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
      // All that follows from this turn without a further one happens before the next is given out.
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#pump = null
  }
}

class Processor {
  /** Resolves when the processor crashed, to what it is now. */
  readonly died: Promise<'dead' | 'zombie'>
  #die: (as: 'dead' | 'zombie') => void = () => undefined
  #isDead = false
  readonly #world: World
  readonly #random: Random
  readonly #mischief: Mischief

  constructor(world: World, random: Random, mischief: Mischief) {
    this.#world = world
    this.#random = random
    this.#mischief = mischief
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
    const { crash, fail, zombie } = this.#mischief
    if (this.#random.chance(crash)) {
      if (this.#random.chance(zombie)) {
        this.#wasZombie = true
        this.#die('zombie')
        // Asleep while its successor gets on; then its call goes through after all.
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

/** All keys of a store that the ledgers do not account for. */
export type LeakCheck = (store: StateStore) => Promise<string[]>
