/** Starts and closes the embedded sidecar, in a thread of its own or in this one. */
import { Worker } from 'node:worker_threads'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { ServerOptions } from './server.ts'
import type { FaultPlan } from './faults.ts'
import type { Retention } from './task-hub.ts'
import type { FromThread, ToThread } from './thread.ts'

export interface EmbeddedSidecarOptions {
  /** Folder of the durable state. It is created if missing and locked by one process at a time. */
  readonly dataDir: string
  /** @default 0: any free port */
  readonly port?: number
  /** Name of the only state store. @default 'statestore' */
  readonly storeName?: string
  readonly retention?: Partial<Retention>
  /** Workflow turns that workers hold at once. Together with the activities, at most what a worker runs and queues. @default 100 */
  readonly maxWorkflowItems?: number
  /** Activities that workers hold at once. @default 10 */
  readonly maxActivityItems?: number
  /** Whether the sidecar runs in a thread of its own, so that it can use another core. @default true */
  readonly inThread?: boolean
  /** Whether other processes may find and use the sidecar while it serves. @default true */
  readonly isAnnounced?: boolean
  /** For tests. */
  readonly faults?: FaultPlan
}

export interface EmbeddedSidecar {
  /** On 127.0.0.1. */
  readonly grpcPort: number
  /** Rejects when the sidecar fails; afterwards it serves nothing. Otherwise it never settles. */
  readonly failed: Promise<never>
  /** Replaces the fault plan; for tests. */
  setFaults(plan: FaultPlan): Promise<void>
  /** Ends all calls, then waits until the state is on disk and the folder is unlocked. */
  close(): Promise<void>
}

const NO_FAULTS: FaultPlan = { rules: [] }

/** Starts the sidecar and waits until it serves. Throws DATA_DIR_IN_USE when another process has locked the folder. */
export async function startEmbeddedSidecar(options: EmbeddedSidecarOptions): Promise<EmbeddedSidecar> {
  const resolved: ServerOptions = {
    dataDir: options.dataDir,
    port: options.port ?? 0,
    storeName: options.storeName ?? 'statestore',
    retention: { maxFinished: 5000, maxAgeMs: 3_600_000, ...options.retention },
    maxWorkflowItems: options.maxWorkflowItems ?? 100,
    maxActivityItems: options.maxActivityItems ?? 10,
    faults: options.faults ?? NO_FAULTS,
    isAnnounced: options.isAnnounced ?? true,
  }
  return options.inThread === false ? startHere(resolved) : startInThread(resolved)
}

async function startHere(options: ServerOptions): Promise<EmbeddedSidecar> {
  const failure = new Failure()
  const { startServer } = await import('./server.ts')
  const server = await startServer(options, (error) => failure.report(error))
  return {
    grpcPort: server.port,
    failed: failure.promise,
    setFaults: async (plan) => server.setFaults(plan),
    close: () => server.close(),
  }
}

/**
 * The options of this process without those that are about a script on its command line (`node --input-type=module -e …`):
 * Node refuses to start a thread from a file with them. `undefined` if there are none of them: then the thread inherits all
 * options, also those of V8 such as --max-old-space-size, which it may not be given.
 */
export function optionsForFile(execArgv: readonly string[]): string[] | undefined {
  const ofScript = /^(?:--input-type|-e|--eval|-p|--print|-pe)(?:=|$)/
  const isValue = (index: number): boolean => {
    const before = execArgv[index - 1]
    return before !== undefined && ofScript.test(before) && !before.includes('=')
  }
  const kept = execArgv.filter((option, index) => !ofScript.test(option) && !isValue(index))
  return kept.length === execArgv.length ? undefined : kept
}

async function startInThread(options: ServerOptions): Promise<EmbeddedSidecar> {
  const execArgv = optionsForFile(process.execArgv)
  const worker = new Worker(threadEntry(), {
    ...{ workerData: options, name: 'windrow-sidecar' },
    ...(execArgv === undefined ? {} : { execArgv }),
  })
  const failure = new Failure()
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.once('error', (error) => failure.report(died(messageOf(error), error)))
  worker.once('exit', (code) => failure.report(died(`its thread ended with code ${code}`)))
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'failed') failure.report(WindrowError.fromReport(message))
  })
  const next = <K extends FromThread['kind']>(kind: K) =>
    new Promise<FromThread & { kind: K }>((resolve) => {
      const listener = (message: FromThread) => {
        if (message.kind !== kind) return
        worker.off('message', listener)
        resolve(message as FromThread & { kind: K })
      }
      worker.on('message', listener)
    })
  const send = (message: ToThread) => worker.postMessage(message)

  const { port } = await Promise.race([next('serving'), failure.promise])
  return {
    grpcPort: port,
    failed: failure.promise,
    setFaults: async (plan) => {
      send({ kind: 'faults', plan })
      await Promise.race([next('faults-set'), failure.promise])
    },
    close: async () => {
      failure.disarm()
      send({ kind: 'close' })
      await exited
    },
  }
}

/** The thread runs compiled code, because workers cannot load TypeScript on every supported version of Node. */
function threadEntry(): URL {
  const fromSources = import.meta.url.endsWith('.ts')
  return new URL(fromSources ? '../../dist/embedded/thread.js' : './thread.js', import.meta.url)
}

function died(reason: string, cause?: unknown): WindrowError {
  return new WindrowError(`the embedded sidecar died: ${reason}`, { code: 'SIDECAR_DIED', cause })
}

/** A promise that rejects with the first failure. Without a listener the rejection does not end the process. */
class Failure {
  readonly promise: Promise<never>
  #reject: ((error: WindrowError) => void) | null = null

  constructor() {
    this.promise = new Promise((_, reject) => (this.#reject = reject))
    // Callers that do not await `failed` see the same failure in their calls.
    this.promise.catch(() => undefined)
  }

  report(error: WindrowError): void {
    this.#reject?.(error)
    this.#reject = null
  }

  disarm(): void {
    this.#reject = null
  }
}
