/**
 * The state of a job for commands that look at it or ask something of it, while it runs or not. On a daprd that is the
 * daprd. An embedded state that a run holds is reached through that run's sidecar; one that nobody holds is opened for as
 * long as it is used, and let go after it, so that a run can be started between two looks.
 */
import { join } from 'node:path'
import { connectSidecar, type SidecarEndpoint } from '../adapters/dapr/client.ts'
import { createDaprStateStore } from '../adapters/dapr/state-store.ts'
import { exists } from '../adapters/files/exists.ts'
import type { Config } from '../config/settings.ts'
import { readEndpoint, startEmbeddedSidecar } from '../embedded/index.ts'
import { WindrowError } from '../errors/index.ts'
import type { JobRecord } from '../ledger/job-record.ts'
import { readJob } from '../pipeline/inspect.ts'
import type { StateStore } from '../ports/index.ts'

export type StoreConfig = Pick<
  Config,
  'job' | 'sidecar' | 'daprHost' | 'daprGrpcPort' | 'daprApiToken' | 'stateStore' | 'dataDir' | 'maxValueBytes'
>

export interface JobStore {
  readonly store: StateStore
  /** Nobody else has the state, so that no partition of the job has an owner. On a daprd nobody knows. */
  readonly isIdle: boolean
}

/** Enough for a sidecar that is there; one that is not is told soon. */
const SIDECAR_WITHIN_MS = 3_000

/** Throws NO_STATE where no run has been, and SIDECAR_UNREACHABLE. */
export async function withJobStore<T>(
  config: StoreConfig,
  signal: AbortSignal,
  use: (opened: JobStore) => Promise<T>,
): Promise<T> {
  const { stateStore: storeName, maxValueBytes } = config
  const sidecar = await reach(config)
  try {
    const maxMessageMib = Math.ceil(maxValueBytes / 2 ** 20) * 2 + 64
    const client = await connectSidecar({ ...sidecar.endpoint, maxMessageMib })
    try {
      await client.waitForSidecar({ signal, giveUpAfterMs: SIDECAR_WITHIN_MS })
      const store = createDaprStateStore({ client, storeName, maxValueBytes })
      return await use({ store, isIdle: sidecar.isOurs })
    } finally {
      client.close()
    }
  } finally {
    await sidecar.close()
  }
}

/** What the job is bound to; throws NO_JOB. */
export async function jobIn(store: StateStore, config: StoreConfig): Promise<JobRecord> {
  const record = await readJob(store, config.job)
  if (record === null) throw noJob(config)
  return record
}

interface Reached {
  readonly endpoint: SidecarEndpoint
  /** Whether it is an embedded one that was started for this. */
  readonly isOurs: boolean
  close(): Promise<void>
}

async function reach(config: StoreConfig): Promise<Reached> {
  const { daprHost, daprGrpcPort, daprApiToken, dataDir, stateStore } = config
  const close = () => Promise.resolve()
  if (config.sidecar === 'dapr') {
    const token = daprApiToken === null ? {} : { apiToken: daprApiToken }
    return { endpoint: { host: daprHost, grpcPort: daprGrpcPort, ...token }, isOurs: false, close }
  }
  const folder = join(dataDir, 'state')
  // Starting on a folder that is not there would make it.
  if (!(await exists(folder))) throw noState(dataDir)
  try {
    const started = await startEmbeddedSidecar({ dataDir: folder, storeName: stateStore, inThread: false })
    const endpoint = { host: '127.0.0.1', grpcPort: started.grpcPort }
    return { endpoint, isOurs: true, close: () => started.close() }
  } catch (error) {
    if (!(error instanceof WindrowError) || error.code !== 'DATA_DIR_IN_USE') throw error
    const grpcPort = await readEndpoint(folder)
    if (grpcPort === null) throw notServing(dataDir, error)
    return { endpoint: { host: '127.0.0.1', grpcPort }, isOurs: false, close }
  }
}

function noState(dataDir: string): WindrowError {
  return new WindrowError(`there is no state in ${dataDir}`, { code: 'NO_STATE' })
}

function notServing(dataDir: string, cause: WindrowError): WindrowError {
  return new WindrowError(`the state in ${dataDir} is held by a process that starts or ends just now`, {
    code: 'DATA_DIR_BUSY',
    cause,
  })
}

function noJob({ job, sidecar, dataDir, stateStore }: StoreConfig): WindrowError {
  const where = sidecar === 'embedded' ? dataDir : `the state store ${stateStore}`
  return new WindrowError(`there is no job ${job} in ${where}`, { code: 'NO_JOB' })
}
