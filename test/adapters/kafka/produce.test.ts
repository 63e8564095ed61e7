/** Pins the partition, batch and sequence numbers of every produced record, with a log that keeps all batches. */
import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it } from 'vitest'
import { partitionOf } from '../../../src/core/murmur2.ts'
import { produceTo } from '../../../src/adapters/kafka/produce.ts'
import type { Decoded } from '../../../src/core/point.ts'
import type { Producible, ProduceCounts } from '../../../src/adapters/kafka/produce.ts'

const require = createRequire(import.meta.url)
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<Batch>
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => unknown

interface Batch {
  readonly firstSequence: number
  readonly firstTimestamp: string
  readonly records: readonly { readonly key: Buffer; readonly value: Buffer }[]
}

const PARTITIONS = 4

class FakeLog {
  readonly batches: { readonly partition: number; readonly batch: Batch; readonly bytes: number }[] = []
  failAfter = Number.POSITIVE_INFINITY
  #busy = new Set<number>()

  partitionCount = async () => PARTITIONS
  newProducerId = async () => ({ id: 1n, epoch: 0 })
  append = async (_topic: string, partition: number, bytes: Buffer) => {
    if (this.#busy.has(partition)) throw new Error(`two batches in flight for partition ${partition}`)
    this.#busy.add(partition)
    const batch = await decodeBatch(new Decoder(bytes))
    if (this.batches.length >= this.failAfter) throw new Error('the log is full')
    this.batches.push({ partition, batch, bytes: bytes.length })
    this.#busy.delete(partition)
  }

  valuesOf(vmId: string): string[] {
    return this.batches.flatMap(({ batch }) =>
      batch.records.filter(({ key }) => key.toString() === vmId).map(({ value }) => value.toString()),
    )
  }
}

let log: FakeLog
beforeEach(() => {
  log = new FakeLog()
})

const point = (vmId: string, seq: number): Decoded => ({
  kind: 'point',
  point: { vmId, producer: '', metric: 'cpu', timestamp: 0, seq, value: 1 },
})
const manifest = (vmId: string): Decoded => ({
  kind: 'manifest',
  manifest: { vmId, producer: '', windowStart: 0, firstSeq: 0, count: 1, last: false },
})
const broken: Decoded = { kind: 'undecodable', code: 'undecodable', detail: 'not JSON' }

const textOf = (record: Producible) => Buffer.from(record.kind === 'point' ? String(record.point.seq) : record.kind)

async function* from(records: Iterable<Decoded>): AsyncGenerator<Decoded> {
  yield* records
}

function produce(
  records: Iterable<Decoded>,
  encode = textOf,
  onProgress?: (counts: ProduceCounts) => void,
): Promise<ProduceCounts> {
  const options = {
    connection: { brokers: [] },
    topic: 'points',
    input: from(records),
    encode,
    ...(onProgress && { onProgress }),
  }
  return produceTo(log, options, () => 5_000)
}

it('records of a VM, points and manifests, go to the partition of its key, in order', async () => {
  const vms = Array.from({ length: 50 }, (_, i) => `vm-${i}`)
  const records = Array.from({ length: 20 }, (_, seq) => vms.map((vmId) => point(vmId, seq))).flat()
  const counts = await produce([...records, ...vms.map(manifest)])
  expect(counts).toMatchObject({ points: 1_000, manifests: 50, undecodable: 0 })
  for (const vmId of vms) {
    expect(log.valuesOf(vmId)).toEqual([...Array.from({ length: 20 }, (_, seq) => String(seq)), 'manifest'])
  }
  for (const { partition, batch } of log.batches) {
    for (const { key } of batch.records) expect(partitionOf(key.toString(), PARTITIONS)).toBe(partition)
  }
})

it('a place without a reading is written like a point, in its order, and counted', async () => {
  const none = { ...point('vm-1', 1), kind: 'no-reading' } as Decoded
  expect(await produce([point('vm-1', 0), none, point('vm-1', 2), broken])).toMatchObject({
    ...{ points: 2, noReadings: 1, manifests: 0, undecodable: 1 },
  })
  expect(log.valuesOf('vm-1')).toEqual(['0', 'no-reading', '2'])
})

it('the batches of a partition are numbered without a gap, in order of writing', async () => {
  const records = Array.from({ length: 70_000 }, (_, seq) => point('vm-1', seq))
  await produce(records)
  expect(log.batches.length).toBeGreaterThan(3)
  let sequence = 0
  for (const { batch } of log.batches) {
    expect(batch.firstSequence).toBe(sequence)
    expect(batch.firstTimestamp).toBe('5000')
    expect(batch.records.length).toBeLessThanOrEqual(20_000)
    sequence += batch.records.length
  }
  expect(sequence).toBe(70_000)
})

it('a large record gets its own batch', async () => {
  const large = Buffer.alloc(400 * 1024)
  const records = [point('vm-1', 0), point('vm-1', 1), point('vm-1', 2)]
  await produce(records, (record) => (record.kind === 'point' && record.point.seq === 1 ? large : Buffer.from('small')))
  expect(log.batches.map(({ batch }) => batch.records.length)).toEqual([1, 1, 1])
})

it('unreadable records are skipped and counted', async () => {
  expect(await produce([broken, point('vm-1', 0), broken])).toMatchObject({ points: 1, undecodable: 2 })
  expect(log.valuesOf('vm-1')).toEqual(['0'])
})

it('an empty input produces nothing', async () => {
  expect(await produce([])).toEqual({ points: 0, noReadings: 0, manifests: 0, undecodable: 0, bytes: 0 })
  expect(log.batches).toEqual([])
})

describe('the progress callback', () => {
  it('is called after each stored batch, at last with the result', async () => {
    const progress: ProduceCounts[] = []
    const counts = await produce(
      Array.from({ length: 45_000 }, (_, seq) => point('vm-1', seq)),
      textOf,
      (now) => progress.push(now),
    )
    expect(progress).toHaveLength(log.batches.length)
    expect(progress.at(-1)).toEqual(counts)
    expect(counts.bytes).toBe(log.batches.reduce((sum, { bytes }) => sum + bytes, 0))
    const points = progress.map((now) => now.points)
    expect(points).toEqual(points.toSorted((a, b) => a - b))
  })
})

it.each([0, 1, 2])(
  'a failure after %i batches is reported, and its partition receives no further batch',
  async (batches) => {
    log.failAfter = batches
    await expect(produce(Array.from({ length: 100_000 }, (_, seq) => point('vm-1', seq)))).rejects.toThrow(
      'the log is full',
    )
    expect(log.batches).toHaveLength(batches)
  },
)
