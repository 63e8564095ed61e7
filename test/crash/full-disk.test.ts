/**
 * The disk under the embedded sidecar's folder is full to the last byte in the middle of a run. The run ends and says which
 * folder has no room; as long as it has none, no other begins; once it has, the same command goes on, and what it publishes
 * in the end is what an undisturbed run publishes, to the byte. The disk is a tmpfs, which takes root to mount.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { mayMount, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { linesIn, start, summaryOf, windrow, type Ended } from '../support/windrow-process.ts'

/** Commits of a run after which its disk is filled: at the very beginning, and when there is something to lose. */
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

/** Fills the disk when a run has committed so often; resolves when the run has ended. */
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

/** What a run says to people. */
function told({ stderr }: Ended): string {
  return stderr
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n')
}

it.skipIf(!mayMount)('a full disk ends a run with its reason, and loses nothing', { timeout: 180_000 }, async () => {
  const lines = fleetLines({
    ...{ vms: 30, windows: 12, windowMs: 3_600_000, pointsPerWindow: 12 },
    ...{ seed: 2, copies: 0.05, reach: 10 },
  })
  writeFileSync(join(folder, 'fleet.ndjson'), lines.join('\n') + '\n')
  const [calm, full] = ['calm', 'full'].map((name) => join(folder, name)) as [string, string]
  const undisturbed = summaryOf(await windrow(argsIn(calm)))

  mkdirSync(join(full, 'data'), { recursive: true })
  disk = await mountSmallDisk(join(full, 'data'), { sizeMib: DISK_MIB })
  for (const commits of FULL_AFTER_COMMITS) {
    const ended = await runInto(full, disk, commits)
    expect({ commits, code: ended.code, told: told(ended) }).toEqual({
      ...{ commits, code: 1 },
      told: expect.stringMatching(
        /^windrow: STATE_WRITE_FAILED: .*No space left on device\n {2}remedy: .* has room/,
      ) as string,
    })
    expect(told(ended)).toContain(join(full, 'data'))
    const again = await start(argsIn(full)).ended
    expect({ commits, code: again.code, told: told(again) }).toEqual({
      ...{ commits, code: 1 },
      told: expect.stringMatching(/No space left on device/) as string,
    })
    await disk.free()
  }
  const summary = summaryOf(await windrow(argsIn(full)))
  for (const file of ['results.ndjson', 'dead.ndjson'])
    expect(linesIn(join(full, file)).toSorted()).toEqual(linesIn(join(calm, file)).toSorted())
  expect({ ...summary, seconds: 0, pointsPerSecond: 0 }).toEqual({ ...undisturbed, seconds: 0, pointsPerSecond: 0 })
})
