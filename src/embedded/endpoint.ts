/**
 * The endpoint file `<folder>/endpoint.json`: the port at which the sidecar of a folder serves. It is written when the
 * sidecar serves and removed before it stops. Only one process at a time can lock the folder; other processes on this
 * machine use the file to reach its sidecar, for example to show the status of a running job. Commands that open an idle
 * folder for a moment do not announce themselves. If the folder is not locked, ignore the file: a crashed process may have
 * left it.
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
  // Renamed into place, so that no reader sees half a file.
  await writeFile(temporary, `${JSON.stringify(endpoint)}\n`, { mode: 0o600 })
  await rename(temporary, pathIn(dataDir))
}

export async function withdrawEndpoint(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true })
}

/**
 * The port of the run that has locked the folder; `null` while it does not serve yet, or no longer, or if a command has
 * locked the folder for a moment.
 */
export async function readEndpoint(dataDir: string): Promise<number | null> {
  let text: string
  try {
    text = await readFile(pathIn(dataDir), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const { pid, grpcPort } = JSON.parse(text) as Endpoint
  // A crashed process may have left the file, while its successor has locked the folder and does not serve yet.
  return isAlive(pid) ? grpcPort : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // The process is alive but belongs to another user, so we may not signal it.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'endpoint.json')
}
