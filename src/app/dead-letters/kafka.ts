/** Reads dead letters from a topic, and retries them by sending them to the source topic. */
import { createHash } from 'node:crypto'
import { createDeadLetterDecoder } from '../../adapters/avro/encode-dead-letter.ts'
import { createEncoder } from '../../adapters/avro/encode.ts'
import { createJsonDecoder } from '../../adapters/json/decode.ts'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { connectKafkaCluster, type KafkaCluster } from '../../adapters/kafka/cluster.ts'
import type { Decode } from '../../adapters/kafka/consumption.ts'
import { readPublishedLines } from '../../adapters/kafka/published-lines.ts'
import {
  notesTopicOf,
  readNotes,
  sendEachOnce,
  sendOnce,
  withRetries,
  type NotedRecord,
  type RetryNote,
} from '../../adapters/kafka/dead-letter-retries.ts'
import { keptBytes } from '../../dead-letters/kept-bytes.ts'
import { isRecord, nameLetter, type NamedLetter } from '../../dead-letters/letter.ts'
import {
  recordOf,
  requireAsIsHelps,
  requireSendable,
  requireUsable,
  usableVmId,
  type Usable,
} from '../../dead-letters/repair.ts'
import { WindrowError } from '../../errors/index.ts'
import type { RefusedRecord } from '../../ledger/dead-letter.ts'
import { systemClock } from '../../retry/clock.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { RetryTally } from './retry-tally.ts'
import type {
  DeadLettersConfig,
  DeadLetterStore,
  Retried,
  RetriedMany,
  RetryManyRequest,
  RetryRequest,
} from './store.ts'
import { recordDecoderOf } from '../record-decoder.ts'

const OPENING_BRACE = 0x7b
/** More than the largest record that a run reads. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024

export async function openTopicOfDeadLetters(config: DeadLettersConfig, topic: string): Promise<DeadLetterStore> {
  const connection = kafkaConnectionOf(config, 'windrow-dead-letters')
  const cluster = await connectKafkaCluster(connection)
  const decode = recordDecoderOf(config, systemClock)
  return {
    letters: () => lettersIn(cluster, topic),
    async retried() {
      try {
        // Request the topic id first: for a missing topic, this fails immediately.
        await cluster.topicId(notesTopicOf(config.job))
        return new Set((await readNotes(cluster, notesTopicOf(config.job))).keys())
      } catch (error) {
        if (error instanceof WindrowError && error.code === 'KAFKA_TOPIC_MISSING') return new Set()
        throw error
      }
    },
    decode: async (bytes) => decode(bytes),
    retry: (request) => retryIntoTopic(config, connection, cluster, request, decode),
    retryMany: (request) => retryManyIntoTopic(config, connection, cluster, request, decode),
    close: () => cluster.close(),
  }
}

async function* lettersIn(cluster: KafkaCluster, topic: string): AsyncGenerator<NamedLetter> {
  for await (const { line, publishedAtMs } of readPublishedLines(cluster, topic, createDeadLetterDecoder()))
    yield nameLetter(line, publishedAtMs)
}

async function retryIntoTopic(
  config: DeadLettersConfig,
  connection: KafkaConnection,
  cluster: KafkaCluster,
  { letter: { id, letter }, repair, partition, by }: RetryRequest,
  decode: Decode,
): Promise<Retried> {
  const record = recordOf(id, letter)
  const { place } = record
  if (!('topic' in place)) throw notOfATopic(id, place.file)
  if (repair.kind === 'as-is') requireAsIsHelps(id, letter)
  const bytes = repair.kind === 'line' ? Buffer.from(repair.line) : await wholeRecord(cluster, id, record, place)
  const usable =
    repair.kind === 'line'
      ? requireUsable('the repaired record', createJsonDecoder(decodeOptionsOf(config)).decodeText(repair.line))
      : requireUsable(`${id} as it is`, await decode(bytes))
  const vmId = usableVmId(usable)
  const value = repair.kind === 'line' ? inFormatOf(record, usable, bytes) : bytes
  // The partition of the rejected record is where its producer sends this VM. Other producers use other partitioners.
  const target = { topic: place.topic, partition: partition ?? place.partition }
  const digest = createHash('sha256').update(value).digest('base64url')
  const { sent, note } = await withRetries(connection, config.job, (ports) =>
    sendOnce(
      ports,
      notesTopicOf(config.job),
      { ...target, key: vmId, value },
      { id, ...target, digest, sentAtMs: systemClock.nowMs(), ...by },
    ),
  )
  return { id, sent, to: { topic: note.topic, partition: note.partition }, sentAtMs: note.sentAtMs }
}

/** Sends each record unchanged to the partition that it was refused in. */
async function retryManyIntoTopic(
  config: DeadLettersConfig,
  connection: KafkaConnection,
  cluster: KafkaCluster,
  request: RetryManyRequest,
  decode: Decode,
): Promise<RetriedMany> {
  const tally = new RetryTally(request)
  const prepare = async ({ id, letter }: NamedLetter): Promise<{ item: NotedRecord; to: string }> => {
    const record = recordOf(id, letter)
    const { place } = record
    if (!('topic' in place)) throw notOfATopic(id, place.file)
    requireSendable(id, letter)
    const value = await wholeRecord(cluster, id, record, place)
    const key = usableVmId(requireUsable(`${id} as it is`, await decode(value)))
    const { topic, partition } = place
    const note = { id, topic, partition, digest: record.digest, sentAtMs: systemClock.nowMs() }
    return { item: { record: { topic, partition, key, value }, note }, to: topic }
  }
  await withRetries(connection, config.job, (ports) =>
    sendEachOnce(
      ports,
      notesTopicOf(config.job),
      (notes) => {
        const cameBack = returnsOf(notes)
        return tally.prepared((named) => (notes.has(named.id) ? 'sent' : cameBack(named) ? 'came-back' : null), prepare)
      },
      (sent) => tally.sent(sent),
    ),
  )
  return tally.outcome()
}

