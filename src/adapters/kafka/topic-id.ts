/**
 * Requests the id of a topic (KIP-516), which changes when a topic is deleted and created again under the same name. kafkajs
 * supports Metadata up to version 6 and ids begin with version 10 (Kafka 2.8), so this request is encoded here.
 *
 *   request  := TAGS, [topic], allow_auto_topic_creation bool, cluster_operations bool, topic_operations bool, TAGS
 *   topic    := topic_id uuid, name string, TAGS
 *   response := TAGS, throttle_time_ms int32, [broker], cluster_id string, controller_id int32, [topic], …
 *   broker   := node_id int32, host string, port int32, rack string, TAGS
 *   topic    := error_code int16, name string, topic_id uuid, …
 *
 * The leading TAGS belong to the headers (request header 2, response header 1). Strings and arrays are compact: an
 * unsigned varint of their length plus one, 0 for null. See https://kafka.apache.org/protocol#The_Messages_Metadata.
 */
import { WindrowError } from '../../errors/index.ts'
import { rawRequest } from './raw-protocol.ts'
import type { RawProtocol } from './raw-protocol.ts'

const METADATA_API_KEY = 3
const METADATA_API_VERSION = 10
const UUID_BYTES = 16

export function metadataRequest(topic: string): RawProtocol {
  return rawRequest('Metadata', METADATA_API_KEY, METADATA_API_VERSION, encodeMetadataRequest(topic))
}

function encodeMetadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic)
  const anyId = Buffer.alloc(UUID_BYTES)
  return Buffer.concat([
    Buffer.from([0, 2]),
    anyId,
    varint(name.length + 1),
    name,
    Buffer.from([0, /* create it */ 0, 0, 0, 0]),
  ])
}

/** The topic id in the response, as 32 hexadecimal digits. */
export function parseTopicId(payload: Buffer, topic: string): string {
  const at = new Cursor(payload)
  at.skipTags()
  at.skip(4)
  for (let brokers = at.compactLength(); brokers > 0; brokers--) {
    at.skip(4)
    at.skip(at.compactLength())
    at.skip(4)
    at.skip(at.compactLength())
    at.skipTags()
  }
  at.skip(at.compactLength())
  at.skip(4)
  if (at.compactLength() !== 1) throw unreadable(topic, 'it does not contain exactly one topic')
  const errorCode = at.int16()
  at.skip(at.compactLength())
  const id = at.bytes(UUID_BYTES).toString('hex')
  if (errorCode !== 0 || /^0+$/.test(id)) {
    throw new WindrowError(`topic ${topic} has no id (error ${errorCode})`, {
      code: 'KAFKA_TOPIC_MISSING',
      remedy:
        'Create the topic, or correct its name. Brokers before Kafka 2.8 give topics no ids and are not supported.',
    })
  }
  return id
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

class Cursor {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  bytes(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#buffer.length) throw unreadable('', `it ends at byte ${this.#buffer.length}`)
    const bytes = this.#buffer.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  skip(length: number): void {
    this.bytes(length)
  }

  int16(): number {
    return this.bytes(2).readInt16BE()
  }

  /** Length of a compact string or array; 0 for null. */
  compactLength(): number {
    return Math.max(0, this.#varint() - 1)
  }

  skipTags(): void {
    for (let tags = this.#varint(); tags > 0; tags--) {
      this.#varint()
      this.skip(this.#varint())
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes(1)[0] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw unreadable('', 'a length is too long')
  }
}

function unreadable(topic: string, what: string): WindrowError {
  return new WindrowError(`the broker's description of topic ${topic} cannot be read: ${what}`, {
    code: 'KAFKA_PROTOCOL',
  })
}
