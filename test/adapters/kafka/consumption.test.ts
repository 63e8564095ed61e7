/**
 * Group membership and readers with a scripted member and a hand-driven clock: joins, rejoins with and without notice,
 * crashes, batches with an unexpected offset, and closing.
 */
import { beforeEach, describe, expect, it } from 'vitest'
import { Consumption } from '../../../src/adapters/kafka/consumption.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import type { ConsumptionOptions } from '../../../src/adapters/kafka/consumption.ts'
import type { LogRange } from '../../../src/adapters/kafka/cluster.ts'
import type { FetchedBatch, GroupMember, MemberEvents } from '../../../src/adapters/kafka/member.ts'
import type { OpenSource } from '../../../src/ports/index.ts'

class FakeMember implements GroupMember {
  readonly calls: string[] = []
  events: MemberEvents | null = null
  left = false
  readonly #onJoin: (member: FakeMember) => void

  constructor(onJoin: (member: FakeMember) => void) {
    this.#onJoin = onJoin
  }
  async join(events: MemberEvents): Promise<void> {
    this.events = events
    this.#onJoin(this)
  }
  get emit(): MemberEvents {
    if (this.events === null) throw new Error('not joined')
    return this.events
  }
  seek(partition: number, offset: number): void {
    this.calls.push(`seek ${partition} ${offset}`)
  }
  pause(partition: number): void {
    this.calls.push(`pause ${partition}`)
  }
  resume(partition: number): void {
    this.calls.push(`resume ${partition}`)
  }
  async leave(): Promise<void> {
    this.left = true
  }
}

/** Sleeps end when the test advances the clock. */
class HandClock {
  now = 1_000
  readonly sleepers: { readonly ms: number; readonly wake: () => void }[] = []
  nowMs = () => this.now
  sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted === true) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
      this.sleepers.push({ ms, wake: resolve })
    })
  async advance(ms: number): Promise<void> {
    this.now += ms
    for (const { wake } of this.sleepers.splice(0)) wake()
    await settle()
  }
}

