/**
 * Sends records of dead letters to the source topic, each exactly once however often the command is repeated. Records and
 * the notes about them are written in one transaction: one of each, or a batch of many. Before the first, the producer
 * fences earlier attempts and the notes are read.
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
  /** Who sent it and why; absent for a retry by the command line. */
  readonly who?: string
  readonly why?: string
}

export interface RetryPorts {
  readonly cluster: Pick<KafkaCluster, 'logRanges' | 'read'>
  connectProducer(): Promise<TransactionalProducer>
}

/** The topic with the notes of a job. It is compacted, so that notes are never deleted. */
export function notesTopicOf(job: string): string {
  return `${job}-retried`
}

/** A record to send, with its note. */
export interface NotedRecord {
  readonly record: OutgoingRecord
  readonly note: RetryNote
}

/** A batch is one transaction, which also bounds how long readers of the partitions wait. */
const MAX_BATCH_RECORDS = 500
const MAX_BATCH_BYTES = 512 * 1024

/**
 * Sends each record that has no note yet, in batches. `records` gets the notes so far, and may leave out what they make
 * superfluous. A crash between two batches leaves the later ones unsent and without notes, so the next call sends them.
 * Returns how many were sent; `onSent` is called after every batch, with the number of all that were sent so far.
 */
export async function sendEachOnce(
  ports: RetryPorts,
  notesTopic: string,
  records: (notes: ReadonlyMap<string, RetryNote>) => AsyncIterable<NotedRecord>,
  onSent: (sent: number) => void,
): Promise<number> {
  try {
    const producer = await ports.connectProducer()
    try {
      await producer.fence()
      const notes = await readNotes(requireStable(ports.cluster), notesTopic)
      const seen = new Set(notes.keys())
      let sent = 0
      let batch: NotedRecord[] = []
      let bytes = 0
      const flush = async (): Promise<void> => {
        if (batch.length === 0) return
        const transaction = await producer.begin()
        await transaction.send(batch.flatMap(({ record, note }) => [record, notedIn(notesTopic, note)]))
        await transaction.commit()
        sent += batch.length
        batch = []
        bytes = 0
        onSent(sent)
      }
      for await (const one of records(notes)) {
        if (seen.has(one.note.id)) continue
        seen.add(one.note.id)
        if (bytes + one.record.value.length > MAX_BATCH_BYTES) await flush()
        batch.push(one)
        bytes += one.record.value.length
        if (batch.length >= MAX_BATCH_RECORDS) await flush()
      }
      await flush()
      return sent
    } finally {
      await producer.close()
    }
  } catch (error) {
    throw kafkaError(error, 'retrying dead letters')
  }
}

function notedIn(topic: string, note: RetryNote): OutgoingRecord {
  return { topic, partition: 0, key: note.id, value: Buffer.from(JSON.stringify(note)) }
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
      await transaction.send([record, notedIn(notesTopic, note)])
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
