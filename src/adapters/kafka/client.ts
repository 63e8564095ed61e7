/**
 * Kafka over kafkajs. This file creates every kafkajs client: addresses, credentials, codecs, logging. The folder:
 *
 *   Connections    client.ts               creates kafkajs clients
 *                  repairs.ts              patches five defects of kafkajs 2.2.4
 *                  errors.ts               maps every error of kafkajs to a WindrowError
 *                  access-token.ts         access tokens for SASL/OAUTHBEARER, from a file or an OAuth 2 server
 *                  oauth-bearer.ts         the SASL/OAUTHBEARER mechanism
 *   Requests       cluster.ts              direct requests to the brokers, without a consumer group
 *                  raw-protocol.ts         sends requests that we encode ourselves
 *                  topic-id.ts             Metadata v10, which returns the id of a topic
 *                  produce-request.ts      Produce, with a record batch of our own
 *                  record-batch.ts         encodes record batches
 *                  topic.ts                describes and creates topics
 *   Reading        consumption.ts          reads a topic as a member of a consumer group: the pipeline's source
 *                  member.ts               one membership of the group
 *                  partition-reader.ts     buffer and flow control of one partition
 *                  decode.ts               detects the format of a record and decodes it
 *                  schema-registry.ts      looks up schemas in a Confluent-compatible registry
 *                  codecs.ts, lz4.ts       decompression that kafkajs lacks
 *                  aborted-records.ts      hides the records of aborted transactions
 *                  read-committed.ts       reads a range of a partition, committed records only
 *                  sample-reader.ts        reads a sample of a topic, for `windrow inspect`
 *                  follow-topic.ts         follows a topic from near its end
 *                  published-lines.ts      reads back published results, certificates and dead letters
 *   Writing        publisher.ts            publishes commits exactly once
 *                  transactions.ts         the transactional producer
 *                  marker.ts               the marker of the last published commit
 *                  produce.ts              `windrow produce`: writes one input to a topic
 *                  appender.ts             appends the records of concurrent callers
 *                  point-log.ts            the gateway's log, over the appender
 *                  key-partitions.ts       the partition and key of a VM
 *                  dead-letter-retries.ts  sends repaired dead letters, each once
 */
import kafkajs from 'kafkajs'
import type { Kafka, LogEntry, Mechanism, SASLOptions } from 'kafkajs'
import { registerCodecs } from './codecs.ts'
import { repairKafkajs } from './repairs.ts'
import type { ConnectionOptions } from 'node:tls'

export interface KafkaConnection {
  /** Each as `host:port`. */
  readonly brokers: readonly string[]
  /** @default 'windrow' */
  readonly clientId?: string
  readonly ssl?: boolean | ConnectionOptions
  readonly sasl?: SASLOptions | Mechanism
  /** Receives the warnings and errors of the client library. @default they are dropped */
  readonly log?: (entry: KafkaLogEntry) => void
}

export interface KafkaLogEntry {
  readonly level: 'error' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const CONNECTION_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000
/** A connection re-authenticates this long before its session ends. */
export const REAUTHENTICATE_BEFORE_MS = 10_000
/** With a wrong address this fails after three seconds. Callers that want to wait longer retry. */
const RETRY = { initialRetryTime: 100, retries: 5 }

export function createKafkaClient(connection: KafkaConnection): Kafka {
  registerCodecs()
  repairKafkajs()
  const { log } = connection
  return new kafkajs.Kafka({
    brokers: [...connection.brokers],
    clientId: connection.clientId ?? 'windrow',
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    reauthenticationThreshold: REAUTHENTICATE_BEFORE_MS,
    retry: RETRY,
    ...(connection.ssl === undefined ? {} : { ssl: connection.ssl }),
    ...(connection.sasl === undefined ? {} : { sasl: connection.sasl }),
    logLevel: log === undefined ? kafkajs.logLevel.NOTHING : kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      if (!isRoutine(entry)) log?.(toLogEntry(entry))
    },
  })
}

/**
 * kafkajs logs errors that it then retries with success: the broker has not completed the previous transaction yet
 * (CONCURRENT_TRANSACTIONS). This happens after nearly every transaction.
 */
function isRoutine({ log }: LogEntry): boolean {
  const error: unknown = log['error']
  return [log.message, error].some((text) => typeof text === 'string' && text.includes('another concurrent operation'))
}

function toLogEntry({ level, log, namespace }: LogEntry): KafkaLogEntry {
  const { message, timestamp: _timestamp, logger: _logger, ...fields } = log
  return { level: level === kafkajs.logLevel.ERROR ? 'error' : 'warn', message, fields: { namespace, ...fields } }
}
