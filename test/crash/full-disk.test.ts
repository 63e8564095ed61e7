/**
 * The disk under the embedded sidecar's folder becomes full in the middle of a run. The run exits and names the folder without
 * space. While the disk is full, no other run starts. Once there is space again, the same command resumes, and in the end it
 * has published the same bytes as an undisturbed run. The disk is a tmpfs, which requires root to mount.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { mayMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { linesIn, start, summaryOf, windrow, type Ended } from '../support/windrow-process.ts'

/** Numbers of commits after which the disk is filled: early, and when there is state to lose. */
const FULL_AFTER_COMMITS = [1, 5]
/** LevelDB keeps a log of 32 MiB and sorts it into files. */
const DISK_MIB = 160

let folder: string
let disk: SmallDisk | undefined
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-full-'))
})
afterAll(async () => {
  await disk?.unmount()
  rmSync(folder, { recursive: true, force: true })
})

function argsIn(home: string): string[] {
  const output = ['--results', join(home, 'results.ndjson'), '--dead-letters', join(home, 'dead.ndjson')]
  const input = ['--input', join(folder, 'fleet.ndjson'), '--data-dir', join(home, 'data')]
  return ['run', ...input, ...output, '--checkpoint-every', '300', '--json', '--log-level', 'debug']
}

/** Fills the disk after this many commits of a run; resolves when the run has exited. */
async function runInto(home: string, full: SmallDisk, commits: number): Promise<Ended> {
  const { child, ended } = start(argsIn(home))
  if (child.stderr === null) throw new Error('a run has a standard error')
  let left = commits
  let filling: Promise<void> | undefined
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes('"msg":"committed"') && --left === 0) filling = full.fill()
  })
  const outcome = await ended
  await filling
  return outcome
}

/** The messages of a run for people: lines on standard error that are not JSON log lines. */
function messagesOf({ stderr }: Ended): string {
  return stderr
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n')
}

it.skipIf(!mayMount)(
  'a run on a full disk exits with the reason, and loses nothing',
  { timeout: 900_000 },
  async () => {
    const lines = fleetLines({
      ...{ vms: 30, windows: 12, windowMs: 3_600_000, pointsPerWindow: 12 },
      ...{ seed: 2, duplicates: 0.05, reach: 10 },
    })
    writeFileSync(join(folder, 'fleet.ndjson'), lines.join('\n') + '\n')
    const [untouched, full] = ['untouched', 'full'].map((name) => join(folder, name)) as [string, string]
    const undisturbed = summaryOf(await windrow(argsIn(untouched)))

    mkdirSync(join(full, 'data'), { recursive: true })
    disk = await mountSmallDisk(join(full, 'data'), { sizeMib: DISK_MIB })
    for (const commits of FULL_AFTER_COMMITS) {
      const ended = await runInto(full, disk, commits)
      expect({ commits, code: ended.code, messagesOf: messagesOf(ended) }).toEqual({
        ...{ commits, code: 1 },
        messagesOf: expect.stringMatching(
          /^windrow: STATE_WRITE_FAILED: .*No space left on device\n {2}remedy: .* has room/,
        ) as string,
      })
      expect(messagesOf(ended)).toContain(join(full, 'data'))
      const again = await start(argsIn(full)).ended
      expect({ commits, code: again.code, messagesOf: messagesOf(again) }).toEqual({
        ...{ commits, code: 1 },
        messagesOf: expect.stringMatching(/No space left on device/) as string,
      })
      await disk.free()
    }
    const summary = summaryOf(await windrow(argsIn(full)))
    for (const file of ['results.ndjson', 'dead.ndjson'])
      expect(linesIn(join(full, file)).toSorted()).toEqual(linesIn(join(untouched, file)).toSorted())
    expect({ ...summary, seconds: 0, pointsPerSecond: 0 }).toEqual({ ...undisturbed, seconds: 0, pointsPerSecond: 0 })
  },
)
