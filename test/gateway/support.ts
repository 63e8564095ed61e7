/** A gateway in this process with a log in memory, and request bodies for tests. */
import { gzipSync } from 'node:zlib'
import { createEncoder } from '../../src/adapters/avro/encode.ts'
import type { DataPoint } from '../../src/core/point.ts'
import type { LogRecord, PointLog } from '../../src/ports/point-log.ts'
import { CertificatesView } from '../../src/gateway/certificates-view.ts'
import { PendingBytes } from '../../src/gateway/pending.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway/server.ts'
import type { SentResponse } from '../../src/gateway/meter.ts'
import type { PublishedViews } from '../../src/gateway/query.ts'
import type { ResultsView } from '../../src/gateway/results-view.ts'
import { parseTokens } from '../../src/gateway/tokens.ts'

export const HOUR_MS = 3_600_000
/** The gateway's clock. */
export const NOW_MS = Date.UTC(2026, 0, 1, 12)
export const TOKEN = 'correct-horse-battery'
export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` }

/** Rules of the job that the gateway checks for, with windows of an hour. */
export const WINDOWING = {
  ...{
    sizeMs: HOUR_MS,
    graceMs: 0,
    quorum: 0.5,
    deadlineMs: null,
    amendWindows: 3,
    rosterWindows: 3,
    stateWindows: 24,
  },
  ...{
    expectEveryMs: null,
    expectMetrics: [],
    producerRestarts: 'keep' as const,
    maxAheadMs: 300_000,
    maxSeqSpan: 100_000,
    maxMetricsPerVm: 16,
    maxProducersPerVm: 8,
  },
  closeAtEndOnly: false,
  inWindowOrder: false,
} as const

/** An in-memory log. Tests can make appends wait or fail. */
export class MemoryLog implements PointLog {
  readonly records: LogRecord[] = []
  failure: Error | null = null
  #held: (() => void)[] | null = null
  #onAppend: (() => void)[] = []

  /** From now on, appends wait for `release`. */
  hold(): void {
    this.#held = []
  }

  release(): void {
    for (const go of this.#held ?? []) go()
    this.#held = null
  }

  /** Resolves when the next append has started. */
  appendStarted(): Promise<void> {
    return new Promise((resolve) => this.#onAppend.push(resolve))
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    const held = this.#held
    for (const resolve of this.#onAppend.splice(0)) resolve()
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve))
    if (this.failure !== null) throw this.failure
    this.records.push(...records)
  }

  async probe(): Promise<void> {
    if (this.failure !== null) throw this.failure
  }

  get points(): DataPoint[] {
    return this.records.flatMap((record) => (record.kind === 'point' ? [record.point] : []))
  }
}

export interface TestGateway extends Gateway {
  readonly log: MemoryLog
  readonly pending: PendingBytes
  readonly answers: SentResponse[]
  readonly faults: unknown[]
  /** Moves the clock. */
  pass(ms: number): void
}

export function gatewayForTest(options: Partial<GatewayOptions> = {}): TestGateway {
  const log = new MemoryLog()
  const answers: SentResponse[] = []
  const faults: unknown[] = []
  let nowMs = NOW_MS
  const pending = options.pending ?? new PendingBytes(64 * 1024 ** 2)
  const gateway = createGateway({
    log,
    clients: parseTokens(`tester ${TOKEN}`).clients,
    windowing: WINDOWING,
    sourceNames: { vmAttributes: ['host.name', 'instance'], producerAttributes: ['service.name', 'job'] },
    maxBodyBytes: 1024 ** 2,
    maxItems: 1000,
    rateLimit: null,
    requestTimeoutMs: 30_000,
    ackTimeoutMs: 10_000,
    nowMs: () => nowMs,
    published: null,
    onResponse: (response) => answers.push(response),
    onFault: (error) => faults.push(error),
    ...options,
    pending,
  })
  return { ...gateway, log, pending, answers, faults, pass: (ms) => void (nowMs += ms) }
}

const followed = <V>(view: V) => ({ view, topic: 't', problem: () => null })

/** Views of topics that have been read to their end and contain what the test added. */
export function publishedOf(results: ResultsView, certificates = new CertificatesView(10)): PublishedViews {
  return { results: followed(results), certificates: followed(certificates) }
}

export const pointOf = (seq: number, members: object = {}) => ({
  ...{ vmId: 'vm-1', metric: 'cpu', timestamp: NOW_MS - HOUR_MS, seq, value: seq / 2 },
  ...members,
})

export const JSON_BODY = { ...AUTHORIZED, 'content-type': 'application/json' }
export const NDJSON_BODY = { ...AUTHORIZED, 'content-type': 'application/x-ndjson' }
export const AVRO_BODY = { ...AUTHORIZED, 'content-type': 'avro/binary' }

export const linesOf = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('')

export function avroOf(points: readonly ReturnType<typeof pointOf>[]): Buffer {
  const encoder = createEncoder()
  return Buffer.concat(points.map((point) => encoder.encodePoint({ producer: '', ...point })))
}

export const packed = (body: string | Buffer): Buffer => gzipSync(body)
