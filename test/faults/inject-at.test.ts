/** inject-at.cjs sends the signal at the nth occurrence of the named log line, before the next instruction. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { arm, type ArmedFault } from './armed-fault.ts'

const INJECT_AT = fileURLToPath(new URL('./inject-at.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'windrow-inject-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Logs as the product does, with pino; after every line it also writes to standard output, to show that it still runs. */
const PROGRAM = `
  const { pino } = require('pino')
  const log = pino({ level: 'debug' }, pino.destination({ fd: 2, sync: true }))
  for (let commit = 1; commit <= 3; commit++)
    for (const phase of ['begins', 'ended']) {
      log.debug({ step: 'publish', phase, commit }, 'step')
      require('node:fs').writeSync(1, phase + commit + ' ')
    }`

function runArmed(fault: ArmedFault | null): { signal: NodeJS.Signals | null; stdout: string; isSpent: boolean } {
  const file = join(folder, 'inject.json')
  rmSync(file, { force: true })
  if (fault !== null) arm(file, fault)
  const { signal, stdout } = spawnSync(process.execPath, ['--require', INJECT_AT, '-e', PROGRAM], {
    env: { ...process.env, WINDROW_INJECT: file },
    encoding: 'utf8',
  })
  return { signal, stdout, isSpent: !existsSync(file) }
}

test('a process is killed at the second end of a publish, before its next instruction', () => {
  const fault: ArmedFault = { step: 'publish', phase: 'ended', nth: 2, signal: 'SIGKILL' }
  expect(runArmed(fault)).toEqual({ signal: 'SIGKILL', stdout: 'begins1 ended1 begins2 ', isSpent: true })
})

test('a process without a fault, or with one at a step that it does not reach, runs to its end', () => {
  const whole = 'begins1 ended1 begins2 ended2 begins3 ended3 '
  const fault: ArmedFault = { step: 'intent', phase: 'ended', nth: 1, signal: 'SIGKILL' }
  expect(runArmed(fault)).toEqual({ signal: null, stdout: whole, isSpent: false })
  expect(runArmed(null)).toMatchObject({ signal: null, stdout: whole })
})

test('a process never reads a half-written fault while the file is replaced', async () => {
  const file = join(folder, 'rearmed.json')
  const busy = `for (let line = 0; line < 5_000; line++) require('node:fs').writeSync(2, '{"msg":"step"}\\n')`
  const child = spawn(process.execPath, ['--require', INJECT_AT, '-e', busy], {
    env: { ...process.env, WINDROW_INJECT: file },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = once(child, 'close')
  for (let nth = 1; child.exitCode === null; nth++) {
    arm(file, { step: 'publish', phase: 'ended', nth, signal: 'SIGKILL' })
    await setImmediate()
  }
  expect(await ended).toEqual([0, null])
  expect(output.replaceAll('{"msg":"step"}\n', '')).toBe('')
})
