/**
 * Redirects the console output of the SDK's worker. The SDK (3.18.0) accepts no logger for workflows and writes several
 * lines per turn. They would bury the application's own output and cost more than the turn itself.
 *
 * The worker's logger is a field, so we replace it. The executor of a workflow turn is created for each turn with its own
 * logger, so we intercept its lines later, in the SDK's exported `ConsoleLoggerService`: only lines with its name, and only
 * while a worker exists. The application's console is never changed.
 */
import { ConsoleLoggerService } from './sdk.ts'

/** Receives warnings and errors; other lines are dropped. */
export type SdkLogSink = (level: 'warn' | 'error', message: string, details: readonly unknown[]) => void

/** The methods of the SDK's `Logger` that its worker calls. */
export interface SdkLogger {
  readonly error: (message: unknown, ...details: unknown[]) => void
  readonly warn: (message: unknown, ...details: unknown[]) => void
  readonly info: () => void
  readonly verbose: () => void
  readonly debug: () => void
}

export function createSdkLogger(sink: SdkLogSink): SdkLogger {
  const drop = () => undefined
  return {
    error: (message, ...details) => sink('error', String(message), details),
    warn: (message, ...details) => sink('warn', String(message), details),
    info: drop,
    verbose: drop,
    debug: drop,
  }
}

const EXECUTOR_LINE = '[DurableTask, OrchestrationExecutor]'
const LEVELS = ['error', 'warn', 'info', 'verbose', 'debug'] as const
const sinks = new Set<SdkLogSink>()
let restore: (() => void) | undefined

/** Redirects the executor's lines until the returned function is called. Several workers may do so at once. */
export function captureExecutorLog(sink: SdkLogSink): () => void {
  sinks.add(sink)
  restore ??= reroute()
  return () => {
    sinks.delete(sink)
    if (sinks.size > 0) return
    restore?.()
    restore = undefined
  }
}

function reroute(): () => void {
  const service = ConsoleLoggerService.prototype
  const originals = Object.getOwnPropertyDescriptors(service)
  const untouched = Object.create(null, originals) as ConsoleLoggerService
  for (const level of LEVELS) {
    service[level] = (message: unknown, ...details: unknown[]) => {
      if (typeof message !== 'string' || !message.startsWith(EXECUTOR_LINE)) {
        untouched[level](message, ...details)
      } else if (level === 'warn' || level === 'error') {
        for (const sink of sinks) sink(level, message.slice(EXECUTOR_LINE.length + 1), details)
      }
    }
  }
  return () => Object.defineProperties(service, originals)
}
