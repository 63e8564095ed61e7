/**
 * Runs every command in the `sh` blocks of the documentation, page by page and in order, in a folder that looks like a
 * fresh clone; CI runs `npm start` and `npm test` separately. Also runs the program in the README.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { fences, pageAt, pages } from './pages.ts'

/** Too slow to run inside a test; CI runs them in a clean clone. */
const RUN_ELSEWHERE: readonly string[] = ['npm start', 'npm test']

const documented = pages
  .map(({ path, text }) => ({
    path,
    commands: fences(text, 'sh').flatMap((block) => block.trimEnd().split('\n')),
  }))
  .filter(({ commands }) => commands.length > 0)

let clone: string
beforeAll(() => {
  ensureBuilt()
  clone = mkdtempSync(join(tmpdir(), 'windrow-clone-'))
  const names = readdirSync(ROOT).filter((name) => !name.startsWith('.'))
  for (const name of names) symlinkSync(join(ROOT, name), join(clone, name))
})
afterAll(() => rmSync(clone, { recursive: true, force: true }))

test('the documentation has commands to run', () => {
  expect(documented.flatMap(({ commands }) => commands).length).toBeGreaterThan(4)
})

describe.each(documented)('$path', ({ commands }) => {
  test.each(commands.filter((command) => !RUN_ELSEWHERE.includes(command)))('%s', async (command) => {
    const { stdout } = await promisify(execFile)('bash', ['-ec', command], { cwd: clone })
    expect(stdout).not.toBe('')
  })
})

test('the program in README.md prints the incomplete window', async () => {
  const [program = ''] = fences(pageAt('README.md').text, 'js')
  writeFileSync(join(clone, 'program.mjs'), program)
  const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: clone })
  expect(stdout).toBe('web-2 grace missing seqs [ [ 5, 5 ] ]\n')
})

test('a command that only CI runs is a script of package.json and still documented', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  for (const command of RUN_ELSEWHERE) {
    expect(Object.keys(scripts)).toContain(command.replace(/^npm (run )?/, ''))
    expect(documented.flatMap(({ commands }) => commands)).toContain(command)
  }
})
