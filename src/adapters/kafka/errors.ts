/**
 * Maps every error of kafkajs to a WindrowError. The disposition says what the caller may do next: try again (`retryable`),
 * give the partition up because another process owns it (`lost`), or stop (`fatal`).
 */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { ErrorCode } from '../../errors/index.ts'

/** By name of the protocol error, https://kafka.apache.org/protocol#protocol_error_codes, as kafkajs spells it. */
const BY_TYPE: Readonly<Record<string, ErrorCode>> = {
  INVALID_PRODUCER_EPOCH: 'KAFKA_FENCED',
  TRANSACTION_COORDINATOR_FENCED: 'KAFKA_FENCED',
  UNKNOWN_MEMBER_ID: 'KAFKA_NOT_MEMBER',
  ILLEGAL_GENERATION: 'KAFKA_NOT_MEMBER',
  REBALANCE_IN_PROGRESS: 'KAFKA_NOT_MEMBER',
  FENCED_INSTANCE_ID: 'KAFKA_NOT_MEMBER',
  TOPIC_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  GROUP_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  CLUSTER_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'KAFKA_DENIED',
  SASL_AUTHENTICATION_FAILED: 'KAFKA_DENIED',
  UNSUPPORTED_SASL_MECHANISM: 'KAFKA_DENIED',
  // With a token that is about to expire the client re-authenticates on every request; brokers allow that once per second.
  ILLEGAL_SASL_STATE: 'KAFKA_TRANSIENT',
  MESSAGE_TOO_LARGE: 'KAFKA_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'KAFKA_TOO_LARGE',
  UNKNOWN_TOPIC_OR_PARTITION: 'KAFKA_TOPIC_UNKNOWN',
  // In a new cluster the coordinator can be found before it knows its role. kafkajs does not retry that.
  NOT_COORDINATOR_FOR_GROUP: 'KAFKA_TRANSIENT',
  CONCURRENT_TRANSACTIONS: 'KAFKA_TRANSACTION',
  INVALID_TXN_STATE: 'KAFKA_TRANSACTION',
  INVALID_PRODUCER_ID_MAPPING: 'KAFKA_TRANSACTION',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'KAFKA_TRANSACTION',
  UNKNOWN_PRODUCER_ID: 'KAFKA_TRANSACTION',
  OPERATION_NOT_ATTEMPTED: 'KAFKA_TRANSACTION',
  UNKNOWN: 'KAFKA_TRANSIENT',
}

/** Codes that kafkajs 2.2.4 does not know; it calls them "Unknown error code <n>". */
const BY_NUMBER: Readonly<Record<number, ErrorCode>> = {
  90: 'KAFKA_FENCED', // PRODUCER_FENCED
  120: 'KAFKA_TRANSACTION', // TRANSACTION_ABORTABLE
}

const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  KafkaJSSASLAuthenticationError: 'KAFKA_DENIED',
  KafkaJSConnectionError: 'KAFKA_UNREACHABLE',
  KafkaJSConnectionClosedError: 'KAFKA_UNREACHABLE',
  KafkaJSRequestTimeoutError: 'KAFKA_UNREACHABLE',
  KafkaJSBrokerNotFound: 'KAFKA_UNREACHABLE',
  KafkaJSNoBrokerAvailableError: 'KAFKA_UNREACHABLE',
  KafkaJSGroupCoordinatorNotFound: 'KAFKA_UNREACHABLE',
  KafkaJSLockTimeout: 'KAFKA_UNREACHABLE',
  KafkaJSTimeout: 'KAFKA_UNREACHABLE',
  KafkaJSMetadataNotLoaded: 'KAFKA_TRANSIENT',
  KafkaJSTopicMetadataNotLoaded: 'KAFKA_TRANSIENT',
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
  const root = chain.at(-1) ?? error
  return new WindrowError(`${doing}: ${messageOf(root)}`, { code: firstCode(chain), cause: error })
}

function firstCode(chain: readonly unknown[]): ErrorCode {
  // The innermost error is the most specific one: kafkajs wraps a protocol error in "retries exceeded", never the reverse.
  for (const error of chain.toReversed()) {
    const code = codeOf(error as { type?: unknown; name?: unknown; code?: unknown; retriable?: unknown })
    if (code !== null) return code
  }
  return 'KAFKA_PROTOCOL'
}

function codeOf(error: { type?: unknown; name?: unknown; code?: unknown; retriable?: unknown }): ErrorCode | null {
  if (error.type === 'KAFKAJS_UNKNOWN_ERROR_CODE') {
    const number = /Unknown error code (\d+)/.exec(messageOf(error))?.[1]
    return BY_NUMBER[Number(number)] ?? 'KAFKA_PROTOCOL'
  }
  if (typeof error.type === 'string')
    return BY_TYPE[error.type] ?? (error.retriable === true ? 'KAFKA_TRANSIENT' : 'KAFKA_PROTOCOL')
  if (typeof error.code === 'string' && TLS_CODE.test(error.code)) return 'KAFKA_TLS'
  if (typeof error.code === 'string' && SOCKET_CODES.has(error.code)) return 'KAFKA_UNREACHABLE'
  const byName = typeof error.name === 'string' ? BY_NAME[error.name] : undefined
  // In some places kafkajs keeps only the message of a protocol error and whether it is retriable.
  return byName ?? (error.retriable === true ? 'KAFKA_TRANSIENT' : null)
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let at: unknown = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at)
  return chain
}
