/** A data folder that another process holds for a moment: who waits for it, and who does not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { isInUse, openDataFolder } from '../../src/app/data-folder.ts'
import type { EmbeddedSidecar } from '../../src/embedded/index.ts'
import { startEmbeddedSidecar } from '../../src/embedded/index.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-data-folder-'))
  folders.push(folder)
  return folder
}

/** Longer than any test: where no attempt follows, the test shows that by ending. */
const FOR_EVER_MS = 3_600_000
const open = (dataDir: string, signal = new AbortController().signal): Promise<EmbeddedSidecar> =>
  openDataFolder({ dataDir, inThread: false }, FOR_EVER_MS, signal)

test('a run starts although a command is reading the folder: it waits until the folder is free', async () => {
  const dataDir = newFolder()
  const reader = await startEmbeddedSidecar({ dataDir, inThread: false, isAnnounced: false })
  const run = open(dataDir)
  // LevelDB refuses the second opening before this one ends.
  await expect(startEmbeddedSidecar({ dataDir, inThread: false })).rejects.toSatisfy(isInUse)
  await reader.close()
  await (await run).close()
})

test('a folder that a run serves is in use: no further attempt', async () => {
  const dataDir = newFolder()
  const run = await startEmbeddedSidecar({ dataDir, inThread: false })
  await expect(open(dataDir)).rejects.toSatisfy(isInUse)
  await run.close()
})

test('waiting ends after the given time, and when the signal aborts', async () => {
  const dataDir = newFolder()
  const reader = await startEmbeddedSidecar({ dataDir, inThread: false, isAnnounced: false })
  const signal = new AbortController().signal
  await expect(openDataFolder({ dataDir, inThread: false }, 1, signal)).rejects.toSatisfy(isInUse)
  const stop = new AbortController()
  const waiting = open(dataDir, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await reader.close()
})
