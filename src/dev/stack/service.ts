/** What the stack needs to know of a service: how to prepare it, start it, see that it is usable, and stop it. */
import { WindrowError } from '../../errors/index.ts'
import type { Command } from './process.ts'

export interface Service {
  /** Also the name of its log and its pid file. */
  readonly name: string
  readonly version: string
  /** What the progress line says while it comes up. */
  readonly doing: string
  /** All ports it listens on; the first is the one that clients use. */
  readonly ports: readonly [number, ...number[]]
  /** The signal that shuts the service down without loss of data. */
  readonly stopSignal: NodeJS.Signals
  /** Subfolders of the data folder that belong to this service alone. */
  readonly folders: readonly string[]
  /** Prepares the start: always writes the configuration, and creates the data if there is none yet. */
  prepare(logFile: string): Promise<void>
  command(): Promise<Command>
  /** Rejects with the problem while the service is not usable. Takes a few seconds at most. */
  check(): Promise<void>
}

/** How long one attempt of a check may take. */
export const CHECK_TIMEOUT_MS = 3000

/** Checks a health endpoint that answers with 2xx once the service is usable. */
export async function checkHttp(port: number, path: string): Promise<void> {
  const url = `http://127.0.0.1:${port}${path}`
  const response = await fetch(url, { signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) })
  const body = await response.text()
  if (!response.ok) throw notUsable(`${url} answers ${response.status} ${body.slice(0, 200)}`)
}

export function notUsable(what: string): WindrowError {
  return new WindrowError(what, { code: 'STACK_SERVICE_NOT_READY' })
}
