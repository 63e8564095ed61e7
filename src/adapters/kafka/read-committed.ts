/** Reads a range of a partition as a `read_committed` reader, without a consumer group. */
import type { KafkaCluster, LogRange, StoredMessage } from './cluster.ts'

/** Limit of one request. It is large, because only one response is held at a time. */
const MAX_READ_BYTES = 4 * 1024 * 1024

/**
 * Yields the records with offsets in `[start, end)`, in batches. Ends early at an open transaction, because records in and
 * after it are not committed yet.
 */
export async function* readCommitted(
  cluster: Pick<KafkaCluster, 'read'>,
  topic: string,
  partition: number,
  { start, end }: LogRange,
): AsyncGenerator<readonly StoredMessage[]> {
  for (let at = start; at < end;) {
    const slice = await cluster.read(topic, partition, at, MAX_READ_BYTES)
    yield slice.messages.filter(({ offset, isControlRecord }) => !isControlRecord && Number(offset) < end)
    const last = slice.messages.at(-1)
    if (last === undefined) return
    at = Number(last.offset) + 1
  }
}