/**
 * Whether a dead letter is what became of a record that was sent by a retry: it has the same bytes in the same partition,
 * and was published later. To send such records again and again would only multiply them.
 */
function returnsOf(notes: ReadonlyMap<string, RetryNote>): (named: NamedLetter) => boolean {
  const sentAtMs = new Map<string, number>()
  for (const note of notes.values()) {
    const key = `${note.topic}/${note.partition} ${note.digest}`
    sentAtMs.set(key, Math.min(note.sentAtMs, sentAtMs.get(key) ?? Infinity))
  }
  return ({ letter, publishedAtMs }) => {
    if (!isRecord(letter) || !('topic' in letter.place) || publishedAtMs === null) return false
    const { topic, partition } = letter.place
    return publishedAtMs >= (sentAtMs.get(`${topic}/${partition} ${letter.digest}`) ?? Infinity)
  }
}

/** For a JSON topic, the given line; for an Avro topic, the encoding that `windrow produce` writes. */
function inFormatOf(record: RefusedRecord, usable: Usable, line: Buffer): Buffer {
  if (keptBytes(record).bytes[0] === OPENING_BRACE) return line
  if (usable.kind === 'manifest') return createEncoder().encodeManifest(usable.manifest)
  return usable.point.seq === null ? line : createEncoder().encodePoint(usable.point)
}

/** All bytes of the record: from the dead letter or, if it has only the first ones, from the source topic. */
async function wholeRecord(
  cluster: KafkaCluster,
  id: string,
  record: RefusedRecord,
  place: { readonly topic: string; readonly partition: number },
): Promise<Buffer> {
  const kept = keptBytes(record)
  if (kept.isWhole) return kept.bytes
  const { offset, digest, size } = record
  const range = (await cluster.logRanges(place.topic, [place.partition])).get(place.partition)
  if (range !== undefined && range.start <= offset && offset < range.end) {
    const { messages } = await cluster.read(place.topic, place.partition, offset, MAX_RECORD_BYTES)
    const value = messages.find((message) => Number(message.offset) === offset)?.value ?? null
    if (value !== null && createHash('sha256').update(value).digest('base64url') === digest) return value
  }
  throw new WindrowError(
    `the dead letter ${id} keeps ${kept.bytes.length} of its record's ${size} bytes, and ${place.topic} no longer has it`,
    { code: 'DEAD_LETTER_CUT' },
  )
}

function notOfATopic(id: string, file: string): WindrowError {
  return new WindrowError(`${id} came from the file ${file}, not from a topic`, { code: 'NOT_OF_A_TOPIC' })
}
