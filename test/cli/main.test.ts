/** The built program as a user starts it: exit codes, output streams, and that help does not load the application. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

function windrow(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  })
  return { status, stdout, stderr }
}

beforeAll(() => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/prepare.mjs'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the build failed:\n${stdout}${stderr}`)
})

test('help goes to standard output and ends with 0', () => {
  expect(windrow(['run', '--help'])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^Usage: windrow run/) as string,
  })
})

test('bad usage goes to standard error and ends with 2', () => {
  expect(windrow(['run', '--windw'])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining('--window?') as string,
  })
})

test('environment variables are part of the configuration', () => {
  const { status, stderr } = windrow(['run', '--input', 'points.ndjson'], { WINDROW_WINDOW: '60' })
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr:
      'windrow: CONFIGURATION: WINDROW_WINDOW: "60" has no unit\n  remedy: Give a duration of 1ms or more, such as 250ms, 30s, 5m, 1h or 1d, or day, week or month.\n',
  })
})

test('a closed output pipe is not an error', () => {
  const script = `"${process.execPath}" dist/cli/main.js run --help | true; exit "\${PIPESTATUS[0]}"`
  const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: ROOT, encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
