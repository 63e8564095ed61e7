/** Publishes into memory, with transactions and fencing as a Kafka producer with a transactional id has them. */
import { WindrowError } from '../../src/errors/index.ts'
import type { AtomicPublisher, AtomicPublishers, OutboxBatch, PublishedMarker, Sink } from '../../src/ports/index.ts'

/** A sink that publishes through `publishers`, as a run opens it. */
export function memorySink(publishers: AtomicPublishers, destination = 'memory'): Sink {
  return { destination, delivery: 'exactly-once', publishers }
}

export class MemoryResults implements AtomicPublishers {
  /** Results as a `read_committed` consumer sees them, in the order of publishing. */
  readonly results: string[] = []
  readonly deadLetters: string[] = []
  readonly certificates: string[] = []
  readonly #markers = new Map<number, PublishedMarker>()
  readonly #generations = new Map<number, number>()

  open(partition: number): Promise<AtomicPublisher> {
    const generation = (this.#generations.get(partition) ?? 0) + 1
    this.#generations.set(partition, generation)
    const publish = async (batch: OutboxBatch): Promise<void> => {
      if (this.#generations.get(partition) !== generation) {
        throw new WindrowError(`the publisher ${generation} of partition ${partition} was fenced`, {
          code: 'PUBLISHER_FENCED',
        })
      }
      this.results.push(...batch.results)
      this.deadLetters.push(...batch.deadLetters)
      this.certificates.push(...batch.certificates)
      this.#markers.set(partition, batch.marker)
      return Promise.resolve()
    }
    return Promise.resolve({ marker: this.#markers.get(partition) ?? null, publish, close: () => Promise.resolve() })
  }
}
