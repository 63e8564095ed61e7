/** Opens the sidecar of a run (embedded or daprd) and its clients: state store, workflow engine and worker. */
import { join } from 'node:path'
import { connectSidecar, type SidecarClient } from '../../adapters/dapr/client.ts'
import { createInstanceRunner } from '../../adapters/dapr/instance-runner.ts'
import {
  DEPLOYED_DAPR_VERSION,
  isUnsafeDapr,
  runtimeVersionOf,
  SAFE_DAPR_VERSION,
} from '../../adapters/dapr/runtime-version.ts'
import type { DaprApi } from '../../adapters/dapr/runtime-api.ts'
import { createDaprStateStore } from '../../adapters/dapr/state-store.ts'
import { createDaprWorkflowEngine } from '../../adapters/dapr/workflow-engine.ts'
import type { Config } from '../../config/settings.ts'
import type { AnyAggregator } from '../../core/aggregator.ts'
import { WindrowError } from '../../errors/index.ts'
import { keepingChunks } from '../../ledger/chunk-cache.ts'
import type { PipelineObserver } from '../../ports/events.ts'
import { openDataFolder } from '../data-folder.ts'
import type { StateStore, WorkflowEngine } from '../../ports/index.ts'
import type { Telemetry } from '../../telemetry/telemetry.ts'
import { activityFunctions, workflowFunctions } from '../../adapters/dapr/functions.ts'
import { PARTITION_WINDOW, VM_WINDOW } from '../../workflows/names.ts'
import type { VmWindowAnswer } from '../../workflows/plan.ts'
import type { RunVmWindows } from '../../workflows/activities/run-tasks.ts'
import { startWorkflowWorker, type WorkerEvent, type WorkflowWorker } from '../../adapters/dapr/worker.ts'

export interface SidecarStack {
  readonly store: StateStore
  readonly engine: WorkflowEngine
  readonly api: DaprApi
  /** Probes the sidecar: resolves if it answers, rejects if it does not within two seconds. */
  readonly answers: () => Promise<void>
  /** Rejects if the sidecar or the worker has failed permanently; otherwise never settles. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

export interface SidecarHooks {
  /** Called with the number of VM windows that a workflow started by this process has closed. */
  readonly onVmWindows: (count: number) => void
  readonly onWorkerEvent: (event: WorkerEvent) => void
  readonly onWarning: (message: string, remedy: string) => void
  /** Receives events of the activities that run in this process, including those of other owners' partitions. */
  readonly onPipelineEvent: PipelineObserver
  readonly telemetry: Telemetry
}

/**
 * Spare work items of the worker. An `aggregate` holds one work item while its VM windows need others, and every partition
 * may run an `aggregate`. So the limit must be larger than the number of partitions plus the instances in flight.
 */
const SPARE_WORK_ITEMS = 64

/** Long enough for the end of an earlier run. A command that reads the folder holds it for less. */
const FOLDER_WITHIN_MS = 10_000

/** The sidecar is local, so it answers quickly; a health probe waits for it. */
const ANSWER_WITHIN_MS = 2_000

export async function openSidecar(
  config: Config,
  partitions: number,
  aggregator: AnyAggregator,
  hooks: SidecarHooks,
  signal: AbortSignal,
): Promise<SidecarStack> {
  const embedded =
    config.sidecar === 'embedded'
      ? await openDataFolder(
          { dataDir: join(config.dataDir, 'state'), storeName: config.stateStore, maxActivityItems: partitions + 2 },
          FOLDER_WITHIN_MS,
          signal,
        )
      : null
  const endpoint = {
    host: embedded === null ? config.daprHost : '127.0.0.1',
    grpcPort: embedded?.grpcPort ?? config.daprGrpcPort,
    ...(config.daprApiToken === null || embedded !== null ? {} : { apiToken: config.daprApiToken }),
  }
  // A message contains a value and more, so the message limit must exceed the largest value.
  const maxMessageMib = Math.ceil(config.maxValueBytes / 2 ** 20) * 2 + 64
  const client = connectSidecar({ ...endpoint, maxMessageMib })
  let worker: WorkflowWorker | null = null
  const close = async (): Promise<void> => {
    // The worker first: once its connection is closed, the sidecar hands its work out again, to whichever worker of this
    // app id is left. Sidecars share the work of all jobs of an app, so activities of another job may be running here. The
    // closing of the client ends them with CLIENT_CLOSED, which must never reach their workflow as an answer.
    await worker?.stop()
    client.close()
    await embedded?.close()
  }
  try {
    await client.waitForSidecar({ signal, onWaiting: (cause) => hooks.onWorkerEvent({ kind: 'waiting', cause }) })
    if (embedded === null) await warnOfVersion(client, hooks)
    const { telemetry } = hooks
    const { maxValueBytes } = config
    const remote = createDaprStateStore({ client, storeName: config.stateStore, maxValueBytes })
    const store = keepingChunks(telemetry.sidecar.store(remote))
    const runner = telemetry.sidecar.runner(
      createInstanceRunner({ client, maxInFlight: config.maxInFlight }),
      maxValueBytes,
    )
    const run: RunVmWindows = telemetry.sidecar.vmWindows(async (id, order) => {
      const result = await runner.run(VM_WINDOW, id, JSON.stringify(order))
      if (!result.ok) throw instanceFailed(id, result.reason)
      hooks.onVmWindows(order.tasks.length)
      return JSON.parse(result.output) as VmWindowAnswer
    })
    worker = startWorkflowWorker({
      grpcEndpoint: endpoint,
      workflows: telemetry.worker.workflows(workflowFunctions(aggregator)),
      activities: telemetry.worker.activities(
        activityFunctions({
          ...{ store, aggregator, run, observe: hooks.onPipelineEvent },
          maxInFlight: config.maxInFlight * 2,
        }),
      ),
      maxConcurrent: config.maxInFlight + partitions + SPARE_WORK_ITEMS,
      onEvent: hooks.onWorkerEvent,
    })
    const failed = Promise.race([worker.failed, ...(embedded === null ? [] : [embedded.failed])])
    failed.catch(() => undefined)
    await Promise.race([worker.ready, failed])
    return {
      store,
      api: client.api,
      engine: {
        ...telemetry.sidecar.engine(createDaprWorkflowEngine({ client, workflowName: PARTITION_WINDOW })),
        stalled: (cause) => worker?.renew(cause),
      },
      answers: () => client.hub.hello(ANSWER_WITHIN_MS),
      failed,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function warnOfVersion(client: SidecarClient, { onWarning }: SidecarHooks): Promise<void> {
  const version = await runtimeVersionOf(client)
  if (version === null || !isUnsafeDapr(version)) return
  onWarning(
    `daprd ${version} has known security gaps: callers can forge headers and reminders`,
    `Install daprd ${DEPLOYED_DAPR_VERSION} or later (docs/operating/upgrade.md). Needed is at least ${SAFE_DAPR_VERSION}.`,
  )
}

function instanceFailed(id: string, reason: string): WindrowError {
  return new WindrowError(`the workflow ${id} failed: ${reason}`, { code: 'INSTANCE_FAILED' })
}
