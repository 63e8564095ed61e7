/** Everything that observes a run: its log, its health, its telemetry and what the caller's observer is shown. */
import type { WorkerEvent } from '../../adapters/dapr/worker.ts'
import type { Config } from '../../config/settings.ts'
import type { PipelineEvent } from '../../ports/events.ts'
import { Health } from '../../telemetry/health.ts'
import { createLog, isLogged, logPipelineEvent, logWorkerEvent, type Log } from '../../telemetry/log.ts'
import type { OpenTelemetry, PipelineTelemetry, Telemetry } from '../../telemetry/telemetry.ts'
import { systemClock as clock } from '../../retry/clock.ts'
import type { RunObserver } from '../types.ts'
import type { InputHooks } from './input.ts'
import { ProgressMeter } from './progress.ts'
import type { SidecarHooks } from './sidecar.ts'

export interface RunObservers {
  /** The caller's. */
  readonly observer: RunObserver
  /** Computes what the caller's observer is shown. */
  readonly meter: ProgressMeter
  readonly log: Log
  readonly health: Health
  readonly telemetry: Telemetry
}

export async function openObservers(
  config: Config,
  observer: RunObserver,
  openTelemetry: OpenTelemetry,
): Promise<RunObservers> {
  const log = createLog(config)
  return {
    observer,
    meter: new ProgressMeter(observer, () => performance.now()),
    log,
    health: new Health(),
    telemetry: await openTelemetry(config, (message) => log.warn(message)),
  }
}

/** Passes an event to every observer of the run. */
export function dispatch({ telemetry: { pipeline }, log, meter }: RunObservers, event: PipelineEvent): void {
  meter.observe(event)
  // Nearly all events of nearly all runs are below the log level.
  if (!isLogged(log, event)) return pipeline.observe(event)
  // Read on both sides of `observe`: an event that is logged may begin or end its trace.
  const traceId = traceIdOf(pipeline, event)
  pipeline.observe(event)
  logPipelineEvent(log, event, traceId ?? traceIdOf(pipeline, event))
}

function traceIdOf(pipeline: PipelineTelemetry, { partition, window }: PipelineEvent): string | undefined {
  return window === null ? undefined : pipeline.traceIdOf(partition, window)
}

/** Reports what happens to the input: assignments of partitions, warnings, halts. */
export function inputHooksOf({ observer, meter, log, health, telemetry }: RunObservers): InputHooks {
  let isSorting = false
  return {
    clock,
    log,
    onOrderProgress(progress) {
      meter.reading(progress)
      if (progress.step !== 'sorting' || isSorting) return
      isSorting = true
      log.info('the input is not in order of time: sorting it by window first')
    },
    onWarning(message, remedy) {
      log.warn({ remedy }, message)
      observer.event({ kind: 'warning', message, remedy })
    },
    onAssigned(partitions) {
      log.info({ partitions }, 'assigned')
      health.setAssignment(partitions)
      telemetry.pipeline.recordAssignment()
    },
    onRevoked(partitions) {
      log.info({ partitions }, 'revoked')
      health.clearAssignment()
    },
    onVmsAhead(vms) {
      if (vms.length === 0) return
      log.warn({ vms }, 'vms-ahead')
      meter.vmsAhead(vms, 'the input')
    },
    onHalted: (partition, error) => health.recordHalt(partition, error),
  }
}

/** Reports what happens in the sidecar's worker, which also runs activities of partitions that others own. */
export function sidecarHooksOf({ observer, meter, log, health, telemetry }: RunObservers): SidecarHooks {
  return {
    onWarning(message, remedy) {
      log.warn({ remedy }, message)
      observer.event({ kind: 'warning', message, remedy })
    },
    onVmWindows: (count) => meter.vmWindowsClosed(count),
    onWorkerEvent(event: WorkerEvent) {
      logWorkerEvent(log, event)
      meter.observeWorker(event)
      health.observeWorker(event)
      telemetry.worker.observe(event)
    },
    onPipelineEvent: (event) => logPipelineEvent(log, event, traceIdOf(telemetry.pipeline, event)),
    telemetry,
  }
}
