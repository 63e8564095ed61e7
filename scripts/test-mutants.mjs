/**
 * Tests the tests: `npm run test:mutants [NAME…]`. Each patch in test/mutants removes one safeguard; the test that its
 * header names must then fail, and for the right reason. A mutant that survives, or a patch that no longer applies, fails
 * the suite.
 *
 * The patches are applied to copies of the sources, never to the working tree.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = dirname(import.meta.dirname)
const MUTANTS = join(ROOT, 'test', 'mutants')
/** Number of copies of the sources, and so of mutants that run concurrently. */
const WORKERS = 2
const COPIED = ['schemas', 'presets', 'src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']
/** Errors of tests and safeguards. Any other error, for example a TypeError, means that the mutant does not run at all. */
const RIGHT_REASON =
  /^(AssertionError|WindrowError|Error: Property failed|Error: promise (resolved|rejected)|Error: core called)/

const wanted = process.argv.slice(2)
const mutants = readdirSync(MUTANTS)
  .filter((file) => file.endsWith('.patch'))
  .map(readMutant)
  .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const sandbox = mkdtempSync(join(tmpdir(), 'windrow-mutants-'))
try {
  process.exitCode = await main()
} finally {
  rmSync(sandbox, { recursive: true, force: true })
}

async function main() {
  if (mutants.length === 0) {
    console.error(`no such mutant: ${wanted.join(', ')}`)
    return 1
  }
  const copies = Array.from({ length: WORKERS }, (_, i) => copySources(join(sandbox, String(i))))
  const unsound = await provesUnmutated(copies[0])
  if (unsound.length > 0) {
    console.error(`these tests must pass before mutants can fail them:\n  ${unsound.join('\n  ')}`)
    console.log(`0 passed, ${mutants.length} failed`)
    return 1
  }
  const waiting = [...mutants]
  const outcomes = new Map()
  await Promise.all(
    copies.map(async (copy) => {
      for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
        outcomes.set(mutant.name, await tryMutant(copy, mutant))
      }
    }),
  )
  return report(outcomes)
}

/** Format: text, a blank line, `Test:` and `Title:`, then the diff. */
function readMutant(file) {
  const path = join(MUTANTS, file)
  const text = readFileSync(path, 'utf8')
  const test = /^Test: (.+)$/m.exec(text)?.[1]
  const title = /^Title: (.+)$/m.exec(text)?.[1]
  if (test === undefined || title === undefined) throw new Error(`${file} names no test and title in its header`)
  return { name: basename(file, '.patch'), path, test, title }
}

function copySources(to) {
  mkdirSync(to)
  for (const name of COPIED) cpSync(join(ROOT, name), join(to, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'), 'dir')
  return to
}

/** The named tests that do not exist or do not pass without a mutation. */
async function provesUnmutated(copy) {
  const files = [...new Set(mutants.map((mutant) => mutant.test))]
  const titles = mutants.map((mutant) => mutant.title)
  const results = await vitest(copy, files, titles)
  return mutants.flatMap(({ test, title }) => {
    const named = results.filter((one) => one.file === test && one.title.includes(title) && one.status !== 'skipped')
    if (named.length === 0) return [`${test}: ${title} (there is no such test)`]
    return named
      .filter((one) => one.status !== 'passed')
      .map((one) => `${test}: ${one.title}\n${one.messages.join('\n')}`)
  })
}

async function tryMutant(copy, { path, test, title }) {
  const startedMs = performance.now()
  const outcome = (verdict) => ({ verdict, seconds: (performance.now() - startedMs) / 1000 })
  try {
    await applyPatch(copy, path)
  } catch (error) {
    return outcome(`the patch does not apply: ${error.stderr?.trim() ?? error.message}`)
  }
  try {
    const results = (await vitest(copy, [test], [title])).filter((one) => one.title.includes(title))
    const failed = results.filter((one) => one.status === 'failed')
    if (results.every((one) => one.status === 'skipped')) return outcome('the test did not run')
    if (failed.length === 0) return outcome('survived')
    const isRight = failed.some((one) => one.messages.some((message) => RIGHT_REASON.test(message)))
    return outcome(isRight ? 'killed' : `failed for another reason: ${failed[0].messages[0]?.split('\n')[0]}`)
  } finally {
    await applyPatch(copy, path, '--reverse')
  }
}

function applyPatch(copy, path, ...options) {
  // Apply outside of any repository, so that paths are relative to the copy.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: sandbox }
  return run('git', ['apply', ...options, path], { cwd: copy, env })
}

/** Runs the tests with these titles in these files. Returns every result with its file, relative to the copy. */
async function vitest(copy, files, titles) {
  const output = join(copy, 'results.json')
  rmSync(output, { force: true })
  const pattern = titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const program = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const reporter = ['--reporter=json', `--outputFile=${output}`]
  const args = [program, 'run', '--project', 'unit', ...reporter, '-t', pattern, ...files]
  // A failing test also causes an exit code; only the written report counts.
  await run(process.execPath, args, { cwd: copy, maxBuffer: 64 * 1024 * 1024 }).catch(() => undefined)
  const { testResults } = JSON.parse(readFileSync(output, 'utf8'))
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status, failureMessages }) => ({
      file: name.slice(name.indexOf(`${basename(copy)}/test/`) + basename(copy).length + 1),
      title: fullName,
      status: status === 'pending' ? 'skipped' : status,
      messages: failureMessages ?? [],
    })),
  )
}

function report(outcomes) {
  const width = Math.max(...mutants.map(({ name }) => name.length))
  const testWidth = Math.max(...mutants.map(({ test }) => test.length))
  console.log(`${'mutant'.padEnd(width)}  ${'test'.padEnd(testWidth)}  seconds`)
  let failed = 0
  for (const { name, test } of mutants) {
    const { verdict, seconds } = outcomes.get(name)
    if (verdict !== 'killed') failed++
    console.log(`${name.padEnd(width)}  ${test.padEnd(testWidth)}  ${seconds.toFixed(1).padStart(7)}  ${verdict}`)
  }
  console.log(`${mutants.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
