/** Structured logs: one JSON line an event on standard error, for machines that collect them. People get the display. */
import { pino, type Logger } from 'pino'
import type { PipelineEvent } from '../pipeline/events.ts'
import type { WorkerEvent } from '../workflows/worker.ts'

export type Log = Logger

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Written at once and not in the background: the last lines before a death are the ones that matter. */
export function createLog(level: LogLevel, job: string): Log {
  return pino(
    { level, base: { job }, timestamp: pino.stdTimeFunctions.isoTime, serializers: { cause: textOf, error: textOf } },
    pino.destination({ fd: 2, sync: true }),
  )
}

/** An error has no members of its own that JSON would show. */
const textOf = (value: unknown): unknown => (value instanceof Error ? value.message : value)

export function logPipelineEvent(log: Log, event: PipelineEvent): void {
  const { kind, ...fields } = event
  switch (kind) {
    case 'retry':
    case 'sweep-failed':
    case 'halt-not-kept':
    case 'dropped-from-roster':
      log.warn(fields, kind)
      return
    case 'folded':
    case 'opened':
    case 'caught-up':
      log.trace(fields, kind)
      return
    case 'cut':
    case 'step':
    case 'published':
      log.debug(fields, kind)
      return
    case 'taken-over':
    case 'committed':
    case 'request-taken':
    case 'request-answered':
    case 'ended':
      log.info(fields, kind)
      return
    case 'failed':
      log[event.disposition === 'fatal' ? 'error' : 'warn'](fields, kind)
      return
  }
}

export function logWorkerEvent(log: Log, event: WorkerEvent): void {
  const { kind, ...fields } = event
  if (kind === 'log') log[event.level]({ details: event.details }, event.message)
  else if (kind === 'gave-up') log.error(fields, 'worker gave up')
  else log.info(fields, `worker ${kind}`)
}
