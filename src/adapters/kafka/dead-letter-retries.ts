/**
 * Sends the repaired record of a dead letter into the source topic, once however often it is asked for: record and note
 * are in one transaction, and the notes are read before it, behind the fence that ends what an earlier try left open.
 *
 * - R1 The transactional id is the job's: whoever opens it shuts out every earlier try, and waits until that has ended.
 * - R2 A note is there if and only if its record is, for a `read_committed` reader, as a run of Windrow is.
 */
import { WindrowError } from '../../errors/index.ts'
import { connectKafkaCluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { readCommitted } from './read-committed.ts'
import { createMissingTopics } from './topic.ts'
import { connectTransactionalProducer, type OutgoingRecord, type TransactionalProducer } from './transactions.ts'
import type { KafkaConnection } from './client.ts'
import type { KafkaCluster } from './cluster.ts'

/** What is kept of a retry. */
export interface RetryNote {
  /** Of the dead letter. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  /** SHA-256 of the bytes that were sent, base64url. */
  readonly digest: string
  readonly sentAtMs: number
}

export interface RetryPorts {
  readonly cluster: Pick<KafkaCluster, 'logRanges' | 'read'>
  connectProducer(): Promise<TransactionalProducer>
}

/** Where the notes of a job are. Compacted, so that they stay for good. */
export function notesTopicOf(job: string): string {
  return `${job}-retried`
}

/** Resolves to the note that is in force, and whether it is of this call. */
export async function sendOnce(
  ports: RetryPorts,
  notesTopic: string,
  record: OutgoingRecord,
  note: RetryNote,
): Promise<{ readonly sent: boolean; readonly note: RetryNote }> {
  const doing = `retrying ${note.id}`
  try {
    const producer = await ports.connectProducer()
    try {
      await producer.fence()
      const before = (await readNotes(requireStable(ports.cluster), notesTopic)).get(note.id)
      if (before !== undefined) return { sent: false, note: before }
      const transaction = await producer.begin()
      const noted = { topic: notesTopic, partition: 0, key: note.id, value: Buffer.from(JSON.stringify(note)) }
      await transaction.send([record, noted])
      await transaction.commit()
      return { sent: true, note }
    } finally {
      await producer.close()
    }
  } catch (error) {
    throw kafkaError(error, doing)
  }
}

type Reading = Pick<KafkaCluster, 'logRanges' | 'read'>

/** The notes of a job, by dead letter. */
export async function readNotes(cluster: Reading, topic: string): Promise<ReadonlyMap<string, RetryNote>> {
  const notes = new Map<string, RetryNote>()
  const range = (await cluster.logRanges(topic, [0])).get(0)
  if (range === undefined) return notes
  for await (const messages of readCommitted(cluster, topic, 0, range)) {
    for (const { value } of messages) {
      if (value === null) continue
      const note = JSON.parse(value.toString()) as RetryNote
      notes.set(note.id, note)
    }
  }
  return notes
}

/** Throws rather than leave out what is not committed yet. Behind our fence (R1) nothing of ours is open. */
function requireStable(cluster: Reading): Reading {
  return {
    logRanges: (topic, partitions) => cluster.logRanges(topic, partitions),
    async read(topic, partition, fromOffset, maxBytes) {
      const slice = await cluster.read(topic, partition, fromOffset, maxBytes)
      const range = (await cluster.logRanges(topic, [partition])).get(partition)
      if (range !== undefined && slice.lastStableOffset < range.end) throw noteUnderWay(topic)
      return slice
    },
  }
}

function noteUnderWay(topic: string): WindrowError {
  return new WindrowError(`another retry is under way: ${topic} has an open transaction`, {
    code: 'RETRY_UNDER_WAY',
    remedy: 'Try again when it has ended; one whose process was killed ends within a minute.',
    disposition: 'retryable',
  })
}

/** Opens what `sendOnce` needs, for the time of `use`. Makes the topic of the notes if it is not there. */
export async function withRetries<T>(
  connection: KafkaConnection,
  job: string,
  use: (ports: RetryPorts) => Promise<T>,
): Promise<T> {
  await createMissingTopics(connection, [
    { topic: notesTopicOf(job), partitions: 1, config: { 'cleanup.policy': 'compact' } },
  ])
  const cluster = await connectKafkaCluster(connection)
  try {
    return await use({ cluster, connectProducer: () => connectTransactionalProducer(connection, `${job}-retry`) })
  } finally {
    await cluster.close()
  }
}
