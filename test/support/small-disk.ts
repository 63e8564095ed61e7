/** Mounts a small disk (tmpfs) under a folder, so that a test can fill it. Mounting requires root. */
import { execFile } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BALLAST_CHUNK_BYTES = 1024 * 1024

export interface SmallDisk {
  /** Fills the disk to the last byte. */
  fill(): Promise<void>
  free(): Promise<void>
  unmount(): Promise<void>
}

export const mayMount = process.getuid?.() === 0

/** `folder` must exist and be empty; only its owner can access the disk. */
export async function mountSmallDisk(
  folder: string,
  { sizeMib, uid = 0, gid = 0 }: { readonly sizeMib: number; readonly uid?: number; readonly gid?: number },
): Promise<SmallDisk> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=700,uid=${uid},gid=${gid}`, 'tmpfs', folder])
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
