/** A small disk under the state store's folder, to be filled up: a tmpfs, which takes root to mount. */
import { execFile } from 'node:child_process'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stack } from '../../src/stack/index.ts'

const run = promisify(execFile)
/** More than a run needs, less than the machine's memory. */
const SIZE_MIB = 2048
const BALLAST_CHUNK_BYTES = 1024 * 1024

export interface LimitedDisk {
  /** Leaves not one byte. */
  fill(): Promise<void>
  free(): Promise<void>
  unmount(): Promise<void>
}

/** Moves the store of a stack to a disk of its own; `null` for whoever may not mount one. */
export async function limitDiskOfStore(stack: Stack): Promise<LimitedDisk | null> {
  if (process.getuid?.() !== 0) return null
  const { dataDir, state } = stack.description
  const folder = join(dataDir, state)
  const before = `${folder}.before`
  await stack.stop(state)
  const { uid, gid } = await stat(folder)
  await rename(folder, before)
  await mkdir(folder)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m,mode=700,uid=${uid},gid=${gid}`, 'tmpfs', folder])
  await run('cp', ['-a', `${before}/.`, folder])
  await rm(before, { recursive: true })
  await stack.start(state)
  const ballast = join(folder, 'ballast')
  return {
    fill: () => fill(ballast),
    free: () => rm(ballast, { force: true }),
    unmount: async () => void (await run('umount', [folder])),
  }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (let bytes = BALLAST_CHUNK_BYTES; bytes > 0;) {
      try {
        const { bytesWritten } = await file.write(Buffer.alloc(bytes))
        if (bytesWritten < bytes) bytes = bytesWritten
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        bytes = Math.floor(bytes / 2)
      }
    }
  } finally {
    await file.close()
  }
}
