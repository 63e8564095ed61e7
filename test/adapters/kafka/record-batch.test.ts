/** Batches of our encoder, read back by the decoder of kafkajs, which also reads them in production. */
import fc from 'fast-check'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { crc32c, RecordBatchBuilder } from '../../../src/adapters/kafka/record-batch.ts'

const require = createRequire(import.meta.url)
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: unknown,
) => Promise<DecodedBatch>
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown
const theirCrc = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number

interface DecodedBatch {
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly lastOffsetDelta: number
  readonly maxTimestamp: string
  readonly records: readonly { offset: string; timestamp: string; key: Buffer; value: Buffer }[]
}

const producer = { id: 4_294_967_299n, epoch: 7 }

it('the checksum is CRC-32C, compared with its published check value', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

it('all records are read back in order', async () => {
  const record = fc.record({ key: fc.uint8Array({ maxLength: 20 }), value: fc.uint8Array({ maxLength: 300 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 200 }), async (records) => {
      const builder = new RecordBatchBuilder(64)
      for (const { key, value } of records) builder.add(key, value)
      const bytes = builder.finish(producer, 1_000, 1_700_000_000_000)
      expect(bytes.readUInt32BE(17)).toBe(theirCrc(bytes.subarray(21)) >>> 0)
      const batch = await decodeBatch(new Decoder(bytes))
      expect(batch).toMatchObject({
        producerId: '4294967299',
        producerEpoch: 7,
        firstSequence: 1_000,
        lastOffsetDelta: records.length - 1,
        maxTimestamp: '1700000000000',
      })
      expect(
        batch.records.map(({ key, value }) => ({ key: new Uint8Array(key), value: new Uint8Array(value) })),
      ).toEqual(records.map(({ key, value }) => ({ key: new Uint8Array(key), value: new Uint8Array(value) })))
    }),
    { numRuns: 50 },
  )
})

it('the builder is empty after finishing, and the next batch does not change the finished one', () => {
  const builder = new RecordBatchBuilder(1_024)
  builder.add(Buffer.from('a'), Buffer.from('1'))
  const first = builder.finish(producer, 0, 0)
  const copy = Buffer.from(first)
  expect(builder.count).toBe(0)
  builder.add(Buffer.from('b'), Buffer.from('2'))
  builder.finish(producer, 1, 0)
  expect(first.equals(copy)).toBe(true)
})
