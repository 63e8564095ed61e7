/** `windrow gateway`: HTTP in front of a topic, until it is told to stop. */
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import { kafkaConnectionOf } from '../../config/kafka-connection.ts'
import { openKafkaPointLog, type KafkaPointLog } from '../../adapters/kafka/point-log.ts'
import { createMissingTopics } from '../../adapters/kafka/topic.ts'
import type { Config } from '../../config/settings.ts'
import type { Windowing } from '../../core/windowing.ts'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { GatewayMeter } from '../../gateway/meter.ts'
import { PendingBytes } from '../../gateway/pending.ts'
import { RateLimit } from '../../gateway/rate-limit.ts'
import { createGateway, type Answered } from '../../gateway/server.ts'
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
  /** Creates the topic with as many, if it is not there. `null`: it must be there. */
  readonly partitions: number | null
  /** Where the job publishes; questions are answered from there. */
  readonly topics: { readonly results: string; readonly certificates: string }
}

/** Follows it. Calls are frequent and synchronous. */
export interface GatewayObserver {
  /** Kafka cannot be reached yet; told at every attempt. */
  waiting(error: WindrowError): void
  listening(url: string): void
  answered(answer: Answered): void
  fault(error: unknown): void
  draining(): void
}

/** Printed at the end; as the last line on standard output with `--json`. */
export interface GatewaySummary {
  /** Taken and stored. */
  readonly points: number
  readonly manifests: number
  /** Requests by the status of their answer. */
  readonly answers: Readonly<Record<string, number>>
  readonly seconds: number
}

export type RunGateway = (
  request: GatewayRequest,
  observer: GatewayObserver,
  signal: AbortSignal,
) => Promise<GatewaySummary>

/**
 * Serves until `signal` aborts, then finishes what is under way. Kafka may be away at the start: it is waited for. What
 * no waiting mends, such as a topic that is not there, ends it.
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
  const log = createLateLog()
  const opening = new AbortController()
  const onWaiting = (error: WindrowError): void => {
    log.awaits(error)
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
    maxBodyBytes: config.maxBodyBytes,
    maxItems: config.maxItems,
    rateLimit: config.pointsPerSecond === null ? null : new RateLimit(config.pointsPerSecond),
    pending,
    meter,
    requestTimeoutMs: config.requestTimeoutMs,
    ackTimeoutMs: config.ackTimeoutMs,
    nowMs: Date.now,
    published,
    onAnswer: (answer) => {
      answers[answer.status] = (answers[answer.status] ?? 0) + 1
      observer.answered(answer)
    },
    onFault: (error) => observer.fault(error),
  })
  try {
    observer.listening(await listen(gateway, config.listen))
    const forGood = new Promise<never>(() => undefined)
    const ready = opened.then((kafka) => kafka !== null && log.isOpen(kafka))
    await Promise.race([aborted(signal), ready.then(() => forGood), published.ended])
    observer.draining()
  } finally {
    // In this order: what is under way needs Kafka to end.
    await gateway.drain()
    stopFollowing.abort()
    opening.abort()
    await published.ended
    await (await opened)?.close()
  }
  const seconds = Math.round(performance.now() - startedMs) / 1000
  return { ...gateway.counts, answers, seconds }
}

/** The gateway's clock stands in for the broker's: it is there and then that a point is taken. */
function windowingOf(config: Config): Windowing {
  return rulesOf(config, true)
}

const OPEN_RETRY = { baseMs: 1_000, capMs: 1_000 }

/** `null` when it was told to stop before. Throws what no waiting mends. */
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

interface LateLog extends PointLog {
  awaits(error: WindrowError): void
  isOpen(log: PointLog): void
}

/** A log that may not be there yet, so that a gateway can say so over HTTP while it waits for Kafka. */
function createLateLog(): LateLog {
  let current: PointLog | null = null
  let reason = new WindrowError('Kafka has not been reached yet', {
    code: 'KAFKA_UNREACHABLE',
    remedy: 'Wait; GET /readyz says when it is there.',
    disposition: 'retryable',
  })
  const log = (): PointLog => {
    if (current === null) throw reason
    return current
  }
  return {
    awaits: (error) => (reason = error),
    isOpen: (opened) => (current = opened),
    append: async (records) => log().append(records),
    probe: async () => log().probe(),
  }
}

async function listen(gateway: ReturnType<typeof createGateway>, at: Config['listen']): Promise<string> {
  try {
    return await gateway.app.listen(at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new WindrowError(`cannot listen on ${at.host}:${at.port}: ${messageOf(error)}`, {
      code: code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'CANNOT_LISTEN',
      remedy: 'Give another --listen host:port, or stop what listens there.',
      cause: error,
    })
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function topicMissing(topic: string, cause: WindrowError): WindrowError {
  return new WindrowError(`there is no topic ${topic}`, {
    code: cause.code,
    remedy: 'Give --partitions N to have it created, or correct the name.',
    cause,
  })
}
