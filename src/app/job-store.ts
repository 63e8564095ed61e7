/**
 * Gives commands access to the state of a job, whether it is running or not. With a daprd, they connect to it. An embedded
 * state is accessed through the sidecar of the run that holds it. If no run holds it, it is opened for the duration of one
 * use, so that a run can start between two polls.
 */
import { join } from 'node:path'
import { connectSidecar, type SidecarEndpoint } from '../adapters/dapr/client.ts'
import type { InstanceFacts } from '../adapters/dapr/task-hub-client.ts'
import { createDaprStateStore } from '../adapters/dapr/state-store.ts'
import { exists } from '../adapters/files/exists.ts'
import type { Config } from '../config/settings.ts'
import { readEndpoint } from '../embedded/index.ts'
import { WindrowError } from '../errors/index.ts'
import type { JobRecord } from '../ledger/job-record.ts'
import { readJob } from '../pipeline/inspect.ts'
import type { StateStore } from '../ports/index.ts'
import { isInUse, openDataFolder } from './data-folder.ts'

export type StoreConfig = Pick<
  Config,
  'job' | 'sidecar' | 'daprHost' | 'daprGrpcPort' | 'daprApiToken' | 'stateStore' | 'dataDir' | 'maxValueBytes'
>

export interface JobStore {
  readonly store: StateStore
  /** No other process holds the state, so no partition of the job has an owner. Never true for a daprd, where this is unknown. */
  readonly isIdle: boolean
  /** What the workflow engine knows of an instance; `null`: it is unknown, or deleted. */
  workflow(id: string): Promise<InstanceFacts | null>
}

/** Long enough to connect to a running sidecar, short enough to report a missing one soon. */
const SIDECAR_WITHIN_MS = 3_000

/** Long enough for another command that reads the folder, or for a run that starts or ends. */
const FOLDER_WITHIN_MS = 3_000

/**
 * How an embedded state is reached. `open`: this process opens it if no other process has locked it. `attach`: only through
 * the sidecar of the run that holds it. A process that runs the job itself must attach: opening the folder a second time would
 * release the lock of the process (POSIX locks end with the first closed file), or lock out its own run.
 */
export type StoreAccess = 'open' | 'attach'

/** Rejects with NO_STATE if no run has created the state, and with SIDECAR_UNREACHABLE. */
export async function withJobStore<T>(
  config: StoreConfig,
  signal: AbortSignal,
  use: (opened: JobStore) => Promise<T>,
  access: StoreAccess = 'open',
): Promise<T> {
  const { stateStore: storeName, maxValueBytes } = config
  const sidecar = await reach(config, access, signal)
  try {
    const maxMessageMib = Math.ceil(maxValueBytes / 2 ** 20) * 2 + 64
    const client = connectSidecar({ ...sidecar.endpoint, maxMessageMib })
    try {
      await client.waitForSidecar({ signal, giveUpAfterMs: SIDECAR_WITHIN_MS })
      const store = createDaprStateStore({ client, storeName, maxValueBytes })
      return await use({ store, isIdle: sidecar.isOurs, workflow: (id) => client.hub.describe(id) })
    } finally {
      client.close()
    }
  } finally {
    await sidecar.close()
  }
}

/** The stored record of the job. Rejects with NO_JOB. */
export async function jobIn(store: StateStore, config: StoreConfig): Promise<JobRecord> {
  const record = await readJob(store, config.job)
  if (record === null) throw noJob(config)
  return record
}

interface Reached {
  readonly endpoint: SidecarEndpoint
  /** It is an embedded sidecar that this process has started. */
  readonly isOurs: boolean
  close(): Promise<void>
}

async function reach(config: StoreConfig, access: StoreAccess, signal: AbortSignal): Promise<Reached> {
  const { daprHost, daprGrpcPort, daprApiToken, dataDir, stateStore } = config
  const close = () => Promise.resolve()
  if (config.sidecar === 'dapr') {
    const token = daprApiToken === null ? {} : { apiToken: daprApiToken }
    return { endpoint: { host: daprHost, grpcPort: daprGrpcPort, ...token }, isOurs: false, close }
  }
  const folder = join(dataDir, 'state')
  // Starting the sidecar would create a missing folder.
  if (!(await exists(folder))) throw noState(dataDir)
  const attach = async (cause?: WindrowError): Promise<Reached> => {
    const grpcPort = await readEndpoint(folder)
    if (grpcPort === null) throw notServing(dataDir, cause)
    return { endpoint: { host: '127.0.0.1', grpcPort }, isOurs: false, close }
  }
  if (access === 'attach') return attach()
  try {
    const options = { dataDir: folder, storeName: stateStore, inThread: false, isAnnounced: false }
    const started = await openDataFolder(options, FOLDER_WITHIN_MS, signal)
    const endpoint = { host: '127.0.0.1', grpcPort: started.grpcPort }
    return { endpoint, isOurs: true, close: () => started.close() }
  } catch (error) {
    if (!isInUse(error)) throw error
    return attach(error)
  }
}

function noState(dataDir: string): WindrowError {
  return new WindrowError(`there is no state in ${dataDir}`, { code: 'NO_STATE' })
}

function notServing(dataDir: string, cause?: WindrowError): WindrowError {
  return new WindrowError(`the state in ${dataDir} is held by a process that is starting or shutting down`, {
    code: 'DATA_DIR_BUSY',
    ...(cause === undefined ? {} : { cause }),
  })
}

function noJob({ job, sidecar, dataDir, stateStore }: StoreConfig): WindrowError {
  const where = sidecar === 'embedded' ? dataDir : `the state store ${stateStore}`
  return new WindrowError(`there is no job ${job} in ${where}`, { code: 'NO_JOB' })
}
