/** A broker for the tests beside this file, and topics, readers and clocks for them. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { beforeAll } from 'vitest'
import { connectKafkaCluster } from '../../src/adapters/kafka/cluster.ts'
import { createKafkaConsumption } from '../../src/adapters/kafka/consumption.ts'
import { produceRecords } from '../../src/adapters/kafka/produce.ts'
import type { KafkaConnection } from '../../src/adapters/kafka/client.ts'
import type { ConsumptionOptions, KafkaConsumption } from '../../src/adapters/kafka/consumption.ts'
import type { StoredMessage } from '../../src/adapters/kafka/cluster.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Clock, OpenSource } from '../../src/ports/index.ts'
import { sharedStack } from './stacks.ts'

/** A connection to the brokers in `WINDROW_TEST_BROKERS`, or to that of the suite's stack. */
export function kafkaForTests(): KafkaConnection {
  const brokers = (process.env['WINDROW_TEST_BROKERS'] ?? '').split(',').filter((broker) => broker !== '')
  if (brokers.length > 0) return { brokers }
  const stack = sharedStack()
  beforeAll(() => void brokers.push(stack().description.addresses.kafka))
  return { brokers }
}

export const clock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (signal?.aborted !== true) throw error
    }
  },
}

/** A name that no earlier run has used. */
export const fresh = (what: string): string => `${what}_${randomBytes(4).toString('hex')}`

export function client({ brokers }: KafkaConnection) {
  return new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
}

export async function withAdmin<T>(connection: KafkaConnection, use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = client(connection).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export const point = (vmId: string, seq: number): Decoded => ({
  kind: 'point',
  point: { vmId, producer: '', metric: 'cpu', timestamp: 0, seq, value: 1 },
})

export function points(count: number, vms = 1): Decoded[] {
  return Array.from({ length: count }, (_, i) => point(`vm-${i % vms}`, Math.floor(i / vms)))
}

/** Stores values such as `vm-3:17`, padded to `bytes`. */
export async function fill(
  connection: KafkaConnection,
  topic: string,
  records: readonly Decoded[],
  bytes = 0,
): Promise<void> {
  await produceRecords({
    connection,
    topic,
    input: (async function* () {
      yield* records
    })(),
    encode: (record) =>
      Buffer.from((record.kind === 'point' ? `${record.point.vmId}:${record.point.seq}` : 'manifest').padEnd(bytes)),
  })
}

/** Values come back as the detail of an undecodable record, which is the plainest there is. */
export const asText = (bytes: Uint8Array): Decoded => ({
  kind: 'undecodable',
  code: 'undecodable',
  detail: Buffer.from(bytes).toString().trimEnd(),
})

export interface Member {
  readonly consumption: KafkaConsumption
  /** The calls of the listener, in order. */
  readonly notified: string[]
  /** The next assignment that holds for `partitions`, now or later. */
  assigned(partitions: number): Promise<readonly number[]>
  failure: Error | null
}

/** Creates a member that records the calls of its listener. */
export function newMember(
  connection: KafkaConnection,
  topic: string,
  groupId: string,
  options: Partial<ConsumptionOptions> = {},
): Member {
  let current: readonly number[] = []
  let waiting: (() => void)[] = []
  const notified: string[] = []
  const changed = (what: string, partitions: readonly number[]) => {
    notified.push(what)
    current = partitions
    for (const wake of waiting.splice(0)) wake()
  }
  const consumption = createKafkaConsumption({
    connection,
    topic,
    groupId,
    decode: asText,
    clock,
    listener: {
      onAssigned: (partitions) => changed(`assigned ${partitions.join()}`, partitions),
      onRevoked: (partitions) => changed(`revoked ${partitions.join()}`, []),
      onFailed: (error) => {
        member.failure = error
      },
    },
    ...options,
  })
  const member: Member = {
    consumption,
    notified,
    failure: null,
    async assigned(count) {
      while (current.length !== count) await new Promise<void>((wake) => (waiting = [...waiting, wake]))
      return current
    },
  }
  return member
}

export interface Read {
  readonly values: string[]
  readonly offsets: number[]
  readonly nextOffset: number
}

/** Reads an opening until everything that was there when the call was made has been handed over. */
export async function readUntilCaughtUp(opening: OpenSource): Promise<Read> {
  const calledAtMs = Date.now()
  const values: string[] = []
  const offsets: number[] = []
  for (;;) {
    const event = await opening.next()
    if (event.kind === 'records') {
      for (const { decoded, offset } of event.records) {
        values.push(decoded.kind === 'undecodable' ? decoded.detail : decoded.kind)
        offsets.push(offset)
      }
    } else if (event.kind === 'caught-up' && event.fetchedAtMs >= calledAtMs) {
      return { values, offsets, nextOffset: event.nextOffset }
    }
  }
}

/** All that a `read_committed` reader sees in a topic, by partition. */
export async function committedIn(connection: KafkaConnection, topic: string): Promise<StoredMessage[][]> {
  const cluster = await connectKafkaCluster(connection)
  try {
    const count = await cluster.partitionCount(topic)
    const found: StoredMessage[][] = []
    for (let partition = 0; partition < count; partition++) {
      const messages: StoredMessage[] = []
      const { start, end } = (await cluster.logRanges(topic, [partition])).get(partition) ?? { start: 0, end: 0 }
      for (let at = start; at < end;) {
        const slice = await cluster.read(topic, partition, at, 8 * 1024 * 1024)
        messages.push(...slice.messages.filter(({ isControlRecord }) => !isControlRecord))
        const last = slice.messages.at(-1)
        if (last === undefined) break
        at = Number(last.offset) + 1
      }
      found.push(messages)
    }
    return found
  } finally {
    await cluster.close()
  }
}

export const textOf = ({ value }: StoredMessage): string => value?.toString() ?? ''
