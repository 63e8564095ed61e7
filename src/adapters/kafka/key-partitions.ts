/** The partition and the record key of each VM, cached. */
import { partitionOf } from '../../core/murmur2.ts'

export interface KeyPartition {
  readonly key: Uint8Array
  readonly partition: number
}

/** At this size the cache is emptied, so that its memory is bounded. */
const MAX_CACHED_KEYS = 100_000

export class KeyPartitions {
  readonly #partitions: number
  #places = new Map<string, KeyPartition>()

  constructor(partitions: number) {
    this.#partitions = partitions
  }

  lookUp(vmId: string): KeyPartition {
    let place = this.#places.get(vmId)
    if (place === undefined) {
      if (this.#places.size >= MAX_CACHED_KEYS) this.#places = new Map()
      place = { key: Buffer.from(vmId), partition: partitionOf(vmId, this.#partitions) }
      this.#places.set(vmId, place)
    }
    return place
  }
}
