/** Reads published lines of a topic, as a `read_committed` reader without a consumer group: it commits no offsets. */
import type { LineDecoder } from '../../adapters/avro/decode-line.ts'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import {
  connectKafkaCluster,
  type KafkaCluster,
  type LogRange,
  type StoredMessage,
} from '../../adapters/kafka/cluster.ts'
import { WindrowError } from '../../errors/index.ts'
import type { FedLine, Feed, LineAt } from './feed.ts'

const MAX_READ_BYTES = 1024 * 1024
/** Enough for one record; a broker returns the whole batch that contains it. */
const ONE_READ_BYTES = 64 * 1024
const READS_AT_ONCE = 8

export interface TopicFeedOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly decode: LineDecoder
  /** How many offsets before the end of each partition to start. */
  readonly back: number
}

interface Range {
  start: number
  next: number
  end: number
}

export class TopicFeed implements Feed {
  readonly #options: TopicFeedOptions
  readonly #ranges = new Map<number, Range>()
  #cluster: KafkaCluster | null = null
  #topicId: string | null = null
  #isTruncated = false

  constructor(options: TopicFeedOptions) {
    this.#options = options
  }

  get progress(): Feed['progress'] {
    let done = 0
    let total = 0
    for (const { start, next, end } of this.#ranges.values()) {
      done += next - start
      total += end - start
    }
    return { done, total }
  }

  get isTruncated(): boolean {
    return this.#isTruncated
  }

  async sync(onLines: (lines: readonly FedLine[]) => void, signal: AbortSignal): Promise<'read' | 'restarted'> {
    const { topic, back } = this.#options
    const cluster = await this.#connected()
    try {
      const id = await cluster.topicId(topic)
      if (this.#topicId !== null && this.#topicId !== id) {
        this.#ranges.clear()
        this.#topicId = null
        return 'restarted'
      }
      this.#topicId = id
      const partitions = Array.from({ length: await cluster.partitionCount(topic) }, (_, partition) => partition)
      for (const [partition, { start, end }] of await cluster.logRanges(topic, partitions)) {
        const known = this.#ranges.get(partition)
        const first = Math.max(start, end - back)
        if (known === undefined && first > 0) this.#isTruncated = true
        const range = known ?? { start: first, next: first, end }
        range.next = Math.max(range.next, start)
        range.end = Math.max(range.end, end)
        this.#ranges.set(partition, range)
      }
      for (const [partition, range] of this.#ranges) await this.#readTo(partition, range, onLines, signal)
    } catch (error) {
      // A topic that the job has not created yet has no lines.
      if (error instanceof WindrowError && error.code === 'KAFKA_TOPIC_MISSING') return 'read'
      throw error
    }
    return 'read'
  }

  async #readTo(
    partition: number,
    range: Range,
    onLines: (lines: readonly FedLine[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { topic } = this.#options
    while (range.next < range.end && !signal.aborted) {
      const { messages } = await (await this.#connected()).read(topic, partition, range.next, MAX_READ_BYTES)
      const last = messages.at(-1)
      // No more records: an open transaction, or retention has deleted them.
      if (last === undefined) return
      onLines(messages.flatMap((message) => this.#lineOf(partition, message)))
      range.next = Number(last.offset) + 1
    }
  }

  /** Records that the job did not write are skipped. */
  #lineOf(partition: number, { isControlRecord, value, offset, timestamp }: StoredMessage): FedLine[] {
    if (isControlRecord) return []
    const decoded = this.#options.decode(value ?? Buffer.alloc(0))
    if (decoded.kind !== 'line') return []
    const at = { position: Number(offset), length: partition }
    return [{ partition: null, at, line: decoded.line, publishedAtMs: Number(timestamp) }]
  }

  async read(places: readonly { readonly at: LineAt }[]): Promise<(string | null)[]> {
    const { topic } = this.#options
    const cluster = await this.#connected()
    const partitions = [...new Set(places.map(({ at }) => at.length))]
    const ranges: ReadonlyMap<number, LogRange> =
      places.length === 0 ? new Map<number, LogRange>() : await cluster.logRanges(topic, partitions)
    const lines: (string | null)[] = Array<string | null>(places.length).fill(null)
    let next = 0
    const reader = async (): Promise<void> => {
      while (next < places.length) {
        const index = next++
        const { at } = places[index] as (typeof places)[number]
        const partition = at.length
        const range = ranges.get(partition)
        if (range === undefined || at.position < range.start || at.position >= range.end) continue
        const { messages } = await cluster.read(topic, partition, at.position, ONE_READ_BYTES)
        const found = messages.find((message) => Number(message.offset) === at.position)
        lines[index] = found === undefined ? null : (this.#lineOf(partition, found)[0]?.line ?? null)
      }
    }
    await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
    return lines
  }

  async #connected(): Promise<KafkaCluster> {
    return (this.#cluster ??= await connectKafkaCluster(this.#options.connection))
  }

  async close(): Promise<void> {
    await this.#cluster?.close()
    this.#cluster = null
  }
}