/** Runs all callbacks that are ready. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

let clock: HandClock
let members: FakeMember[]
let notifications: string[]
let logs: Map<number, LogRange>
let logFailures: WindrowError[]
let onJoin: (member: FakeMember) => void
let consumption: Consumption

function start(extra: Partial<ConsumptionOptions> = {}): Consumption {
  const options: ConsumptionOptions = {
    connection: { brokers: [] },
    topic: 'points',
    groupId: 'group',
    decode: (bytes) => ({ kind: 'undecodable', code: 'undecodable', detail: Buffer.from(bytes).toString() }),
    clock,
    listener: {
      onAssigned: (partitions) => notifications.push(`assigned ${partitions.join()}`),
      onRevoked: (partitions) => notifications.push(`revoked ${partitions.join()}`),
      onFailed: ({ code }) => notifications.push(`failed ${code}`),
    },
    ...extra,
  }
  return new Consumption(options, {
    connect: async () => ({
      logRanges: async (_topic, partitions) => {
        const failure = logFailures.shift()
        if (failure !== undefined) throw failure
        return new Map(partitions.map((p) => [p, logs.get(p) ?? { start: 0, end: 100 }]))
      },
      close: async () => void notifications.push('disconnected'),
    }),
    newMember: () => {
      const member = new FakeMember((m) => onJoin(m))
      members.push(member)
      return member
    },
  })
}

const member = () => members.at(-1) as FakeMember

const batch = (
  partition: number,
  fetchOffset: number,
  nextOffset: number,
  value: Buffer | null = Buffer.from('v'),
): FetchedBatch => ({
  partition,
  fetchOffset,
  nextOffset,
  messages: Array.from({ length: nextOffset - fetchOffset }, (_, i) => ({
    offset: String(fetchOffset + i),
    timestamp: '77',
    key: null,
    value,
  })),
})

async function offsetsOf(reader: OpenSource): Promise<number[]> {
  const event = await reader.next()
  return event.kind === 'records' ? event.records.map(({ offset }) => offset) : []
}

beforeEach(async () => {
  clock = new HandClock()
  members = []
  notifications = []
  logs = new Map()
  logFailures = []
  onJoin = (m) => m.emit.joined([0, 1])
  consumption = start()
  await consumption.start()
})

describe('opening a reader', () => {
  it('seeks and resumes an assigned partition, and delivers the fetched records', async () => {
    const reader = await consumption.source.open(1, 5)
    expect(member().calls).toEqual(['seek 1 5', 'resume 1'])
    expect([reader.logStart, reader.logEnd]).toEqual([0, 100])
    member().emit.fetched(batch(1, 5, 8))
    expect(await offsetsOf(reader)).toEqual([5, 6, 7])
  })

  it('is rejected for a partition that is not assigned to this member', async () => {
    await expect(consumption.source.open(7, 0)).rejects.toMatchObject({
      code: 'PARTITION_REVOKED',
      disposition: 'lost',
    })
    expect(member().calls).toEqual([])
  })

  it('does not seek in a log that does not have the offset', async () => {
    logs.set(0, { start: 50, end: 60 })
    const reader = await consumption.source.open(0, 10)
    expect(reader.logStart).toBe(50)
    await expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
    expect(member().calls).toEqual([])
  })

  it('a second time closes the first reader', async () => {
    const first = await consumption.source.open(0, 0)
    const second = await consumption.source.open(0, 3)
    await expect(first.next()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' })
    member().emit.fetched(batch(0, 3, 4))
    expect(await offsetsOf(second)).toEqual([3])
  })

  it('fails when the member rejoins meanwhile', async () => {
    const reader = consumption.source.open(0, 0)
    member().emit.joined([0])
    await expect(reader).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    expect(member().calls).toEqual([])
  })
})

describe('a batch with an unexpected offset', () => {
  it('is dropped, and the client seeks back', async () => {
    const reader = await consumption.source.open(0, 10)
    member().calls.length = 0
    member().emit.fetched(batch(0, 30, 35))
    expect(member().calls).toEqual(['seek 0 10'])
    member().emit.fetched(batch(0, 10, 12))
    expect(await offsetsOf(reader)).toEqual([10, 11])
  })

  it('is data loss when the log no longer has the expected offset: the client has reset its position', async () => {
    const reader = await consumption.source.open(0, 10)
    logs.set(0, { start: 30, end: 100 })
    const waiting = expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
    member().emit.fetched(batch(0, 30, 35))
    await settle()
    await clock.advance(250)
    await waiting
    expect(member().calls.at(-1)).toBe('pause 0')
  })

  it('is dropped when the partition has no reader', () => {
    member().emit.fetched(batch(0, 0, 5))
    member().emit.skipped(0, 0, 5)
    expect(member().calls).toEqual([])
  })
})

describe('caught up', () => {
  it('is reported repeatedly, each with a time before the request for the log end', async () => {
    logs.set(0, { start: 0, end: 4 })
    const reader = await consumption.source.open(0, 4)
    expect(await reader.next()).toEqual({ kind: 'caught-up', nextOffset: 4, fetchedAtMs: 1_000 })
    const waiting = reader.next()
    await clock.advance(250)
    expect(await waiting).toEqual({ kind: 'caught-up', nextOffset: 4, fetchedAtMs: 1_250 })
  })

  it('waits for markers at the end of the log', async () => {
    logs.set(0, { start: 0, end: 5 })
    const reader = await consumption.source.open(0, 4)
    const waiting = reader.next()
    await settle()
    member().emit.skipped(0, 4, 5)
    expect(await waiting).toMatchObject({ kind: 'caught-up', nextOffset: 5 })
  })

  it('is reported later when the brokers do not answer for a while', async () => {
    logs.set(0, { start: 0, end: 4 })
    const reader = await consumption.source.open(0, 4)
    logFailures.push(new WindrowError('down', { code: 'KAFKA_UNREACHABLE', remedy: '' }))
    const waiting = reader.next()
    await settle()
    await clock.advance(250)
    expect(await waiting).toMatchObject({ kind: 'caught-up', fetchedAtMs: 1_250 })
  })

  it('fails the reader when the brokers reject the request permanently', async () => {
    const reader = await consumption.source.open(0, 4)
    logFailures.push(new WindrowError('denied', { code: 'KAFKA_DENIED', remedy: '' }))
    await expect(reader.next()).rejects.toMatchObject({ code: 'KAFKA_DENIED' })
  })

  it('sends no request to the brokers while records are pending', async () => {
    const reader = await consumption.source.open(0, 0)
    logFailures.push(new WindrowError('denied', { code: 'KAFKA_DENIED', remedy: '' }))
    member().emit.fetched(batch(0, 0, 3))
    await offsetsOf(reader)
    expect(logFailures).toHaveLength(1)
  })
})

describe('records', () => {
  const first = async (reader: OpenSource) => {
    const event = await reader.next()
    if (event.kind !== 'records' || event.records[0] === undefined) throw new Error('no record')
    return event.records[0]
  }

  it('carry their partition and offset, and a broker time only if the broker assigned it', async () => {
    const reader = await consumption.source.open(0, 0)
    const [message] = batch(0, 0, 1).messages
    member().emit.fetched({ ...batch(0, 0, 1), messages: [{ ...message!, batchContext: { timestampType: 1 } }] })
    const stamped = await first(reader)
    expect(stamped.brokerTimestampMs).toBe(77)
    expect(stamped.raw()).toEqual({ bytes: Buffer.from('v'), place: { topic: 'points', partition: 0 } })
    member().emit.fetched({
      ...batch(0, 1, 2),
      messages: [{ ...message!, offset: '1', batchContext: { timestampType: 0 } }],
    })
    expect((await first(reader)).brokerTimestampMs).toBeNull()
  })

  it('without a value, or above the size limit, are not decoded', async () => {
    consumption = start({ maxRecordBytes: 3 })
    await consumption.start()
    const reader = await consumption.source.open(0, 0)
    member().emit.fetched(batch(0, 0, 1, null))
    expect((await first(reader)).decoded).toMatchObject({ code: 'undecodable', detail: 'a record without a value' })
    member().emit.fetched(batch(0, 1, 2, Buffer.from('abcd')))
    expect((await first(reader)).decoded).toMatchObject({ code: 'oversized' })
    member().emit.fetched(batch(0, 2, 3, Buffer.from('abc')))
    expect((await first(reader)).decoded).toMatchObject({ detail: 'abc' })
  })

  it('wait for an asynchronous decoder, and fail the reader when it fails', async () => {
    const answers = [Promise.resolve({ kind: 'undecodable', code: 'invalid', detail: 'asked' } as const)]
    const down = new WindrowError('down', { code: 'SCHEMA_REGISTRY_UNAVAILABLE', remedy: '' })
    consumption = start({ decode: () => answers.shift() ?? Promise.reject(down) })
    await consumption.start()
    const reader = await consumption.source.open(0, 0)
    member().emit.fetched(batch(0, 0, 1))
    expect((await first(reader)).decoded).toMatchObject({ detail: 'asked' })
    member().emit.fetched(batch(0, 1, 3))
    await expect(reader.next()).rejects.toBe(down)
    await expect(reader.next()).rejects.toBe(down)
    expect(member().calls.at(-1)).toBe('pause 0')
  })
})

describe('rejoining', () => {
  it('with notice revokes all partitions, then assigns the new ones', async () => {
    const reader = await consumption.source.open(0, 0)
    member().emit.rebalancing()
    await expect(reader.next()).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    member().emit.joined([1])
    expect(notifications).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 1'])
  })

  it('without notice closes all readers, also those of partitions that were kept', async () => {
    const reader = await consumption.source.open(0, 0)
    member().emit.fetched(batch(0, 0, 5))
    member().emit.joined([0, 1])
    await expect(reader.next()).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    expect(notifications).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 0,1'])
  })

  it('does not deliver a late batch of the previous generation to the new reader', async () => {
    await consumption.source.open(0, 0)
    member().emit.joined([0])
    const reader = await consumption.source.open(0, 3)
    member().emit.fetched(batch(0, 5, 9))
    member().emit.fetched(batch(0, 3, 4))
    expect(await offsetsOf(reader)).toEqual([3])
  })
})

describe('a crash', () => {
  const passing = Object.assign(new Error('gone'), { name: 'KafkaJSConnectionError' })

  it('for a transient reason is followed by a new member, with growing backoff', async () => {
    onJoin = (m) => m.emit.crashed(passing)
    member().emit.crashed(passing)
    expect(notifications).toEqual(['assigned 0,1', 'revoked 0,1'])
    expect(members[0]?.left).toBe(true)
    const pauses: number[] = []
    for (let i = 0; i < 3; i++) {
      await settle()
      pauses.push(Math.min(...clock.sleepers.map(({ ms }) => ms)))
      await clock.advance(60_000)
    }
    expect(pauses).toEqual([500, 1_000, 2_000])
    onJoin = (m) => m.emit.joined([0])
    await clock.advance(60_000)
    expect(members).toHaveLength(5)
    expect(notifications.at(-1)).toBe('assigned 0')
  })

  it('for any other reason is fatal', async () => {
    const reader = await consumption.source.open(0, 0)
    member().emit.crashed(Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' }))
    await expect(reader.next()).rejects.toMatchObject({ disposition: 'lost' })
    expect(notifications).toEqual(['assigned 0,1', 'revoked 0,1', 'failed KAFKA_DENIED'])
    expect(members).toHaveLength(1)
  })

  it('makes later events of the old member ineffective', async () => {
    const old = member()
    old.emit.crashed(passing)
    await clock.advance(60_000)
    const reader = await consumption.source.open(0, 0)
    old.emit.fetched(batch(0, 0, 5))
    old.emit.joined([0, 1, 2])
    old.emit.rebalancing()
    member().emit.fetched(batch(0, 0, 1))
    expect(await offsetsOf(reader)).toEqual([0])
    expect(notifications.at(-1)).toBe('assigned 0,1')
  })
})

describe('the membership', () => {
  it('is confirmed by the second heartbeat, since the first may have been sent before the check', async () => {
    let confirmed = false
    const confirming = consumption.confirmMembership().then(() => {
      confirmed = true
    })
    member().emit.heartbeat()
    await settle()
    expect(confirmed).toBe(false)
    member().emit.heartbeat()
    await confirming
  })

  it('is not confirmed after it was lost', async () => {
    const confirming = consumption.confirmMembership()
    member().emit.heartbeat()
    member().emit.joined([0, 1])
    await expect(confirming).rejects.toMatchObject({ disposition: 'lost' })
    member().emit.rebalancing()
    await expect(consumption.confirmMembership()).rejects.toMatchObject({ disposition: 'lost' })
  })
})

describe('closing', () => {
  it('closes all readers, leaves the group and disconnects', async () => {
    const reader = await consumption.source.open(0, 0)
    await consumption.close()
    await expect(reader.next()).rejects.toMatchObject({ disposition: 'lost' })
    expect(member().left).toBe(true)
    expect(notifications).toEqual(['assigned 0,1', 'revoked 0,1', 'disconnected'])
  })

  it('does not wait forever for an unreachable broker', async () => {
    member().leave = () => new Promise(() => undefined)
    const closing = consumption.close()
    await settle()
    await clock.advance(8_000)
    await closing
    expect(notifications.at(-1)).toBe('disconnected')
  })

  it('during the backoff after a crash prevents a new member', async () => {
    member().emit.crashed(Object.assign(new Error('gone'), { name: 'KafkaJSConnectionError' }))
    await consumption.close()
    await clock.advance(60_000)
    expect(members).toHaveLength(1)
  })
})
