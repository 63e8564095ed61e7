/**
 * Everything that kafkajs throws, mapped to a WindrowError by one function. The question it answers is what the caller
 * may do next: open again (`retryable`), give the partition up because somebody else has it (`lost`), or stop (`fatal`).
 */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Disposition } from '../../errors/index.ts'

interface Verdict {
  readonly code: string
  readonly disposition: Disposition
  readonly remedy: string
}

const FENCED: Verdict = {
  code: 'KAFKA_FENCED',
  disposition: 'lost',
  remedy: 'Another process has taken this partition over; this one gives it up and may join again.',
}
const NOT_MEMBER: Verdict = {
  code: 'KAFKA_NOT_MEMBER',
  disposition: 'lost',
  remedy: 'The group has moved on without this process; it joins again by itself.',
}
const DENIED: Verdict = {
  code: 'KAFKA_DENIED',
  disposition: 'fatal',
  remedy: 'Check the credentials, and what this user may do with the topics, the group and the transactional ids.',
}
const TOO_LARGE: Verdict = {
  code: 'KAFKA_TOO_LARGE',
  disposition: 'fatal',
  remedy: 'Raise max.message.bytes of the topic, or make the records smaller.',
}
const UNREACHABLE: Verdict = {
  code: 'KAFKA_UNREACHABLE',
  disposition: 'retryable',
  remedy: 'Check that the brokers run and that their advertised addresses can be reached from here.',
}
const UNTRUSTED: Verdict = {
  code: 'KAFKA_TLS',
  disposition: 'fatal',
  remedy: 'Check kafkaCaFile, and that the certificate of the broker is valid and names the address it is reached by.',
}
const TRANSACTION_BROKEN: Verdict = {
  code: 'KAFKA_TRANSACTION',
  disposition: 'retryable',
  remedy: 'The producer is discarded and opened again; what it left unfinished is rolled back then.',
}
const TRANSIENT: Verdict = {
  code: 'KAFKA_TRANSIENT',
  disposition: 'retryable',
  remedy: 'It passes by itself; if it stays, look at the broker log.',
}
const NO_TOPIC: Verdict = {
  code: 'KAFKA_TOPIC_MISSING',
  disposition: 'retryable',
  remedy: 'Create the topic, or correct its name.',
}
const UNEXPECTED: Verdict = {
  code: 'KAFKA_PROTOCOL',
  disposition: 'fatal',
  remedy: 'Look up the error in the broker log; Windrow knows no way to go on after it.',
}

/** By the protocol error's name, https://kafka.apache.org/protocol#protocol_error_codes, as kafkajs spells it. */
const BY_TYPE: Readonly<Record<string, Verdict>> = {
  INVALID_PRODUCER_EPOCH: FENCED,
  TRANSACTION_COORDINATOR_FENCED: FENCED,
  UNKNOWN_MEMBER_ID: NOT_MEMBER,
  ILLEGAL_GENERATION: NOT_MEMBER,
  REBALANCE_IN_PROGRESS: NOT_MEMBER,
  FENCED_INSTANCE_ID: NOT_MEMBER,
  TOPIC_AUTHORIZATION_FAILED: DENIED,
  GROUP_AUTHORIZATION_FAILED: DENIED,
  CLUSTER_AUTHORIZATION_FAILED: DENIED,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: DENIED,
  SASL_AUTHENTICATION_FAILED: DENIED,
  UNSUPPORTED_SASL_MECHANISM: DENIED,
  // A token that is nearly over is shown again with every request, which a broker takes once a second.
  ILLEGAL_SASL_STATE: TRANSIENT,
  MESSAGE_TOO_LARGE: TOO_LARGE,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  UNKNOWN_TOPIC_OR_PARTITION: NO_TOPIC,
  // In a young cluster the coordinator is found before it knows that it is one; kafkajs does not try that again.
  NOT_COORDINATOR_FOR_GROUP: TRANSIENT,
  CONCURRENT_TRANSACTIONS: TRANSACTION_BROKEN,
  INVALID_TXN_STATE: TRANSACTION_BROKEN,
  INVALID_PRODUCER_ID_MAPPING: TRANSACTION_BROKEN,
  OUT_OF_ORDER_SEQUENCE_NUMBER: TRANSACTION_BROKEN,
  UNKNOWN_PRODUCER_ID: TRANSACTION_BROKEN,
  OPERATION_NOT_ATTEMPTED: TRANSACTION_BROKEN,
  UNKNOWN: TRANSIENT,
}

