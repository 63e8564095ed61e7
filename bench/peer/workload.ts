/**
 * The topic that both contenders read: Avro points in order of time, one point per VM and second, and for each partition
 * a final point that moves event time past the end and the grace period of the last window. There are no manifests, since
 * Kafka Streams has none: Windrow closes by its watermark here, as Kafka Streams closes by stream time.
 */
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import type { KafkaConnection } from '../../src/adapters/kafka/client.ts'
import { produceRecords } from '../../src/adapters/kafka/produce.ts'
import { partitionOf } from '../../src/core/murmur2.ts'
import type { Decoded } from '../../src/core/point.ts'

export const PARTITIONS = 8
/** Compiled into Peer.java. */
export const GRACE_MS = 10_000
const STEP_MS = 1_000

/** The values of a VM window that both must compute. */
export interface VmWindowFold {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export interface Workload {
  readonly topic: string
  readonly perWindow: number
  readonly windowMs: number
  /** Number of points, without those that only move time. */
  readonly points: number
  readonly markers: number
  /** Expected values of all VM windows, by `<vmId>@<windowStart>`. */
  readonly expected: ReadonlyMap<string, VmWindowFold>
}

export interface WorkloadSize {
  readonly points: number
  readonly vms: number
  readonly perWindow: number
}

/** Fills a new topic. The number of points is rounded to whole windows. */
export async function produceWorkload(
  connection: KafkaConnection,
  topic: string,
  size: WorkloadSize,
  nowMs: number,
): Promise<Workload> {
  const { vms, perWindow } = size
  const windows = Math.max(1, Math.round(size.points / (vms * perWindow)))
  const windowMs = perWindow * STEP_MS
  // Recent times, so that retention does not delete the records.
  const startMs = (Math.floor(nowMs / windowMs) - windows) * windowMs
  const expected = new Map<string, VmWindowFold>()
  const encoder = createEncoder()
  await produceRecords({
    connection,
    topic,
    partitions: PARTITIONS,
    input: records(),
    encode: (record) => encoder.encodeEntry(record),
  })
  return { topic, perWindow, windowMs, points: windows * vms * perWindow, markers: PARTITIONS, expected }

  async function* records(): AsyncGenerator<Decoded> {
    for (let seq = 0; seq < windows * perWindow; seq++) {
      const windowStart = startMs + Math.floor(seq / perWindow) * windowMs
      for (let vm = 0; vm < vms; vm++) {
        const vmId = `vm-${vm}`
        const value = 50 + 40 * Math.sin(seq / 50 + vm) + ((seq * 7919 + vm * 104_729) % 1000) / 100
        note(`${vmId}@${windowStart}`, value)
        yield point(vmId, startMs + seq * STEP_MS + ((vm * 7919) % STEP_MS), seq, value)
      }
    }
    const pastMs = startMs + windows * windowMs + GRACE_MS
    for (let partition = 0; partition < PARTITIONS; partition++) yield point(nameIn(partition), pastMs, 0, 0)
  }

  function note(key: string, value: number): void {
    const { count, sum, min, max } = expected.get(key) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity }
    expected.set(key, {
      count: count + 1,
      sum: sum + value,
      min: Math.min(min, value),
      max: Math.max(max, value),
    })
  }
}

function point(vmId: string, timestamp: number, seq: number, value: number): Decoded {
  return { kind: 'point', point: { vmId, producer: '', metric: 'cpu', timestamp, seq, value } }
}

/** The id of a VM that belongs to this partition. */
function nameIn(partition: number): string {
  for (let i = 0; ; i++) {
    const name = `time-${i}`
    if (partitionOf(name, PARTITIONS) === partition) return name
  }
}

/** Throws unless the results contain every VM window exactly once, with the expected values. */
export function checkResults(
  { expected }: Workload,
  results: Iterable<{ readonly key: string; readonly fold: VmWindowFold }>,
): void {
  const seen = new Set<string>()
  for (const { key, fold } of results) {
    const right = expected.get(key)
    if (right === undefined || seen.has(key))
      throw new Error(`${key} is ${right === undefined ? 'unexpected' : 'a duplicate'}`)
    seen.add(key)
    const isRight =
      fold.count === right.count &&
      fold.min === right.min &&
      fold.max === right.max &&
      // One of the two contenders rounds after every addition.
      Math.abs(fold.sum - right.sum) <= 1e-9 * right.count * 100
    if (!isRight) throw new Error(`${key} is ${JSON.stringify(fold)}, not ${JSON.stringify(right)}`)
  }
  if (seen.size !== expected.size) throw new Error(`${seen.size} of ${expected.size} VM windows were published`)
}
