import { MemoryResults } from '../support/memory-publisher.ts'
import type { PublishedMarker, AtomicPublisher } from '../../src/ports/index.ts'

/** Published results whose markers can be read without fencing a publisher. */
export class WatchedResults extends MemoryResults {
  readonly #last = new Map<number, PublishedMarker>()

  markerOf(partition: number): PublishedMarker | null {
    return this.#last.get(partition) ?? null
  }

  override async open(partition: number): Promise<AtomicPublisher> {
    const publisher = await super.open(partition)
    return {
      ...publisher,
      publish: async (batch) => {
        await publisher.publish(batch)
        this.#last.set(partition, batch.marker)
      },
    }
  }
}
