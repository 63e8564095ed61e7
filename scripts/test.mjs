/**
 * `npm test [-- VITEST ARGUMENTS]`: compiler, ESLint and Prettier in one lane, the build and the unit tests in another, so that
 * two cores have work. Vitest prints as it goes; a check prints after it, and only if it fails. One failure fails the whole.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

const ROOT = dirname(import.meta.dirname)
/** Some tests wait for processes or for time, so one test file more than there are cores can run. */
const WORKERS = availableParallelism() + 1
const VITEST = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')

const checks = runChecks({
  'compiler and ESLint': ['scripts/check.mjs'],
  Prettier: ['node_modules/prettier/bin/prettier.cjs', '--check', '--cache', '.'],
})
const args = [
  'run',
  '--project',
  'unit',
  '--project',
  'isolated',
  '--maxWorkers',
  `${WORKERS}`,
  ...process.argv.slice(2),
]
const build = await run([join(ROOT, 'scripts', 'prepare.mjs'), '--no-check'], 'inherit')
const failed = build.code === 0 ? [] : ['build']
// The tests start the program that is built.
if (build.code === 0 && (await run([VITEST, ...args], 'inherit')).code !== 0) failed.push('unit tests')
for (const { name, code, output, seconds } of await checks) {
  if (code !== 0) failed.push(name)
  console.log(code === 0 ? `test: ${name} passed in ${seconds} s` : `test: ${name} FAILED\n${output}`)
}
if (failed.length > 0) {
  console.error(`test: FAILED: ${failed.join(', ')}`)
  process.exitCode = 1
}

/** Runs these one after another, whether or not one fails. */
async function runChecks(checks) {
  const results = []
  for (const [name, args] of Object.entries(checks)) {
    const startedMs = performance.now()
    const result = await run(args, 'pipe')
    results.push({ name, ...result, seconds: Math.round((performance.now() - startedMs) / 1000) })
  }
  return results
}

/** The exit code and the output of a process of Node; a process that a signal ended has failed. */
function run(args, stdio) {
  const color = stdio === 'pipe' && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['inherit', stdio, stdio],
    env: { ...process.env, ...color },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
