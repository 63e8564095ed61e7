import { describe, expect, it } from 'vitest'
import { metadataRequest, parseTopicId } from '../../../src/adapters/kafka/topic-id.ts'

const ID = '0123456789abcdef0123456789abcdef'

/** A response in the grammar of topic-id.ts, with two brokers and an unknown tagged field. */
function answer({ errorCode = 0, id = ID, topics = 1 } = {}): Buffer {
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  }
  const text = (value: string | null) =>
    value === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([value.length + 1]), Buffer.from(value)])
  const unknownTag = Buffer.from([1, 99, 3, 1, 2, 3])
  const broker = (node: number, rack: string | null) =>
    Buffer.concat([int32(node), text('localhost'), int32(9092), text(rack), unknownTag])
  const error = Buffer.alloc(2)
  error.writeInt16BE(errorCode)
  return Buffer.concat([
    unknownTag,
    int32(0),
    Buffer.from([3]),
    broker(1, null),
    broker(2, 'rack-b'),
    text('cluster'),
    int32(1),
    Buffer.from([topics + 1]),
    error,
    text('points'),
    Buffer.from(id, 'hex'),
    Buffer.from([0, 1]),
  ])
}

describe('the response', () => {
  it('contains the id after brokers with and without a rack and unknown tags', () => {
    expect(parseTopicId(answer(), 'points')).toBe(ID)
  })

  it('is an error when the topic does not exist', () => {
    expect(() => parseTopicId(answer({ errorCode: 3 }), 'points')).toThrow(
      expect.objectContaining({ code: 'KAFKA_TOPIC_MISSING' }),
    )
  })

  it('has no id when the id is all zeros', () => {
    expect(() => parseTopicId(answer({ id: '0'.repeat(32) }), 'points')).toThrow(
      expect.objectContaining({ code: 'KAFKA_TOPIC_MISSING' }),
    )
  })

  it('is rejected wherever it is cut off', () => {
    const whole = answer()
    const idEnds = whole.length - 2
    for (let length = 0; length < idEnds; length++) {
      expect(() => parseTopicId(whole.subarray(0, length), 'points')).toThrow(
        expect.objectContaining({ code: 'KAFKA_PROTOCOL' }),
      )
    }
  })
})

it('the request names one topic and creates nothing', async () => {
  const { apiKey, apiVersion, encode } = metadataRequest('points').request
  expect([apiKey, apiVersion]).toEqual([3, 10])
  expect((await encode()).buffer.toString('hex')).toBe(
    `0002${'00'.repeat(16)}07${Buffer.from('points').toString('hex')}0000000000`,
  )
})
