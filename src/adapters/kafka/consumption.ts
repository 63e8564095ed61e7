/**
 * Reads a topic as a member of a consumer group. The group decides only which partitions are ours. The caller that opens a
 * partition decides at which offset to read. Each (re)join closes all readers and assigns the partitions again.
 *
 * A membership that fails with a retryable error is replaced by a new one. Any other error ends the consumption.
 */
import { WindrowError } from '../../errors/index.ts'
import type { Clock, OpenSource, Source } from '../../ports/index.ts'
import type { Decoded, SourceRecord } from '../../core/point.ts'
import type { RecordContext } from '../mapping/spec.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { Backoff } from '../../retry/retry.ts'
import { connectKafkaCluster } from './cluster.ts'
import { kafkaError } from './errors.ts'
import { createKafkaMember } from './member.ts'
import { PartitionReader } from './partition-reader.ts'
import type { KafkaConnection } from './client.ts'
import type { KafkaCluster } from './cluster.ts'
import type { FetchedBatch, FetchedMessage, GroupMember, MemberEvents } from './member.ts'
import type { BufferLimits } from './partition-reader.ts'

/** Decodes the value of a record. May look up a schema first. Throws only errors for which the whole partition must wait. */
export type Decode = (bytes: Uint8Array, context?: RecordContext) => Decoded | Promise<Decoded>

/** Called synchronously by the client, one call at a time. The methods must not throw. */
export interface ConsumptionListener {
  /** After every (re)join: the partitions that are ours now. All of them must be opened (again). May be empty. */
  onAssigned(partitions: readonly number[]): void
  /** The partitions are no longer known to be ours, and their readers have ended. `onAssigned` may follow. */
  onRevoked(partitions: readonly number[]): void
  /** The consumption has ended and will not resume. */
  onFailed(error: WindrowError): void
}

export interface ConsumptionOptions {
  readonly connection: KafkaConnection
  readonly topic: string
  readonly groupId: string
  readonly decode: Decode
  readonly listener: ConsumptionListener
  readonly clock: Clock
  /** The group excludes a member that is silent for this long. @default 20_000 */
  readonly sessionTimeoutMs?: number
  /** Amount buffered per partition before fetching pauses. @default 20_000 records, 4 MiB */
  readonly limits?: BufferLimits
  /** Larger values are not decoded but returned as `oversized`. @default 1 MiB */
  readonly maxRecordBytes?: number
}

export interface KafkaConsumption {
  readonly source: Source
  /** Resolves when the group has been joined for the first time. Throws when no broker can be reached. */
  start(): Promise<void>
  /** Resolves after the group has answered a heartbeat that was sent after this call. Throws if we are no longer a member. */
  confirmMembership(): Promise<void>
  /** Leaves the group. */
  close(): Promise<void>
}

export const DEFAULT_BUFFER_LIMITS: BufferLimits = { maxBufferedRecords: 20_000, maxBufferedBytes: 4 * 1024 * 1024 }
const DEFAULT_SESSION_TIMEOUT_MS = 20_000
const DEFAULT_MAX_RECORD_BYTES = 1024 * 1024
const MAX_FETCH_BYTES = 512 * 1024
/** How often the end of the log is requested while there are no records to return. */
const LOG_END_EVERY_MS = 250
const LEAVE_WITHIN_MS = 8_000
const REJOIN_RETRY: RetryPolicy = { baseMs: 500, capMs: 5_000 }

/** Dependencies of the logic below, so that tests need no broker. */
export interface ConsumptionPorts {
  connect(): Promise<Pick<KafkaCluster, 'logRanges' | 'close'>>
  newMember(): GroupMember
}

export function createKafkaConsumption(options: ConsumptionOptions): KafkaConsumption {
  const sessionTimeoutMs = options.sessionTimeoutMs ?? DEFAULT_SESSION_TIMEOUT_MS
  return new Consumption(options, {
    connect: () => connectKafkaCluster(options.connection),
    newMember: () => createKafkaMember({ ...options, sessionTimeoutMs, maxBytesPerPartition: MAX_FETCH_BYTES }),
  })
}

interface Waiter {
  /** The first heartbeat answered after the call may have been sent before it; the second cannot. */
  heartbeatsLeft: number
  readonly resolve: () => void
  readonly reject: (error: WindrowError) => void
}

