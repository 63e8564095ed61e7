/**
 * Maps every error of kafkajs to a WindrowError. The disposition says what the caller may do next: try again (`retryable`),
 * give the partition up because another process owns it (`lost`), or stop (`fatal`).
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
  remedy: 'No action needed: another process took this partition over.',
}
const NOT_MEMBER: Verdict = {
  code: 'KAFKA_NOT_MEMBER',
  disposition: 'lost',
  remedy: 'No action needed: the group excluded this process, which rejoins automatically.',
}
const DENIED: Verdict = {
  code: 'KAFKA_DENIED',
  disposition: 'fatal',
  remedy: 'Check the credentials, and the permissions of this user on the topics, the group and the transactional ids.',
}
const TOO_LARGE: Verdict = {
  code: 'KAFKA_TOO_LARGE',
  disposition: 'fatal',
  remedy: 'Raise max.message.bytes of the topic, or make the records smaller.',
}
const UNREACHABLE: Verdict = {
  code: 'KAFKA_UNREACHABLE',
  disposition: 'retryable',
  remedy: 'Check that the brokers run and that their advertised addresses are reachable from here.',
}
const UNTRUSTED: Verdict = {
  code: 'KAFKA_TLS',
  disposition: 'fatal',
  remedy:
    'Check kafkaCaFile, and that the certificate of the broker is valid and names the address that you connect to.',
}
const TRANSACTION_BROKEN: Verdict = {
  code: 'KAFKA_TRANSACTION',
  disposition: 'retryable',
  remedy: 'No action needed: the producer is replaced, and its open transaction is rolled back.',
}
const TRANSIENT: Verdict = {
  code: 'KAFKA_TRANSIENT',
  disposition: 'retryable',
  remedy: 'Usually transient; if it persists, check the broker log.',
}
const NO_TOPIC: Verdict = {
  code: 'KAFKA_TOPIC_MISSING',
  disposition: 'retryable',
  remedy: 'Create the topic, or correct its name.',
}
const UNEXPECTED: Verdict = {
  code: 'KAFKA_PROTOCOL',
  disposition: 'fatal',
  remedy: 'Check the broker log for this error. Windrow cannot recover from it.',
}

/** By name of the protocol error, https://kafka.apache.org/protocol#protocol_error_codes, as kafkajs spells it. */
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
  // With a token that is about to expire the client re-authenticates on every request; brokers allow that once per second.
  ILLEGAL_SASL_STATE: TRANSIENT,
  MESSAGE_TOO_LARGE: TOO_LARGE,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  UNKNOWN_TOPIC_OR_PARTITION: NO_TOPIC,
  // In a new cluster the coordinator can be found before it knows its role. kafkajs does not retry that.
  NOT_COORDINATOR_FOR_GROUP: TRANSIENT,
  CONCURRENT_TRANSACTIONS: TRANSACTION_BROKEN,
  INVALID_TXN_STATE: TRANSACTION_BROKEN,
  INVALID_PRODUCER_ID_MAPPING: TRANSACTION_BROKEN,
  OUT_OF_ORDER_SEQUENCE_NUMBER: TRANSACTION_BROKEN,
  UNKNOWN_PRODUCER_ID: TRANSACTION_BROKEN,
  OPERATION_NOT_ATTEMPTED: TRANSACTION_BROKEN,
  UNKNOWN: TRANSIENT,
}

/** Codes that kafkajs 2.2.4 does not know; it calls them "Unknown error code <n>". */
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

/** Certificate errors, by the names of OpenSSL and Node.js. */
const TLS_CODE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)|ERR_TLS_|ERR_SSL_\w*(ALERT|WRONG_VERSION)|EPROTO$)/

/**
 * The WindrowError for anything thrown while `doing` (a phrase such as "publishing partition 3"). A WindrowError found
 * anywhere in the chain of causes is returned unchanged: code of ours that kafkajs called has thrown it.
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
  // The innermost error is the most specific one: kafkajs wraps a protocol error in "retries exceeded", never the reverse.
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
  // In some places kafkajs keeps only the message of a protocol error and whether it is retriable.
  return byName ?? (error.retriable === true ? TRANSIENT : null)
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at: unknown = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at)
  return chain
}
