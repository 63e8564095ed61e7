/**
 * Every command that the documentation fences as `sh` works: it is run here, page by page and in order, in a folder that
 * looks like a fresh clone, or it is a suite that is run as a whole elsewhere.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { fences, pages } from './pages.ts'

/** Run as they stand on a clean clone, and too long or too much to be run inside a test. */
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

test('there are commands to try', () => {
  expect(documented.flatMap(({ commands }) => commands).length).toBeGreaterThan(4)
})

describe.each(documented)('$path', ({ commands }) => {
  test.each(commands.filter((command) => !RUN_ELSEWHERE.includes(command)))('%s', async (command) => {
    const { stdout } = await promisify(execFile)('bash', ['-ec', command], { cwd: clone })
    expect(stdout).not.toBe('')
  })
})

test('what is run elsewhere is a script that a clone has, and is still in the documentation', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
  for (const command of RUN_ELSEWHERE) {
    expect(Object.keys(scripts)).toContain(command.replace(/^npm (run )?/, ''))
    expect(documented.flatMap(({ commands }) => commands)).toContain(command)
  }
})
