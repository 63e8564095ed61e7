import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { createRequire } from 'node:module'
import { kafkaError } from '../../../src/adapters/kafka/errors.ts'
import { WindrowError } from '../../../src/errors/index.ts'

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error
}
const { KafkaJSConnectionError, KafkaJSError } = kafkajs
/** The published types declare only one argument. */
type Wrapping = new (error: Error, details: object) => Error
const KafkaJSNonRetriableError = kafkajs.KafkaJSNonRetriableError as unknown as Wrapping
const KafkaJSNumberOfRetriesExceeded = kafkajs.KafkaJSNumberOfRetriesExceeded as unknown as Wrapping

describe('protocol errors, by the number that the broker sends', () => {
  it.each([
    ['INVALID_PRODUCER_EPOCH', 47, 'KAFKA_FENCED', 'lost'],
    ['PRODUCER_FENCED', 90, 'KAFKA_FENCED', 'lost'],
    ['UNKNOWN_MEMBER_ID', 25, 'KAFKA_NOT_MEMBER', 'lost'],
    ['ILLEGAL_GENERATION', 22, 'KAFKA_NOT_MEMBER', 'lost'],
    ['TOPIC_AUTHORIZATION_FAILED', 29, 'KAFKA_DENIED', 'fatal'],
    ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 53, 'KAFKA_DENIED', 'fatal'],
    ['MESSAGE_TOO_LARGE', 10, 'KAFKA_TOO_LARGE', 'fatal'],
    ['CONCURRENT_TRANSACTIONS', 51, 'KAFKA_TRANSACTION', 'retryable'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 45, 'KAFKA_TRANSACTION', 'retryable'],
    ['TRANSACTION_ABORTABLE', 120, 'KAFKA_TRANSACTION', 'retryable'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 3, 'KAFKA_TOPIC_UNKNOWN', 'retryable'],
    ['NOT_LEADER_FOR_PARTITION', 6, 'KAFKA_TRANSIENT', 'retryable'],
    ['NOT_COORDINATOR_FOR_GROUP', 16, 'KAFKA_TRANSIENT', 'retryable'],
    ['REQUEST_TIMED_OUT', 7, 'KAFKA_TRANSIENT', 'retryable'],
    ['UNKNOWN', -1, 'KAFKA_TRANSIENT', 'retryable'],
    ['INVALID_CONFIG', 40, 'KAFKA_PROTOCOL', 'fatal'],
    ['an unknown error number', 4711, 'KAFKA_PROTOCOL', 'fatal'],
  ])('%s (%i) is %s and %s', (_name, code, expectedCode, disposition) => {
    expect(kafkaError(createErrorFromCode(code), 'testing')).toMatchObject({ code: expectedCode, disposition })
  })
})

it('the cause decides the code, not the wrapping error', () => {
  const fenced = createErrorFromCode(47)
  const wrapped = new KafkaJSNonRetriableError(fenced, { cause: fenced })
  expect(kafkaError(wrapped, 'publishing')).toMatchObject({ code: 'KAFKA_FENCED', disposition: 'lost' })
})

it('exhausted retries on a broken connection are a retryable error', () => {
  const broken = new KafkaJSConnectionError('Connection error: connect ECONNREFUSED 127.0.0.1:1')
  const exceeded = new KafkaJSNumberOfRetriesExceeded(broken, { retryCount: 5, retryTime: 1 })
  const error = kafkaError(exceeded, 'connecting')
  expect(error).toMatchObject({ code: 'KAFKA_UNREACHABLE', disposition: 'retryable' })
  expect(error.message).toBe('connecting: Connection error: connect ECONNREFUSED 127.0.0.1:1')
})

it.each(['SELF_SIGNED_CERT_IN_CHAIN', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'EPROTO'])(
  'a broker whose certificate is not trusted (%s) is a fatal error',
  (code) => {
    const broken = Object.assign(new KafkaJSConnectionError('Connection error'), { code })
    const exceeded = new KafkaJSNumberOfRetriesExceeded(broken, { retryCount: 5, retryTime: 1 })
    expect(kafkaError(exceeded, 'connecting')).toMatchObject({ code: 'KAFKA_TLS', disposition: 'fatal' })
  },
)

it('a coordinator that is not ready yet is a retryable error, although kafkajs drops the error type', () => {
  // As consumerGroup.js does while it joins: https://github.com/tulios/kafkajs/blob/v2.2.4/src/consumer/consumerGroup.js
  const untyped = new KafkaJSError(createErrorFromCode(16))
  const exceeded = new KafkaJSNumberOfRetriesExceeded(untyped, { retryCount: 5, retryTime: 1 })
  expect(kafkaError(exceeded, 'consuming')).toMatchObject({ code: 'KAFKA_TRANSIENT', disposition: 'retryable' })
})

it('a WindrowError is unwrapped and returned unchanged', () => {
  const own = new WindrowError('damaged', { code: 'CORRUPT_BATCH', remedy: 'none' })
  const wrapped = new KafkaJSNonRetriableError(own, { cause: own })
  expect(kafkaError(wrapped, 'consuming')).toBe(own)
  expect(kafkaError(own, 'consuming')).toBe(own)
})

it('a programming error is fatal, and a thrown text is kept as the message', () => {
  expect(kafkaError(new TypeError('x is not a function'), 'consuming')).toMatchObject({
    code: 'KAFKA_PROTOCOL',
    disposition: 'fatal',
    message: 'consuming: x is not a function',
  })
  expect(kafkaError('no luck', 'consuming').message).toBe('consuming: no luck')
})
