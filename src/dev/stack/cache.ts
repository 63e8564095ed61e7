/**
 * What takes minutes to build is built once per machine, outside every checkout. A folder in the cache is complete or
 * absent: it is built under another name and renamed, so builds that run at the same time do not meet.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../adapters/files/exists.ts'

/** `$WINDROW_CACHE`, else `windrow` in `$XDG_CACHE_HOME`, else in `~/.cache`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>, home: string): string {
  return env.WINDROW_CACHE || join(env.XDG_CACHE_HOME || join(home, '.cache'), 'windrow')
}

const UNFINISHED = /^\.building-(\d+)-/

/** The folder `name` of the cache; `build` fills it when it is not there. */
export async function builtOnce(
  cacheDir: string,
  name: string,
  build: (into: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheDir, name)
  if (await exists(folder)) return folder
  await mkdir(cacheDir, { recursive: true })
  await removeAbandoned(cacheDir)
  const unfinished = join(cacheDir, `.building-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await mkdir(unfinished)
    await build(unfinished)
    await renameUnlessThere(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    // Another process finished the same build first. Equal names mean equal inputs, so its result is used.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
  }
}

/** Removes what builds left that were killed. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    const pid = UNFINISHED.exec(entry)?.[1]
    if (pid !== undefined && !(await exists(`/proc/${pid}`)))
      await rm(join(cacheDir, entry), { recursive: true, force: true })
  }
}
