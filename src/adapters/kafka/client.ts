/** The one place where a kafkajs client is made: addresses, codecs, logging. */
import kafkajs from 'kafkajs'
import type { Kafka, LogEntry, Mechanism, SASLOptions } from 'kafkajs'
import { registerCodecs } from './codecs.ts'
import { repairKafkajs } from './repairs.ts'
import type { ConnectionOptions } from 'node:tls'

export interface KafkaConnection {
  /** `host:port` each. */
  readonly brokers: readonly string[]
  /** @default 'windrow' */
  readonly clientId?: string
  readonly ssl?: boolean | ConnectionOptions
  readonly sasl?: SASLOptions | Mechanism
  /** Gets what the client library has to say, warnings and errors only. @default nothing is written anywhere */
  readonly log?: (entry: KafkaLogEntry) => void
}

export interface KafkaLogEntry {
  readonly level: 'error' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const CONNECTION_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000
/** Before the end of what a connection was let in for, a new token is shown on it. */
export const REAUTHENTICATE_BEFORE_MS = 10_000
/** A wrong address is told after three seconds; whoever wants to wait longer tries again. */
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
 * kafkajs logs as errors what it then tries again and gets: the transaction before was not yet wound up
 * (CONCURRENT_TRANSACTIONS), as after nearly every one of them.
 */
function isRoutine({ log }: LogEntry): boolean {
  const error: unknown = log['error']
  return [log.message, error].some((text) => typeof text === 'string' && text.includes('another concurrent operation'))
}

function toLogEntry({ level, log, namespace }: LogEntry): KafkaLogEntry {
  const { message, timestamp: _timestamp, logger: _logger, ...fields } = log
  return { level: level === kafkajs.logLevel.ERROR ? 'error' : 'warn', message, fields: { namespace, ...fields } }
}
