/**
 * Sends the repaired record of a dead letter to the source topic, exactly once however often the command is repeated. The
 * record and a note about it are written in one transaction. Before that, the producer fences earlier attempts and the
 * notes are read.
 *
 * - R1 The transactional id belongs to the job. A new producer fences every earlier attempt and waits until its
 *   transaction has ended.
 * - R2 For a `read_committed` reader, such as a Windrow run, a note exists if and only if its record exists.
 */
import { WindrowError } from '../../errors/index.ts'
import { connectKafkaCluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { readCommitted } from './read-committed.ts'
import { createMissingTopics } from './topic.ts'
import { connectTransactionalProducer, type OutgoingRecord, type TransactionalProducer } from './transactions.ts'
import type { KafkaConnection } from './client.ts'
import type { KafkaCluster } from './cluster.ts'

/** The stored note about a retry. */
export interface RetryNote {
  /** Id of the dead letter. */
  readonly id: string
  readonly topic: string
  readonly partition: number
  /** SHA-256 of the sent bytes, base64url. */
  readonly digest: string
  readonly sentAtMs: number
}

export interface RetryPorts {
  readonly cluster: Pick<KafkaCluster, 'logRanges' | 'read'>
  connectProducer(): Promise<TransactionalProducer>
}

/** The topic with the notes of a job. It is compacted, so that notes are never deleted. */
export function notesTopicOf(job: string): string {
  return `${job}-retried`
}

/** Returns the valid note, and whether this call has sent the record. */
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

/** The notes of a job, by id of the dead letter. */
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

/** Throws if the topic has an open transaction, instead of omitting its notes. After fencing (R1) none of ours is open. */
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
  return new WindrowError(`another retry is in progress: ${topic} has an open transaction`, { code: 'RETRY_UNDER_WAY' })
}

/** Opens the ports of `sendOnce` while `use` runs. Creates the topic of the notes if it does not exist. */
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
