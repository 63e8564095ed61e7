/**
 * A day of a fleet as one window. The hour before it has one point of every VM, so that the roster can be trusted and the
 * day closes as soon as all its points have arrived. The manifests of the day are sent separately.
 */
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import { produceRecords } from '../../src/adapters/kafka/produce.ts'
import { connectKafkaCluster } from '../../src/adapters/kafka/cluster.ts'
import type { Decoded } from '../../src/core/point.ts'

export const PARTITIONS = 8
export const WINDOW_MS = 86_400_000
export const GRACE_MS = 60_000
const DAY_BEFORE_MS = Date.UTC(2026, 0, 1)
const DAY_MS = DAY_BEFORE_MS + WINDOW_MS

export class DayTopic {
  readonly topic: string
  readonly job: string
  /** End offsets of the partitions after the day is filled. */
  ends: readonly number[] = []
  readonly #brokers: readonly string[]
  readonly #vms: number
  readonly #pointsPerVm: number

  constructor(broker: string, name: string, vms: number, points: number) {
    this.topic = `${name}-in`
    this.job = name
    this.#brokers = [broker]
    this.#vms = vms
    this.#pointsPerVm = Math.floor(points / vms)
  }

  /** Creates the topic with the day before, which closes when the day begins. */
  async create(): Promise<void> {
    await this.#produce(this.#dayBefore())
  }

  async fill(): Promise<void> {
    await this.#produce(this.#points())
    const cluster = await connectKafkaCluster({ brokers: this.#brokers })
    try {
      const all = Array.from({ length: PARTITIONS }, (_, partition) => partition)
      const ranges = await cluster.logRanges(this.topic, all)
      this.ends = all.map((partition) => ranges.get(partition)?.end ?? 0)
    } finally {
      await cluster.close()
    }
  }

  /** Sends the manifests, which complete the day. */
  async close(): Promise<void> {
    await this.#produce(this.#manifests(DAY_MS, 1, this.#pointsPerVm))
  }

  async #produce(input: Iterable<Decoded>): Promise<void> {
    const encoder = createEncoder()
    await produceRecords({
      connection: { brokers: this.#brokers },
      topic: this.topic,
      partitions: PARTITIONS,
      input: (async function* () {
        yield* input
      })(),
      encode: (record) => encoder.encodeEntry(record),
    })
  }

  *#dayBefore(): Generator<Decoded> {
    for (let vm = 0; vm < this.#vms; vm++) yield this.#point(vm, 0, DAY_BEFORE_MS)
    yield* this.#manifests(DAY_BEFORE_MS, 0, 1)
  }

  *#points(): Generator<Decoded> {
    const stepMs = (WINDOW_MS - 1) / this.#pointsPerVm
    for (let i = 0; i < this.#pointsPerVm; i++) {
      for (let vm = 0; vm < this.#vms; vm++) yield this.#point(vm, i + 1, DAY_MS + Math.floor(i * stepMs))
    }
  }

  *#manifests(windowStart: number, firstSeq: number, count: number): Generator<Decoded> {
    for (let vm = 0; vm < this.#vms; vm++) {
      const manifest = { vmId: `vm-${vm}`, producer: '', windowStart, firstSeq, count, last: false }
      yield { kind: 'manifest', manifest }
    }
  }

  #point(vm: number, seq: number, timestamp: number): Decoded {
    const value = (seq * 7919 + vm * 104_729) % 1000
    return { kind: 'point', point: { vmId: `vm-${vm}`, producer: '', metric: 'cpu', timestamp, seq, value } }
  }
}
