/** The blow falls at the nth time of the very line, before the next instruction, and only on a process that is armed. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

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

function runArmed(blow: object | null): { signal: NodeJS.Signals | null; stdout: string; isSpent: boolean } {
  const file = join(folder, 'strike.json')
  rmSync(file, { force: true })
  if (blow !== null) writeFileSync(file, JSON.stringify(blow))
  const { signal, stdout } = spawnSync(process.execPath, ['--require', STRIKE_AT, '-e', PROGRAM], {
    env: { ...process.env, WINDROW_STRIKE: file },
    encoding: 'utf8',
  })
  return { signal, stdout, isSpent: !existsSync(file) }
}

test('at the second time that a publish has ended, and not one instruction later', () => {
  const blow = { step: 'publish', phase: 'ended', nth: 2, signal: 'SIGKILL' }
  expect(runArmed(blow)).toEqual({ signal: 'SIGKILL', stdout: 'begins1 ended1 begins2 ', isSpent: true })
})

test('at no other step, and at none without being armed', () => {
  const whole = 'begins1 ended1 begins2 ended2 begins3 ended3 '
  const blow = { step: 'intent', phase: 'ended', nth: 1, signal: 'SIGKILL' }
  expect(runArmed(blow)).toEqual({ signal: null, stdout: whole, isSpent: false })
  expect(runArmed(null)).toMatchObject({ signal: null, stdout: whole })
})
