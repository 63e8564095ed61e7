/** `windrow produce`: the records of files into a topic, as Avro, keyed by VM. */
import { createEncoder } from '../../adapters/avro/encode.ts'
import type { FileFormat } from '../../adapters/files/bytes.ts'
import { describeInputs } from '../../adapters/files/inputs.ts'
import { readInputs } from '../../adapters/files/read-inputs.ts'
import type { FileRecord } from '../../adapters/files/record.ts'
import type { DecodeOptions } from '../../adapters/json/mapping.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { produceRecords, type ProduceCounts } from '../../adapters/kafka/produce.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import { decodedEntries } from '../../core/entries.ts'
import { InputFindings, NO_FINDINGS } from '../../core/input-findings.ts'
import type { DecodedEntry } from '../../core/point.ts'
import { WindrowError } from '../../errors/index.ts'
import { uselessnessOf, type Uselessness } from '../usefulness.ts'

export interface ProduceRequest {
  /** Paths, patterns, or `-` for standard input; read in this order. */
  readonly inputs: readonly string[]
  readonly format: FileFormat | 'auto'
  readonly decode: DecodeOptions
  readonly kafka: KafkaSettings
  readonly topic: string
  /** Of the topic if it has to be created; `null`: it must be there. */
  readonly partitions: number | null
  /** Points of any year are of use. */
  readonly allowAnyYear: boolean
}

export interface ProduceProgress extends ProduceCounts {
  readonly bytesRead: number
  /** Of all inputs; `null` where standard input or a pipe is among them. */
  readonly bytesToRead: number | null
}

/** Follows it. Calls are frequent and synchronous. */
export interface ProduceObserver {
  progress(progress: ProduceProgress): void
  /** A record that could not be read and is left out; `place` as in `points.ndjson:17`. */
  undecodable(place: string, reason: string): void
}

/** Printed as the last line on standard output with `--json`. */
export interface ProduceSummary extends ProduceCounts {
  /** Why nothing of the input is of use; `null` if something is. */
  readonly useless: Uselessness | null
  readonly seconds: number
  readonly pointsPerSecond: number
}

export type ProduceFiles = (
  request: ProduceRequest,
  observer: ProduceObserver,
  signal: AbortSignal,
) => Promise<ProduceSummary>

/**
 * Writes the records of the inputs until their end, or until `signal` aborts. Resolves when the records are stored on all
 * in-sync replicas. Repeating a write that was interrupted is harmless: a run counts the repeated points as duplicates, by their
 * seq or, without one, by their time.
 */
export const produceFiles: ProduceFiles = async (request, observer, signal) => {
  const { format, decode, kafka, topic, partitions, allowAnyYear } = request
  // Check the paths before connecting to a broker, so that a wrong path fails immediately.
  const inputs = await describeInputs(request.inputs)
  const startedMs = performance.now()
  const bytesToRead = inputs.some(({ size }) => size === undefined)
    ? null
    : inputs.reduce((sum, { size }) => sum + (size ?? 0), 0)
  let bytesRead = 0
  const records = readInputs({
    paths: inputs.map(({ path }) => path),
    format,
    decode,
    signal,
    onRead: (bytes) => (bytesRead += bytes),
  })
  const encoder = createEncoder()
  const findings = new InputFindings()
  const counts = await produceRecords({
    connection: kafkaConnectionOf(kafka, 'windrow-produce'),
    topic,
    ...(partitions === null ? {} : { partitions }),
    input: decodedOf(records, observer, findings),
    encode: (record) => encoder.encodeEntry(record),
    onProgress: (now) => observer.progress({ ...now, bytesRead, bytesToRead }),
  }).catch((error: unknown) => {
    throw isTopicMissing(error) ? topicMissing(topic) : error
  })
  observer.progress({ ...counts, bytesRead, bytesToRead })
  const seconds = (performance.now() - startedMs) / 1000
  return {
    ...counts,
    useless: uselessnessOf(
      NOTHING_SO_FAR,
      { counts: fatesOf(counts), findings: findings.encode() },
      allowAnyYear ? null : Date.now(),
    ),
    seconds: Math.round(seconds * 1000) / 1000,
    pointsPerSecond: Math.round(counts.points / seconds),
  }
}

const NO_COUNTS = { consumed: 0, accepted: 0, duplicate: 0, conflict: 0, late: 0, rejected: 0 }
const NOTHING_SO_FAR = { counts: NO_COUNTS, findings: NO_FINDINGS }

/** As a run would count them that accepts every readable point. */
function fatesOf({ points, noReadings, manifests, undecodable }: ProduceCounts): typeof NO_COUNTS {
  return {
    ...NO_COUNTS,
    consumed: points + noReadings + manifests + undecodable,
    accepted: points,
    rejected: undecodable,
  }
}

async function* decodedOf(
  records: AsyncIterable<FileRecord>,
  observer: ProduceObserver,
  findings: InputFindings,
): AsyncGenerator<DecodedEntry> {
  for await (const record of records) {
    for (const decoded of decodedEntries(record.decoded)) {
      if (decoded.kind === 'point') findings.accept(decoded.point.timestamp, record)
      if (decoded.kind === 'undecodable') {
        const { place } = record.raw()
        const where = 'file' in place ? `${place.file === '-' ? 'stdin' : place.file}:${place.line}` : place.topic
        observer.undecodable(where, `${decoded.code}: ${decoded.detail}`)
        findings.refuse({ reason: decoded.code, detail: decoded.detail }, record)
      }
      yield decoded
    }
  }
}

function isTopicMissing(error: unknown): boolean {
  return error instanceof WindrowError && error.code === 'KAFKA_TOPIC_MISSING'
}

function topicMissing(topic: string): WindrowError {
  return new WindrowError(`there is no topic ${topic}`, {
    code: 'KAFKA_TOPIC_MISSING',
    remedy: 'Create it with --partitions N, or correct its name.',
  })
}
