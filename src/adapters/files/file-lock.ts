/**
 * A lock file that keeps two processes from writing the same results. It names the process that holds it. The lock of a
 * process that has ended is taken over, and so is one of another machine, whose processes are not visible from here. A
 * process that has lost its lock notices that by the token, before its next commit.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { WindrowError } from '../../errors/index.ts'
import type { FileSystem } from './file-system.ts'

interface Owner {
  readonly host: string
  readonly pid: number
  /** Start time of the process as reported by the system; distinguishes a reused pid from the old process. */
  readonly started: string | null
  readonly token: string
}

export interface FileLock {
  /** Throws RESULTS_FILE_LOCKED if another process has taken over the lock. */
  assertHeld(): Promise<void>
  release(): Promise<void>
}

/** Wording of the error if the lock is held. */
export interface LockWords {
  /** Completes "… are being written by". */
  readonly what: string
  readonly remedy: string
}

const OF_RESULTS: LockWords = {
  what: 'the results',
  remedy: 'Wait until that process has ended, or give --results another path.',
}

/** Paths that this process has locked. An entry of this process in any other lock file is stale. */
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
  // If two processes replace a stale lock at the same time, the one whose file remains has the lock.
  await lock.assertHeld()
  heldHere.add(path)
  return lock
}

function parseOwner(text: string | null): Owner | null {
  if (text === null) return null
  try {
    return JSON.parse(text) as Owner
  } catch {
    // Truncated by a crash while it was written: its process has ended.
    return null
  }
}

async function isAlive(files: FileSystem, owner: Owner, path: string): Promise<boolean> {
  if (owner.host !== hostname()) return false
  if (owner.pid === process.pid) return heldHere.has(path)
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return owner.started === (await startOf(files, owner.pid))
}

/**
 * Start time of a process: field 22 of /proc/<pid>/stat, counted from the end of the name, which may contain anything.
 * `null` on systems without that file.
 */
async function startOf(files: FileSystem, pid: number): Promise<string | null> {
  const stat = await files.readText(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

function locked(path: string, owner: Owner | null, { what, remedy }: LockWords): WindrowError {
  const who = owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`
  return new WindrowError(`${what} are being written by ${who} (${path})`, { code: 'RESULTS_FILE_LOCKED', remedy })
}
