/**
 * Keeps two processes from writing the same results. The lock file names its process; one that is gone, or of another
 * machine, whose processes cannot be seen from here, is taken over. Whoever lost the lock finds out before its next
 * commit, by the token.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { WindrowError } from '../../errors/index.ts'
import type { FileSystem } from './file-system.ts'

interface Owner {
  readonly host: string
  readonly pid: number
  /** When the process began, as the system says it; tells a reused pid from the old process. */
  readonly started: string | null
  readonly token: string
}

export interface FileLock {
  /** Throws RESULTS_FILE_LOCKED when another process has taken the lock over. */
  assertHeld(): Promise<void>
  release(): Promise<void>
}

/** How an error speaks of what is locked. */
export interface LockWords {
  /** Completes "… are being written by". */
  readonly what: string
  readonly remedy: string
}

const OF_RESULTS: LockWords = {
  what: 'the results',
  remedy: 'Wait until that process has ended, or give --results another path.',
}

/** What this process has locked: its own entry in a lock file is stale unless it is in here. */
const heldHere = new Set<string>()

export async function lockFile(files: FileSystem, path: string, words = OF_RESULTS): Promise<FileLock> {
  const before = parseOwner(await files.readText(path))
  if (before !== null && (await isAlive(files, before, path))) throw locked(path, before, words)
  const owner: Owner = {
    host: hostname(),
    pid: process.pid,
    started: await startOf(files, process.pid),
    token: randomUUID(),
  }
  const text = JSON.stringify(owner)
  const temporary = `${path}.${process.pid}`
  const file = await files.open(temporary)
  try {
    await file.truncate(0)
    await file.write(Buffer.from(text), 0)
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  await files.syncFolder(dirname(path))

  const lock: FileLock = {
    async assertHeld() {
      const now = await files.readText(path)
      if (now !== text) throw locked(path, parseOwner(now), words)
    },
    async release() {
      heldHere.delete(path)
      if ((await files.readText(path)) === text) await files.remove(path)
    },
  }
  // Of two that found a stale lock at once, the one whose file stayed goes on.
  await lock.assertHeld()
  heldHere.add(path)
  return lock
}

function parseOwner(text: string | null): Owner | null {
  if (text === null) return null
  try {
    return JSON.parse(text) as Owner
  } catch {
    // Cut off by a crash while it was made: its process is gone.
    return null
  }
}

async function isAlive(files: FileSystem, owner: Owner, path: string): Promise<boolean> {
  if (owner.host !== hostname()) return false
  if (owner.pid === process.pid) return heldHere.has(path)
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // Another user's process may not be signalled, and lives.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return owner.started === (await startOf(files, owner.pid))
}

/** Field 22 of /proc/<pid>/stat, behind the name, which may hold anything; `null` where there is no such file. */
async function startOf(files: FileSystem, pid: number): Promise<string | null> {
  const stat = await files.readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

function locked(path: string, owner: Owner | null, { what, remedy }: LockWords): WindrowError {
  const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`
  return new WindrowError(`${what} are being written by ${who} (${path})`, { code: 'RESULTS_FILE_LOCKED', remedy })
}
