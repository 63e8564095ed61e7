/**
 * Encodes a Produce request (version 7) for one partition, with a record batch of record-batch.ts.
 *
 *   request  := transactional_id string, acks int16, timeout_ms int32, [topic string, [partition int32, batch bytes]]
 *   response := [topic string, [partition int32, error_code int16, base_offset int64, …]], …
 *
 * See https://kafka.apache.org/protocol#The_Messages_Produce.
 */
import { createRequire } from 'node:module'
import { rawRequest } from './raw-protocol.ts'
import type { RawProtocol } from './raw-protocol.ts'

const PRODUCE_API_KEY = 0
const PRODUCE_API_VERSION = 7
const ALL_IN_SYNC_REPLICAS = -1
const TIMEOUT_MS = 30_000
/** The broker has already stored this batch: the response to an earlier attempt was lost. */
const DUPLICATE_SEQUENCE_NUMBER = 46

export function produceRequest(topic: string, partition: number, batch: Buffer): RawProtocol {
  const name = Buffer.from(topic)
  const head = Buffer.alloc(2 + 2 + 4 + 4 + 2 + name.length + 4 + 4 + 4)
  let at = head.writeInt16BE(-1, 0)
  at = head.writeInt16BE(ALL_IN_SYNC_REPLICAS, at)
  at = head.writeInt32BE(TIMEOUT_MS, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt16BE(name.length, at)
  at += name.copy(head, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt32BE(partition, at)
  head.writeInt32BE(batch.length, at)
  return rawRequest('Produce', PRODUCE_API_KEY, PRODUCE_API_VERSION, Buffer.concat([head, batch]))
}

const { createErrorFromCode } = createRequire(import.meta.url)('kafkajs/src/protocol/error') as {
  readonly createErrorFromCode: (code: number) => Error
}

/** Throws the error in the response of the broker, if there is one. */
export function checkProduced(payload: Buffer): void {
  const topicLength = payload.readInt16BE(4)
  const errorCode = payload.readInt16BE(4 + 2 + topicLength + 4 + 4)
  if (errorCode !== 0 && errorCode !== DUPLICATE_SEQUENCE_NUMBER) throw createErrorFromCode(errorCode)
}
