/**
 * Where the sidecar of a folder serves: `<folder>/endpoint.json`, written once it does and removed before it ends. The
 * folder is held by one process at a time; another one on this machine can reach that one's sidecar by it, to look at a
 * job that runs or to ask something of it. Whoever finds the folder free has no use for it: it may be a dead process's.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Endpoint {
  readonly pid: number
  /** On 127.0.0.1. */
  readonly grpcPort: number
}

export async function announceEndpoint(dataDir: string, grpcPort: number): Promise<void> {
  const endpoint: Endpoint = { pid: process.pid, grpcPort }
  const temporary = `${pathIn(dataDir)}.${process.pid}`
  // Renamed into place, so that nobody reads half of it.
  await writeFile(temporary, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 })
  await rename(temporary, pathIn(dataDir))
}

export async function withdrawEndpoint(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true })
}

/** The port of the process that holds the folder; `null` while it does not serve (yet, or any more). */
export async function readEndpoint(dataDir: string): Promise<number | null> {
  let text: string
  try {
    text = await readFile(pathIn(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const { pid, grpcPort } = JSON.parse(text) as Endpoint
  // Left by a process that died, where its successor has the folder already and does not serve yet.
  return isAlive(pid) ? grpcPort : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process may not be signalled, and lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'endpoint.json')
}
