/**
 * Group membership and readers over a scripted member and a hand-driven clock: what happens on joins, rejoins with and
 * without notice, crashes, batches from the wrong place, and at the end.
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
  get tell(): MemberEvents {
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

/** Sleeps end when the test says so. */
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

/** Lets everything that is ready run. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

let clock: HandClock
let members: FakeMember[]
let told: string[]
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
      onAssigned: (partitions) => told.push(`assigned ${partitions.join()}`),
      onRevoked: (partitions) => told.push(`revoked ${partitions.join()}`),
      onFailed: ({ code }) => told.push(`failed ${code}`),
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
      close: async () => void told.push('disconnected'),
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
  told = []
  logs = new Map()
  logFailures = []
  onJoin = (m) => m.tell.joined([0, 1])
  consumption = start()
  await consumption.start()
})

describe('opening', () => {
  it('seeks and resumes an assigned partition, and hands over what is fetched there', async () => {
    const reader = await consumption.source.open(1, 5)
    expect(member().calls).toEqual(['seek 1 5', 'resume 1'])
    expect([reader.logStart, reader.logEnd]).toEqual([0, 100])
    member().tell.fetched(batch(1, 5, 8))
    expect(await offsetsOf(reader)).toEqual([5, 6, 7])
  })

  it('is refused for a partition that is not ours', async () => {
    await expect(consumption.source.open(7, 0)).rejects.toMatchObject({
      code: 'PARTITION_REVOKED',
      disposition: 'lost',
    })
    expect(member().calls).toEqual([])
  })

  it('does not touch a log that does not have the offset', async () => {
    logs.set(0, { start: 50, end: 60 })
    const reader = await consumption.source.open(0, 10)
    expect(reader.logStart).toBe(50)
    await expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
    expect(member().calls).toEqual([])
  })

  it('a second time ends the first', async () => {
    const first = await consumption.source.open(0, 0)
    const second = await consumption.source.open(0, 3)
    await expect(first.next()).rejects.toMatchObject({ code: 'SOURCE_CLOSED' })
    member().tell.fetched(batch(0, 3, 4))
    expect(await offsetsOf(second)).toEqual([3])
  })

  it('that a rejoin overtakes is refused', async () => {
    const reader = consumption.source.open(0, 0)
    member().tell.joined([0])
    await expect(reader).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    expect(member().calls).toEqual([])
  })
})

describe('a batch from the wrong place', () => {
  it('is dropped, and the client sent back', async () => {
    const reader = await consumption.source.open(0, 10)
    member().calls.length = 0
    member().tell.fetched(batch(0, 30, 35))
    expect(member().calls).toEqual(['seek 0 10'])
    member().tell.fetched(batch(0, 10, 12))
    expect(await offsetsOf(reader)).toEqual([10, 11])
  })

  it('is data loss when the log no longer has what is wanted: the client has reset its position', async () => {
    const reader = await consumption.source.open(0, 10)
    logs.set(0, { start: 30, end: 100 })
    const waiting = expect(reader.next()).rejects.toMatchObject({ code: 'DATA_LOSS' })
    member().tell.fetched(batch(0, 30, 35))
    await settle()
    await clock.advance(250)
    await waiting
    expect(member().calls.at(-1)).toBe('pause 0')
  })

  it('of nobody is dropped', () => {
    member().tell.fetched(batch(0, 0, 5))
    member().tell.skipped(0, 0, 5)
    expect(member().calls).toEqual([])
  })
})

describe('caught up', () => {
  it('is told with a time before the log end was asked for, again and again', async () => {
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
    member().tell.skipped(0, 4, 5)
    expect(await waiting).toMatchObject({ kind: 'caught-up', nextOffset: 5 })
  })

  it('is told later when the brokers do not answer for a while', async () => {
    logs.set(0, { start: 0, end: 4 })
    const reader = await consumption.source.open(0, 4)
    logFailures.push(new WindrowError('down', { code: 'KAFKA_UNREACHABLE', remedy: '' }))
    const waiting = reader.next()
    await settle()
    await clock.advance(250)
    expect(await waiting).toMatchObject({ kind: 'caught-up', fetchedAtMs: 1_250 })
  })

  it('is given up when the brokers refuse for good', async () => {
    const reader = await consumption.source.open(0, 4)
    logFailures.push(new WindrowError('denied', { code: 'KAFKA_DENIED', remedy: '' }))
    await expect(reader.next()).rejects.toMatchObject({ code: 'KAFKA_DENIED' })
  })

  it('costs no question to the brokers while there is something to hand over', async () => {
    const reader = await consumption.source.open(0, 0)
    logFailures.push(new WindrowError('denied', { code: 'KAFKA_DENIED', remedy: '' }))
    member().tell.fetched(batch(0, 0, 3))
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

  it('say where they come from, and the broker’s time only if it is the broker’s', async () => {
    const reader = await consumption.source.open(0, 0)
    const [message] = batch(0, 0, 1).messages
    member().tell.fetched({ ...batch(0, 0, 1), messages: [{ ...message!, batchContext: { timestampType: 1 } }] })
    const stamped = await first(reader)
    expect(stamped.brokerTimestampMs).toBe(77)
    expect(stamped.raw()).toEqual({ bytes: Buffer.from('v'), place: { topic: 'points', partition: 0 } })
    member().tell.fetched({
      ...batch(0, 1, 2),
      messages: [{ ...message!, offset: '1', batchContext: { timestampType: 0 } }],
    })
    expect((await first(reader)).brokerTimestampMs).toBeNull()
  })

  it('without a value, or beyond the limit, are not decoded', async () => {
    consumption = start({ maxRecordBytes: 3 })
    await consumption.start()
    const reader = await consumption.source.open(0, 0)
    member().tell.fetched(batch(0, 0, 1, null))
    expect((await first(reader)).decoded).toMatchObject({ code: 'undecodable', detail: 'a record without a value' })
    member().tell.fetched(batch(0, 1, 2, Buffer.from('abcd')))
    expect((await first(reader)).decoded).toMatchObject({ code: 'oversized' })
    member().tell.fetched(batch(0, 2, 3, Buffer.from('abc')))
    expect((await first(reader)).decoded).toMatchObject({ detail: 'abc' })
  })

  it('wait for a decoder that has to ask, and end the reader when it cannot', async () => {
    const answers = [Promise.resolve({ kind: 'undecodable', code: 'invalid', detail: 'asked' } as const)]
    const down = new WindrowError('down', { code: 'SCHEMA_REGISTRY_UNAVAILABLE', remedy: '' })
    consumption = start({ decode: () => answers.shift() ?? Promise.reject(down) })
    await consumption.start()
    const reader = await consumption.source.open(0, 0)
    member().tell.fetched(batch(0, 0, 1))
    expect((await first(reader)).decoded).toMatchObject({ detail: 'asked' })
    member().tell.fetched(batch(0, 1, 3))
    await expect(reader.next()).rejects.toBe(down)
    await expect(reader.next()).rejects.toBe(down)
    expect(member().calls.at(-1)).toBe('pause 0')
  })
})

describe('rejoining', () => {
  it('with notice revokes everything, then assigns anew', async () => {
    const reader = await consumption.source.open(0, 0)
    member().tell.rebalancing()
    await expect(reader.next()).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    member().tell.joined([1])
    expect(told).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 1'])
  })

  it('without notice ends what was opened all the same, kept partitions included', async () => {
    const reader = await consumption.source.open(0, 0)
    member().tell.fetched(batch(0, 0, 5))
    member().tell.joined([0, 1])
    await expect(reader.next()).rejects.toMatchObject({ code: 'PARTITION_REVOKED' })
    expect(told).toEqual(['assigned 0,1', 'revoked 0,1', 'assigned 0,1'])
  })

  it('does not let a late batch of the time before into the new reader', async () => {
    await consumption.source.open(0, 0)
    member().tell.joined([0])
    const reader = await consumption.source.open(0, 3)
    member().tell.fetched(batch(0, 5, 9))
    member().tell.fetched(batch(0, 3, 4))
    expect(await offsetsOf(reader)).toEqual([3])
  })
})

describe('a crash', () => {
  const passing = Object.assign(new Error('gone'), { name: 'KafkaJSConnectionError' })

  it('for a passing reason is followed by a new member, after longer and longer pauses', async () => {
    onJoin = (m) => m.tell.crashed(passing)
    member().tell.crashed(passing)
    expect(told).toEqual(['assigned 0,1', 'revoked 0,1'])
    expect(members[0]?.left).toBe(true)
    const pauses: number[] = []
    for (let i = 0; i < 3; i++) {
      await settle()
      pauses.push(Math.min(...clock.sleepers.map(({ ms }) => ms)))
      await clock.advance(60_000)
    }
    expect(pauses).toEqual([500, 1_000, 2_000])
    onJoin = (m) => m.tell.joined([0])
    await clock.advance(60_000)
    expect(members).toHaveLength(5)
    expect(told.at(-1)).toBe('assigned 0')
  })

  it('for any other reason is the end', async () => {
    const reader = await consumption.source.open(0, 0)
    member().tell.crashed(Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' }))
    await expect(reader.next()).rejects.toMatchObject({ disposition: 'lost' })
    expect(told).toEqual(['assigned 0,1', 'revoked 0,1', 'failed KAFKA_DENIED'])
    expect(members).toHaveLength(1)
  })

  it('leaves nothing that the old member says in effect', async () => {
    const old = member()
    old.tell.crashed(passing)
    await clock.advance(60_000)
    const reader = await consumption.source.open(0, 0)
    old.tell.fetched(batch(0, 0, 5))
    old.tell.joined([0, 1, 2])
    old.tell.rebalancing()
    member().tell.fetched(batch(0, 0, 1))
    expect(await offsetsOf(reader)).toEqual([0])
    expect(told.at(-1)).toBe('assigned 0,1')
  })
})

describe('the membership', () => {
  it('is confirmed by the second heartbeat, since the first may have been sent before', async () => {
    let confirmed = false
    const confirming = consumption.confirmMembership().then(() => {
      confirmed = true
    })
    member().tell.heartbeat()
    await settle()
    expect(confirmed).toBe(false)
    member().tell.heartbeat()
    await confirming
  })

  it('is not confirmed once it is lost', async () => {
    const confirming = consumption.confirmMembership()
    member().tell.heartbeat()
    member().tell.joined([0, 1])
    await expect(confirming).rejects.toMatchObject({ disposition: 'lost' })
    member().tell.rebalancing()
    await expect(consumption.confirmMembership()).rejects.toMatchObject({ disposition: 'lost' })
  })
})

describe('closing', () => {
  it('ends what was opened, leaves the group and disconnects', async () => {
    const reader = await consumption.source.open(0, 0)
    await consumption.close()
    await expect(reader.next()).rejects.toMatchObject({ disposition: 'lost' })
    expect(member().left).toBe(true)
    expect(told).toEqual(['assigned 0,1', 'revoked 0,1', 'disconnected'])
  })

  it('does not wait for ever for a broker that is gone', async () => {
    member().leave = () => new Promise(() => undefined)
    const closing = consumption.close()
    await settle()
    await clock.advance(8_000)
    await closing
    expect(told.at(-1)).toBe('disconnected')
  })

  it('in the pause after a crash brings no new member', async () => {
    member().tell.crashed(Object.assign(new Error('gone'), { name: 'KafkaJSConnectionError' }))
    await consumption.close()
    await clock.advance(60_000)
    expect(members).toHaveLength(1)
  })
})
