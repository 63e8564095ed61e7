/** Entry of the sidecar's thread: serves until it is told to close. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf, WindrowError } from '../errors/index.ts'
import type { Disposition } from '../errors/index.ts'
import type { FaultPlan } from './faults.ts'
import { startServer } from './server.ts'
import type { ServerOptions, SidecarServer } from './server.ts'

/** What the application's thread says. */
export type ToThread = { readonly kind: 'faults'; readonly plan: FaultPlan } | { readonly kind: 'close' }

/** What this thread says. Errors lose their class on the way, so they travel as their fields. */
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
const say = (message: FromThread) => port.postMessage(message)

try {
  const server = await startServer(workerData as ServerOptions, sayFailed)
  port.on('message', (message: ToThread) => void obey(server, message))
  say({ kind: 'serving', port: server.port })
} catch (error) {
  sayFailed(error)
}

async function obey(server: SidecarServer, message: ToThread): Promise<void> {
  if (message.kind === 'faults') {
    server.setFaults(message.plan)
    say({ kind: 'faults-set' })
  } else {
    await server.close()
    process.exit(0)
  }
}

function sayFailed(error: unknown): void {
  const { code, remedy, disposition } =
    error instanceof WindrowError
      ? error
      : { code: 'SIDECAR_DIED', remedy: 'Start again.', disposition: 'fatal' as const }
  say({ kind: 'failed', message: messageOf(error), code, remedy, disposition })
}
