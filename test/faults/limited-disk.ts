/** Mounts a small disk under the state store's folder, so that a fault can fill it. */
import { execFile } from 'node:child_process'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stack } from '../../src/dev/stack/index.ts'
import { mayMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

/** More than a run needs, and less than the memory of the machine. */
const SIZE_MIB = 2048

export type LimitedDisk = SmallDisk

/** Moves the store of a stack to its own disk; `null` if the user may not mount one. */
export async function limitDiskOfStore(stack: Stack): Promise<LimitedDisk | null> {
  if (!mayMount) return null
  const { dataDir, state } = stack.description
  const folder = join(dataDir, state)
  const before = `${folder}.before`
  await stack.stop(state)
  const { uid, gid } = await stat(folder)
  await rename(folder, before)
  await mkdir(folder)
  const disk = await mountSmallDisk(folder, { sizeMib: SIZE_MIB, uid, gid })
  await promisify(execFile)('cp', ['-a', `${before}/.`, folder])
  await rm(before, { recursive: true })
  await stack.start(state)
  return disk
}
