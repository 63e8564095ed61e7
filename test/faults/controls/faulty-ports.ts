/**
 * The faulty ports of the simulation, on the real stack. Source and store are the same code. The faulty publishers have the
 * same errors one level lower: here they misuse a transactional producer of Kafka.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAULTY_PORTS as SIMULATED } from '../../simulation/faulty-ports.ts'
import type { PublishedMarker, Source, StateStore } from '../../../src/ports/index.ts'
import type { PublisherOptions, PublisherPorts } from '../../../src/adapters/kafka/publisher.ts'
import type { OpenTransaction, TransactionalProducer } from '../../../src/adapters/kafka/transactions.ts'

export interface FaultyPorts {
  readonly store?: (store: StateStore) => StateStore
  readonly source?: (source: Source) => Source
  readonly publisher?: (ports: PublisherPorts, options: PublisherOptions) => PublisherPorts
}

/**
 * After an error the same producer continues in its open transaction, after the last batch whose commit was acknowledged.
 */
const producerReused: FaultyPorts = {
  publisher(ports, { publishedTopic }) {
    const broken = new Map<string, Reused>()
    return {
      async connectProducer(transactionalId) {
        const before = broken.get(transactionalId)
        if (before !== undefined) return before
        const producer = await ports.connectProducer(transactionalId)
        return new Reused(producer, publishedTopic, {
          onBroken: (reused) => broken.set(transactionalId, reused),
          onUseless: () => broken.delete(transactionalId),
        })
      },
      readMarker: async (topic, partition) =>
        [...broken.values()].find((reused) => reused.acknowledged?.partition === partition)?.acknowledged?.marker ??
        ports.readMarker(topic, partition),
    }
  },
}

interface ReuseHooks {
  readonly onBroken: (reused: Reused) => void
  /** The producer cannot be reused: it was closed in order or fenced, or it is in a fatal state. */
  readonly onUseless: () => void
}

const MAX_FAILURES = 3

class Reused implements TransactionalProducer {
  acknowledged: { readonly partition: number; readonly marker: PublishedMarker } | null = null
  readonly #producer: TransactionalProducer
  readonly #publishedTopic: string
  readonly #hooks: ReuseHooks
  #open: OpenTransaction | null = null
  #failures = 0

  constructor(producer: TransactionalProducer, publishedTopic: string, hooks: ReuseHooks) {
    this.#producer = producer
    this.#publishedTopic = publishedTopic
    this.#hooks = hooks
  }

  async fence(): Promise<void> {
    if (this.#failures === 0) await this.#producer.fence()
  }

  async begin(): Promise<OpenTransaction> {
    const transaction = (this.#open ??= await this.#counted(() => this.#producer.begin()))
    let sent: typeof this.acknowledged = null
    return {
      send: (records) => {
        for (const { topic, partition = 0, value } of records) {
          if (topic !== this.#publishedTopic) continue
          sent = { partition, marker: JSON.parse(String(value)) as PublishedMarker }
        }
        return this.#counted(() => transaction.send(records))
      },
      sendOffset: (...offset) => this.#counted(() => transaction.sendOffset(...offset)),
      commit: async () => {
        await this.#counted(() => transaction.commit())
        this.#open = null
        this.#failures = 0
        this.acknowledged = sent
      },
    }
  }

  async close(): Promise<void> {
    if (this.#failures > 0) return
    this.#hooks.onUseless()
    await this.#producer.close()
  }

  async #counted<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      this.#hooks.onBroken(this)
      if (++this.#failures >= MAX_FAILURES) {
        this.#hooks.onUseless()
        await this.#producer.close()
      }
      throw error
    }
  }
}

/** A pause that stands for Kafka's init, which waits for unfinished transactions of the previous producer. */
const INIT_MS = 5_000

/** Reads the published marker before it fences the other producers. */
const markerReadBeforeInit: FaultyPorts = {
  publisher(ports, { publishedTopic }) {
    const markers = new Map<number, PublishedMarker | null>()
    return {
      async connectProducer(transactionalId) {
        const partition = Number(transactionalId.slice(transactionalId.lastIndexOf('-') + 1))
        markers.set(partition, await ports.readMarker(publishedTopic, partition))
        await sleep(INIT_MS)
        return ports.connectProducer(transactionalId)
      },
      readMarker: (_, partition) => Promise.resolve(markers.get(partition) ?? null),
    }
  },
}

const simulated = (name: string): FaultyPorts => {
  const { store, source } = SIMULATED[name] ?? {}
  if (store === undefined && source === undefined) throw new Error(`the simulation has no such ports: ${name}`)
  return { ...(store === undefined ? {} : { store }), ...(source === undefined ? {} : { source }) }
}

export const FAULTY_PORTS: Readonly<Record<string, FaultyPorts>> = {
  'without-deduplication': simulated('without deduplication'),
  'offset-moved-early': simulated('offset moved early'),
  'epoch-unchecked': simulated('epoch unchecked'),
  'producer-reused': producerReused,
  'marker-before-init': markerReadBeforeInit,
}
