/** `windrow gateway`: serves HTTP in front of a topic until the signal aborts. */
import type { AddressInfo } from 'node:net'
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { decodeOptionsOf } from '../decode-options.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { openKafkaPointLog, type KafkaPointLog } from '../../adapters/kafka/point-log.ts'
import { createMissingTopics } from '../../adapters/kafka/topic.ts'
import type { Config } from '../../config/settings.ts'
import type { Windowing } from '../../core/windowing.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { GatewayMeter, SentResponse } from '../../gateway/meter.ts'
import { PendingBytes } from '../../gateway/pending.ts'
import { RateLimit } from '../../gateway/rate-limit.ts'
import { createGateway } from '../../gateway/server.ts'
import type { PointLog } from '../../ports/point-log.ts'
import type { Client } from '../../gateway/tokens.ts'
import { systemClock as clock } from '../../retry/clock.ts'
import { isRetryable, retry, type Retry } from '../../retry/retry.ts'
import { openGatewayTelemetry } from '../../telemetry/gateway-telemetry.ts'
import { followPublished } from './results.ts'
import { rulesOf } from '../rules.ts'

export interface GatewayRequest {
  readonly config: Config & { readonly topic: string }
  readonly clients: readonly Client[] | null
  /** If the topic does not exist, creates it with this number of partitions. `null`: the topic must exist. */
  readonly partitions: number | null
  /** The topics that the job publishes to; queries are answered from them. */
  readonly topics: { readonly results: string; readonly certificates: string }
}

/** Observes a gateway. Calls are frequent and synchronous. */
export interface GatewayObserver {
  /** Kafka cannot be reached yet; called after every attempt. */
  waiting(error: WindrowError): void
  listening(url: string): void
  responseSent(response: SentResponse): void
  fault(error: unknown): void
  draining(): void
}

/** Printed at the end; as the last line on standard output with `--json`. */
export interface GatewaySummary {
  /** Number of points stored. */
  readonly points: number
  readonly manifests: number
  /** Number of requests by response status. */
  readonly answers: Readonly<Record<string, number>>
  readonly seconds: number
}

export type RunGateway = (
  request: GatewayRequest,
  observer: GatewayObserver,
  signal: AbortSignal,
) => Promise<GatewaySummary>

/**
 * Serves until `signal` aborts, then finishes the requests in progress. If Kafka is unavailable at startup, the gateway
 * waits for it. Errors that waiting cannot fix, such as a missing topic, are thrown.
 */
export const runGateway: RunGateway = async (request, observer, signal) => {
  const pending = new PendingBytes(request.config.maxPendingBytes)
  const telemetry = await openGatewayTelemetry(request.config, pending)
  try {
    return await serve(request, { pending, meter: telemetry.meter }, observer, signal)
  } finally {
    await telemetry.close()
  }
}

async function serve(
  request: GatewayRequest,
  { pending, meter }: { readonly pending: PendingBytes; readonly meter: GatewayMeter },
  observer: GatewayObserver,
  signal: AbortSignal,
): Promise<GatewaySummary> {
  const { config, clients } = request
  const startedMs = performance.now()
  const connection = kafkaConnectionOf(config, 'windrow-gateway')
  const log = createDeferredLog()
  const opening = new AbortController()
  const onWaiting = (error: WindrowError): void => {
    log.setProblem(error)
    observer.waiting(error)
  }
  const opened = openLog(request, connection, onWaiting, AbortSignal.any([signal, opening.signal]))
  const stopFollowing = new AbortController()
  const published = followPublished(connection, request.topics, stopFollowing.signal)
  const answers: Record<string, number> = {}
  const gateway = createGateway({
    log,
    clients,
    windowing: windowingOf(config),
    decode: decodeOptionsOf(config),
    sourceNames: { vmAttributes: config.vmAttributes, producerAttributes: config.producerAttributes },
    maxBodyBytes: config.maxBodyBytes,
    maxItems: config.maxItems,
    rateLimit: config.pointsPerSecond === null ? null : new RateLimit(config.pointsPerSecond),
    pending,
    meter,
    requestTimeoutMs: config.requestTimeoutMs,
    ackTimeoutMs: config.ackTimeoutMs,
    nowMs: Date.now,
    published,
    onResponse: (response) => {
      answers[response.status] = (answers[response.status] ?? 0) + 1
      observer.responseSent(response)
    },
    onFault: (error) => observer.fault(error),
  })
  try {
    observer.listening(await listen(gateway, config.listen))
    const forGood = new Promise<never>(() => undefined)
    const ready = opened.then((kafka) => kafka !== null && log.setLog(kafka))
    await Promise.race([aborted(signal), ready.then(() => forGood), published.ended])
    observer.draining()
  } finally {
    // Drain first: requests in progress need Kafka.
    await gateway.drain()
    stopFollowing.abort()
    opening.abort()
    await published.ended
    await (await opened)?.close()
  }
  const seconds = Math.round(performance.now() - startedMs) / 1000
  return { ...gateway.counts, answers, seconds }
}

