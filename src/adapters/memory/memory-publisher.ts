/** Publishing into memory, transactional and fenced as a Kafka producer with a transactional id is. */
import { WindrowError } from '../../errors/index.ts'
import type { OutboxBatch, PublishedMarker, AtomicPublisher, AtomicPublishers } from '../../ports/index.ts'

export class MemoryResults implements AtomicPublishers {
  /** What a `read_committed` reader sees, in order of publishing. */
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
        throw new WindrowError(`the publisher ${generation} of partition ${partition} was shut out`, {
          code: 'PUBLISHER_FENCED',
          disposition: 'retryable',
          remedy: 'Open a new one; the ledger tells whether the partition is still yours.',
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