/** Codes that are younger than kafkajs 2.2.4; it calls them "Unknown error code <n>". */
const BY_NUMBER: Readonly<Record<number, Verdict>> = {
  90: FENCED, // PRODUCER_FENCED
  120: TRANSACTION_BROKEN, // TRANSACTION_ABORTABLE
}

const BY_NAME: Readonly<Record<string, Verdict>> = {
  KafkaJSSASLAuthenticationError: DENIED,
  KafkaJSConnectionError: UNREACHABLE,
  KafkaJSConnectionClosedError: UNREACHABLE,
  KafkaJSRequestTimeoutError: UNREACHABLE,
  KafkaJSBrokerNotFound: UNREACHABLE,
  KafkaJSNoBrokerAvailableError: UNREACHABLE,
  KafkaJSGroupCoordinatorNotFound: UNREACHABLE,
  KafkaJSLockTimeout: UNREACHABLE,
  KafkaJSTimeout: UNREACHABLE,
  KafkaJSMetadataNotLoaded: TRANSIENT,
  KafkaJSTopicMetadataNotLoaded: TRANSIENT,
}

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'EAI_AGAIN',
])

/** What is wrong with a certificate, by the names of OpenSSL and of Node.js. */
const TLS_CODE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|ERR_TLS_|ERR_SSL_\w*(ALERT|WRONG_VERSION)|EPROTO$)/

/**
 * The WindrowError for anything thrown while `doing` (a phrase such as "publishing partition 3"). A WindrowError found
 * anywhere in the chain of causes is returned as it is: it was raised on purpose, below kafkajs.
 */
export function kafkaError(error: unknown, doing: string): WindrowError {
  const chain = causesOf(error)
  const own = chain.find((e) => e instanceof WindrowError)
  if (own !== undefined) return own
  const verdict = firstVerdict(chain)
  const root = chain.at(-1) ?? error
  return new WindrowError(`${doing}: ${messageOf(root)}`, { ...verdict, cause: error })
}

function firstVerdict(chain: readonly unknown[]): Verdict {
  // The innermost error knows best: kafkajs wraps a protocol error in "retries exceeded", never the other way round.
  for (const error of chain.toReversed()) {
    const verdict = verdictOf(error as { type?: unknown; name?: unknown; code?: unknown; retriable?: unknown })
    if (verdict !== null) return verdict
  }
  return UNEXPECTED
}

function verdictOf(error: { type?: unknown; name?: unknown; code?: unknown; retriable?: unknown }): Verdict | null {
  if (error.type === 'KAFKAJS_UNKNOWN_ERROR_CODE') {
    const number = /Unknown error code (\d+)/.exec(messageOf(error))?.[1]
    return BY_NUMBER[Number(number)] ?? UNEXPECTED
  }
  if (typeof error.type === 'string') return BY_TYPE[error.type] ?? (error.retriable === true ? TRANSIENT : UNEXPECTED)
  if (typeof error.code === 'string' && TLS_CODE.test(error.code)) return UNTRUSTED
  if (typeof error.code === 'string' && SOCKET_CODES.has(error.code)) return UNREACHABLE
  const byName = typeof error.name === 'string' ? BY_NAME[error.name] : undefined
  // In places kafkajs keeps nothing of a protocol error but its words and that it may be tried again.
  return byName ?? (error.retriable === true ? TRANSIENT : null)
}

/** The error and what caused it, outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at: unknown = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at)
  return chain
}
