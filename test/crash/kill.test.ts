/**
 * kill -9 of the whole process, sidecar included, at twenty random moments of a run. Each time the same command resumes. In
 * the end it must have published the same bytes as an undisturbed run.
 *
 * The moments are drawn from WINDROW_KILL_SEED, printed with the result.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { Random } from '../support/random.ts'
import { linesIn, start, summaryOf, windrow } from '../support/windrow-process.ts'

const KILLS = 20
const SEED = Number(process.env['WINDROW_KILL_SEED'] ?? 1)

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-kill-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it(`${KILLS} kills lose nothing and publish nothing twice`, { timeout: 900_000 }, async () => {
  const lines = fleetLines({
    vms: 100,
    windows: 24,
    windowMs: 3_600_000,
    pointsPerWindow: 12,
    seed: SEED,
    duplicates: 0.05,
    reach: 10,
  })
  lines.splice(5000, 0, '{"broken')
  const input = join(folder, 'fleet.ndjson')
  writeFileSync(input, lines.join('\n') + '\n')
  const argsIn = (home: string): string[] => {
    const output = ['--results', join(home, 'results.ndjson'), '--dead-letters', join(home, 'dead.ndjson')]
    return [
      'run',
      '--input',
      input,
      '--data-dir',
      join(home, 'data'),
      ...output,
      '--checkpoint-every',
      '1500',
      '--json',
    ]
  }
  const untouched = join(folder, 'undisturbed')
  const killed = join(folder, 'killed')
  const startedMs = performance.now()
  const undisturbed = summaryOf(await windrow(argsIn(untouched)))
  const runMs = performance.now() - startedMs

  const random = new Random(SEED)
  let kills = 0
  for (let tries = 0; kills < KILLS && tries < 3 * KILLS; tries++) {
    const { child, ended } = start(argsIn(killed))
    // Random times up to 60 % of a whole run, so that kills happen everywhere, between any two writes.
    const outcome = await Promise.race([ended, sleep(random.next() * runMs * 0.6)])
    child.kill('SIGKILL')
    const { signal, code, stderr } = await ended
    if (signal === 'SIGKILL') kills++
    else if (code === 0) {
      // The run finished before the kill: compare its results, then start over.
      expectEqual(killed, untouched)
      rmSync(killed, { recursive: true, force: true })
    } else throw new Error(`seed ${SEED}: a run after ${kills} kills failed: ${stderr} ${JSON.stringify(outcome)}`)
  }
  const disturbed = summaryOf(await windrow(argsIn(killed)))
  console.log(`seed ${SEED}: ${kills} kills`)
  expect(kills).toBe(KILLS)
  expectEqual(killed, untouched)
  expect(linesIn(join(killed, 'results.ndjson'))).toHaveLength(100 * 24)
  expect({ ...disturbed, seconds: 0, pointsPerSecond: 0 }).toEqual({ ...undisturbed, seconds: 0, pointsPerSecond: 0 })
})

function expectEqual(killed: string, untouched: string): void {
  for (const file of ['results.ndjson', 'dead.ndjson']) {
    expect(linesIn(join(killed, file)).toSorted()).toEqual(linesIn(join(untouched, file)).toSorted())
  }
}