/** The gateway's clock is used instead of the broker's, since a point is accepted here and now. */
function windowingOf(config: Config): Windowing {
  return rulesOf(config, true)
}

const OPEN_RETRY = { baseMs: 1_000, capMs: 1_000 }

/** Opens the log, retrying while Kafka is unavailable. `null` if the signal aborts first. Throws errors that are not retryable. */
async function openLog(
  { config: { topic }, partitions }: GatewayRequest,
  connection: KafkaConnection,
  onWaiting: (error: WindrowError) => void,
  signal: AbortSignal,
): Promise<KafkaPointLog | null> {
  const control = {
    clock,
    signal,
    isRetryable: (error: unknown) => isRetryable(error) && !isTopicMissing(error),
    onRetry: ({ error }: Retry) => onWaiting(error as WindrowError),
  }
  try {
    return await retry(OPEN_RETRY, control, async () => {
      if (partitions !== null) await createMissingTopics(connection, [{ topic, partitions }])
      return openKafkaPointLog(connection, topic, Date.now)
    })
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null
    throw isTopicMissing(error) ? topicMissing(topic, error) : error
  }
}

function isTopicMissing(error: unknown): error is WindrowError {
  return error instanceof WindrowError && error.code === 'KAFKA_TOPIC_MISSING'
}

interface DeferredLog extends PointLog {
  /** Sets the reason why the log is not open. */
  setProblem(error: WindrowError): void
  /** Sets the log to use from now on. */
  setLog(log: PointLog): void
}

/** A log that may not be open yet, so that the gateway can serve HTTP, and report why, while it waits for Kafka. */
function createDeferredLog(): DeferredLog {
  let current: PointLog | null = null
  let reason = new WindrowError('Kafka has not been reached yet', {
    code: 'KAFKA_UNREACHABLE',
    remedy: 'Wait; GET /readyz reports when Kafka is reachable.',
  })
  const log = (): PointLog => {
    if (current === null) throw reason
    return current
  }
  return {
    setProblem: (error) => (reason = error),
    setLog: (opened) => (current = opened),
    append: async (records) => log().append(records),
    probe: async () => log().probe(),
  }
}

async function listen(gateway: ReturnType<typeof createGateway>, at: Config['listen']): Promise<string> {
  try {
    await gateway.app.listen(at)
    // Not the address that fastify returns, which is a loopback address for one that means all interfaces.
    const { address, family, port } = gateway.app.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new WindrowError(`cannot listen on ${at.host}:${at.port}: ${messageOf(error)}`, {
      code: code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'CANNOT_LISTEN',
      remedy: 'Set another --listen host:port, or stop the process that uses it.',
      cause: error,
    })
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function topicMissing(topic: string, cause: WindrowError): WindrowError {
  return new WindrowError(`the topic ${topic} does not exist`, {
    code: cause.code,
    remedy: 'Set --partitions N to create it, or correct the name.',
    cause,
  })
}
