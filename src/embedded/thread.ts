/** Entry of the sidecar's thread: serves until the application's thread closes it. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Disposition } from '../errors/index.ts'
import type { FaultPlan } from './faults.ts'
import { startServer } from './server.ts'
import type { ServerOptions, SidecarServer } from './server.ts'

/** Messages from the application's thread. */
export type ToThread = { readonly kind: 'faults'; readonly plan: FaultPlan } | { readonly kind: 'close' }

/** Messages from this thread. Errors lose their class between threads, so their fields are sent instead. */
export type FromThread =
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'faults-set' }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly code: string
      readonly remedy: string
      readonly disposition: Disposition
    }

const port = parentPort
if (port === null) throw new Error('thread.js is started by startEmbeddedSidecar')
const post = (message: FromThread) => port.postMessage(message)

try {
  const server = await startServer(workerData as ServerOptions, postFailure)
  port.on('message', (message: ToThread) => void handle(server, message))
  post({ kind: 'serving', port: server.port })
} catch (error) {
  postFailure(error)
}

async function handle(server: SidecarServer, message: ToThread): Promise<void> {
  if (message.kind === 'faults') {
    server.setFaults(message.plan)
    post({ kind: 'faults-set' })
  } else {
    await server.close()
    process.exit(0)
  }
}

function postFailure(error: unknown): void {
  const { code, remedy, disposition } =
    error instanceof WindrowError
      ? error
      : { code: 'SIDECAR_DIED', remedy: 'Start again.', disposition: 'fatal' as const }
  post({ kind: 'failed', message: messageOf(error), code, remedy, disposition })
}
