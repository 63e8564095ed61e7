/** The blow falls at the nth time of the very line, before the next instruction, and only on a process that is armed. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { arm, type Blow } from './blow.ts'

const STRIKE_AT = fileURLToPath(new URL('./strike-at.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'windrow-strike-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Logs as the product does, with pino; after every line it says on standard output that it is still there. */
const PROGRAM = `
  const { pino } = require('pino')
  const log = pino({ level: 'debug' }, pino.destination({ fd: 2, sync: true }))
  for (let commit = 1; commit <= 3; commit++)
    for (const phase of ['begins', 'ended']) {
      log.debug({ step: 'publish', phase, commit }, 'step')
      require('node:fs').writeSync(1, phase + commit + ' ')
    }`

function runArmed(blow: Blow | null): { signal: NodeJS.Signals | null; stdout: string; isSpent: boolean } {
  const file = join(folder, 'strike.json')
  rmSync(file, { force: true })
  if (blow !== null) arm(file, blow)
  const { signal, stdout } = spawnSync(process.execPath, ['--require', STRIKE_AT, '-e', PROGRAM], {
    env: { ...process.env, WINDROW_STRIKE: file },
    encoding: 'utf8',
  })
  return { signal, stdout, isSpent: !existsSync(file) }
}

test('at the second time that a publish has ended, and not one instruction later', () => {
  const blow: Blow = { step: 'publish', phase: 'ended', nth: 2, signal: 'SIGKILL' }
  expect(runArmed(blow)).toEqual({ signal: 'SIGKILL', stdout: 'begins1 ended1 begins2 ', isSpent: true })
})

test('at no other step, and at none without being armed', () => {
  const whole = 'begins1 ended1 begins2 ended2 begins3 ended3 '
  const blow: Blow = { step: 'intent', phase: 'ended', nth: 1, signal: 'SIGKILL' }
  expect(runArmed(blow)).toEqual({ signal: null, stdout: whole, isSpent: false })
  expect(runArmed(null)).toMatchObject({ signal: null, stdout: whole })
})

test('a process that reads while it is armed anew never finds half a blow', async () => {
  const file = join(folder, 'rearmed.json')
  const busy = `for (let line = 0; line < 5_000; line++) require('node:fs').writeSync(2, '{"msg":"step"}\\n')`
  const child = spawn(process.execPath, ['--require', STRIKE_AT, '-e', busy], {
    env: { ...process.env, WINDROW_STRIKE: file },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close')
  for (let nth = 1; child.exitCode === null; nth++) {
    arm(file, { step: 'publish', phase: 'ended', nth, signal: 'SIGKILL' })
    await setImmediate()
  }
  expect(await ended).toEqual([0, null])
  expect(said.replaceAll('{"msg":"step"}\n', '')).toBe('')
})
