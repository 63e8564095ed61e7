/** A stretch of a partition as a `read_committed` reader sees it, outside any consumer group. */
import type { KafkaCluster, LogRange, StoredMessage } from './cluster.ts'

/** Of one request: large, since nothing is held but what was just read. */
const MAX_READ_BYTES = 4 * 1024 * 1024

/**
 * Records with offsets in `[start, end)`, some at a time. Ends early at a transaction that is still open: what is in and
 * behind it is not committed yet.
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
