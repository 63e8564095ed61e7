/** Structured logs: one line of JSON per event on standard error, for log collectors. People read the display instead. */
import { createRequire } from 'node:module'
import type Pino from 'pino'
import type { Config } from '../config/settings.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { WorkerEvent } from '../adapters/dapr/worker.ts'
import { masking, secretsOf } from './secrets.ts'

export type Log = Pick<Pino.Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'isLevelEnabled'>

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

const drop = (): void => undefined
const SILENT: Log = { trace: drop, debug: drop, info: drop, warn: drop, error: drop, isLevelEnabled: () => false }

/**
 * Lines are written synchronously, because the last lines before a crash matter most. The secrets of the configuration are
 * masked in every line.
 */
export function createLog(config: Config): Log {
  const { logLevel: level, job } = config
  if (level === 'silent') return SILENT
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino
  const mask = masking(secretsOf(config))
  const destination = pino.destination({ fd: 2, sync: true })
  return pino(
    { level, base: { job }, timestamp: pino.stdTimeFunctions.isoTime, serializers: { cause: textOf, error: textOf } },
    { write: (line) => void destination.write(mask(line)) },
  )
}

/** JSON would show an error as an empty object, so log its message. */
const textOf = (value: unknown): unknown => (value instanceof Error ? value.message : value)

export function isLogged(log: Log, event: PipelineEvent): boolean {
  return log.isLevelEnabled(levelOf(event))
}

/**
 * Logs one line. It carries the partition, the start of the window if the event is about one, and the trace under
 * OpenTelemetry's name for it in logs (`trace_id`).
 */
export function logPipelineEvent(log: Log, event: PipelineEvent, traceId?: string): void {
  const level = levelOf(event)
  if (!log.isLevelEnabled(level)) return
  const { kind, window, ...fields } = event
  const place = window === null ? {} : { window: new Date(window).toISOString() }
  log[level]({ ...fields, ...place, ...(traceId === undefined ? {} : { trace_id: traceId }) }, kind)
}

function levelOf(event: PipelineEvent): Exclude<LogLevel, 'silent'> {
  switch (event.kind) {
    case 'retry':
    case 'samples-refused':
    case 'sweep-failed':
    case 'halt-not-kept':
    case 'dropped-from-roster':
    case 'vms-ahead':
    case 'vms-in-two-partitions':
      return 'warn'
    case 'recovered':
    case 'folded':
    case 'opened':
    case 'caught-up':
      return 'trace'
    case 'cut':
    case 'step':
    case 'published':
      return 'debug'
    case 'taken-over':
    case 'committed':
    case 'request-taken':
    case 'request-answered':
    case 'ended':
      return 'info'
    case 'failed':
      return event.disposition === 'fatal' ? 'error' : 'warn'
  }
}

export function logWorkerEvent(log: Log, event: WorkerEvent): void {
  const { kind, ...fields } = event
  if (kind === 'log') log[event.level]({ details: event.details }, event.message)
  else if (kind === 'gave-up') log.error(fields, 'worker gave up')
  else if (kind === 'actors-unwatched') log.warn({ ...fields, remedy: event.error.remedy }, 'workflow actors unwatched')
  else if (kind === 'sidecar-stuck') log.warn(fields, 'sidecar stuck')
  else log.info(fields, `worker ${kind}`)
}