export class Consumption implements KafkaConsumption {
  readonly source: Source = { open: (partition, fromOffset) => this.#open(partition, fromOffset) }

  readonly #options: ConsumptionOptions
  readonly #ports: ConsumptionPorts
  readonly #readers = new Map<number, PartitionReader>()
  readonly #closing = new AbortController()
  readonly #rejoins: Backoff
  #cluster: Pick<KafkaCluster, 'logRanges' | 'close'> | null = null
  #member: GroupMember | null = null
  #assigned: ReadonlySet<number> = new Set()
  /** Raised by every join, so that a slow `open` cannot add its reader to a later generation. */
  #generation = 0
  #waiters: Waiter[] = []
  #watching = false

  constructor(options: ConsumptionOptions, ports: ConsumptionPorts) {
    this.#options = options
    this.#ports = ports
    this.#rejoins = new Backoff(REJOIN_RETRY, {
      clock: options.clock,
      signal: this.#closing.signal,
      isFinishedOnAbort: true,
      onRetry: ({ error, pauseMs }) =>
        this.#warn(`joining group ${options.groupId} again in ${pauseMs} ms`, error as WindrowError),
    })
  }

  async start(): Promise<void> {
    this.#cluster = await this.#ports.connect()
    await this.#join()
  }

  confirmMembership(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#member === null || this.#assigned.size === 0) reject(this.#notOurs())
      else this.#waiters.push({ heartbeatsLeft: 2, resolve, reject })
    })
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#endAll()
    const member = this.#member
    this.#member = null
    if (member !== null) await this.#within(member.leave())
    await this.#cluster?.close()
  }

  async #join(): Promise<void> {
    const member = this.#ports.newMember()
    this.#member = member
    await member.join(this.#eventsOf(member))
  }

  /** Events of a member that has been replaced are ignored. */
  #eventsOf(member: GroupMember): MemberEvents {
    const whileCurrent =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A) => {
        if (this.#member === member) act(...args)
      }
    return {
      joined: whileCurrent((partitions) => this.#joined(partitions)),
      rebalancing: whileCurrent(() => this.#endAll()),
      heartbeat: whileCurrent(() => this.#heartbeat()),
      fetched: whileCurrent((batch) => this.#fetched(member, batch)),
      skipped: whileCurrent((partition, first, next) => {
        const reader = this.#readers.get(partition)
        if (reader?.skip(first, next) === false) this.#seekBack(member, reader)
      }),
      crashed: whileCurrent((error) => this.#crashed(member, error)),
    }
  }

  #joined(partitions: readonly number[]): void {
    this.#endAll()
    this.#rejoins.reset()
    this.#assigned = new Set(partitions)
    this.#generation++
    this.#options.listener.onAssigned(partitions)
  }

  /** No assigned partition is known to be ours any more. */
  #endAll(): void {
    const revoked = [...this.#assigned]
    this.#assigned = new Set()
    const error = this.#notOurs()
    for (const reader of this.#readers.values()) reader.fail(error)
    for (const waiter of this.#waiters) waiter.reject(error)
    this.#waiters = []
    if (revoked.length > 0) this.#options.listener.onRevoked(revoked)
  }

  #heartbeat(): void {
    for (const waiter of this.#waiters) if (--waiter.heartbeatsLeft === 0) waiter.resolve()
    this.#waiters = this.#waiters.filter(({ heartbeatsLeft }) => heartbeatsLeft > 0)
  }

  #crashed(member: GroupMember, error: unknown): void {
    const failure = kafkaError(error, `consuming ${this.#options.topic}`)
    this.#member = null
    this.#endAll()
    void this.#within(member.leave())
    if (failure.disposition === 'fatal') this.#options.listener.onFailed(failure)
    else void this.#rejoin(failure)
  }

  async #rejoin(failure: WindrowError): Promise<void> {
    await this.#rejoins.pauseAfter(failure)
    if (!this.#closing.signal.aborted) await this.#join()
  }

  async #open(partition: number, fromOffset: number): Promise<OpenSource> {
    const generation = this.#generation
    const { topic } = this.#options
    await this.#readers.get(partition)?.close()
    const ranges = this.#assigned.has(partition) ? await this.#cluster?.logRanges(topic, [partition]) : undefined
    const range = ranges?.get(partition)
    const member = this.#member
    if (range === undefined || member === null || generation !== this.#generation || !this.#assigned.has(partition)) {
      throw this.#notOurs(partition)
    }
    const reader = new PartitionReader({
      topic,
      partition,
      fromOffset,
      range,
      limits: this.#options.limits ?? DEFAULT_BUFFER_LIMITS,
      toRecord: recordMaker(this.#options, partition),
      port: {
        pause: () => member.pause(partition),
        resume: () => member.resume(partition),
        idle: () => void this.#watchLogEnds(),
        ended: () => {
          if (this.#readers.get(partition) !== reader) return
          this.#readers.delete(partition)
          if (this.#member === member) member.pause(partition)
        },
      },
    })
    if (reader.open) {
      this.#readers.set(partition, reader)
      member.seek(partition, fromOffset)
      member.resume(partition)
    }
    return reader
  }

  #fetched(member: GroupMember, batch: FetchedBatch): void {
    const reader = this.#readers.get(batch.partition)
    if (reader?.accept(batch) === false) this.#seekBack(member, reader)
  }

  /**
   * The client fetched at another offset than the reader expects: either the batch was fetched before the last seek, or the
   * client reset its position because the log no longer has that offset. The range of the log shows which.
   */
  #seekBack(member: GroupMember, reader: PartitionReader): void {
    member.seek(reader.partition, reader.nextFetch)
    void this.#watchLogEnds()
  }

  /** Polls the ends of the logs while a reader has no records to return. One loop at a time. */
  async #watchLogEnds(): Promise<void> {
    if (this.#watching) return
    this.#watching = true
    const { clock, topic } = this.#options
    try {
      while (!this.#closing.signal.aborted) {
        const starving = [...this.#readers.values()].filter(({ open, buffered }) => open && buffered.records === 0)
        if (starving.length === 0 || this.#cluster === null) return
        const askedAtMs = clock.nowMs()
        try {
          const ranges = await this.#cluster.logRanges(
            topic,
            starving.map(({ partition }) => partition),
          )
          for (const reader of starving) {
            const range = ranges.get(reader.partition)
            if (range !== undefined) reader.observe(range, askedAtMs)
          }
        } catch (error) {
          const failure = kafkaError(error, `reading the log end of ${topic}`)
          if (failure.disposition === 'fatal') for (const reader of starving) reader.fail(failure)
          else this.#warn('reading the log end failed; retrying', failure)
        }
        await clock.sleep(LOG_END_EVERY_MS, this.#closing.signal)
      }
    } finally {
      this.#watching = false
    }
  }

  /** Leaving may hang if the broker is down. The broker then ends the session by its timeout. */
  async #within(leaving: Promise<void>): Promise<void> {
    const settled = leaving.catch((error: unknown) => this.#warn('leaving the group', kafkaError(error, 'leaving')))
    const late = new AbortController()
    await Promise.race([settled.finally(() => late.abort()), this.#options.clock.sleep(LEAVE_WITHIN_MS, late.signal)])
  }

  #warn(message: string, error: WindrowError): void {
    this.#options.connection.log?.({ level: 'warn', message, fields: { code: error.code, error: error.message } })
  }

  #notOurs(partition?: number): WindrowError {
    const what = partition === undefined ? this.#options.topic : `${this.#options.topic}/${partition}`
    return new WindrowError(`${what} is not assigned to this member of ${this.#options.groupId}`, {
      code: 'PARTITION_REVOKED',
    })
  }
}

/** `message.timestamp.type` of a batch with timestamps of the broker's clock. */
const LOG_APPEND_TIME = 1

type RecordParts = Pick<FetchedMessage, 'key' | 'value' | 'headers'>

/** Converts stored messages of a partition to records. Also used by readers outside the group. */
export function recordMaker(
  options: Pick<ConsumptionOptions, 'topic' | 'decode' | 'maxRecordBytes'>,
  partition: number,
): (
  message: Pick<FetchedMessage, 'offset' | 'timestamp' | 'batchContext'> & RecordParts,
) => SourceRecord | Promise<SourceRecord> {
  const { topic, decode } = options
  const maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES
  const decodeValue = (message: RecordParts): Decoded | Promise<Decoded> => {
    const { value } = message
    if (value === null) return { kind: 'undecodable', code: 'undecodable', detail: 'a record without a value' }
    if (value.length <= maxRecordBytes) return decode(value, message)
    return { kind: 'undecodable', code: 'oversized', detail: `${value.length} bytes, ${maxRecordBytes} are allowed` }
  }
  return (message) => {
    const offset = Number(message.offset)
    const brokerTimestampMs = message.batchContext?.timestampType === LOG_APPEND_TIME ? Number(message.timestamp) : null
    const raw = () => ({ bytes: message.value ?? new Uint8Array(), place: { topic, partition } })
    const decoded = decodeValue(message)
    if (decoded instanceof Promise) return decoded.then((d) => ({ offset, brokerTimestampMs, decoded: d, raw }))
    return { offset, brokerTimestampMs, decoded, raw }
  }
}
