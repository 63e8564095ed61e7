/** A fleet that sends one hour after the other: twelve points and a manifest per VM. */
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import { createMissingTopics } from '../../src/adapters/kafka/topic.ts'
import { produceRecords } from '../../src/adapters/kafka/produce.ts'
import type { Decoded } from '../../src/core/point.ts'

export const WINDOW_MS = 3_600_000
export const GRACE_MS = 300_000
const PARTITIONS = 4
const POINTS_PER_HOUR = 12
const ORIGIN_MS = Date.UTC(2026, 0, 1)

export function createFleetTopic(broker: string, topic: string): Promise<void> {
  return createMissingTopics({ brokers: [broker] }, [{ topic, partitions: PARTITIONS }])
}

export async function sendHour(broker: string, topic: string, vms: number, hour: number): Promise<void> {
  const encoder = createEncoder()
  await produceRecords({
    connection: { brokers: [broker] },
    topic,
    input: (async function* () {
      yield* recordsOf(vms, hour)
    })(),
    encode: (record) => encoder.encodeEntry(record),
  })
}

function* recordsOf(vms: number, hour: number): Generator<Decoded> {
  const windowStart = ORIGIN_MS + hour * WINDOW_MS
  const firstSeq = hour * POINTS_PER_HOUR
  for (let i = 0; i < POINTS_PER_HOUR; i++) {
    for (let vm = 0; vm < vms; vm++) {
      const timestamp = windowStart + (i * WINDOW_MS) / POINTS_PER_HOUR
      const value = ((firstSeq + i) * 7919 + vm * 104_729) % 1000
      const point = { vmId: `vm-${vm}`, producer: '', metric: 'cpu', timestamp, seq: firstSeq + i, value }
      yield { kind: 'point', point }
    }
  }
  for (let vm = 0; vm < vms; vm++) {
    const manifest = { vmId: `vm-${vm}`, producer: '', windowStart, firstSeq, count: POINTS_PER_HOUR, last: false }
    yield { kind: 'manifest', manifest }
  }
}
