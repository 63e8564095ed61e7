import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/cli/load-config.ts'

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'windrow.yaml')
  writeFileSync(path, text)
  return path
}

test('the file is named by a flag, else by a variable', () => {
  const one = fileWith('input: [a]\njob: one\n')
  const two = fileWith('input: [a]\njob: two\n')
  expect(loadConfig({ config: one }, { WINDROW_CONFIG: two }).job).toBe('one')
  expect(loadConfig({}, { WINDROW_CONFIG: two }).job).toBe('two')
  expect(loadConfig({ input: ['a'] }, { WINDROW_CONFIG: '' }).job).toBe('windrow')
})

test('a problem in the file is reported with its path and line', () => {
  const path = fileWith('input: [a]\nwindow: 60\n')
  expect(() => loadConfig({ config: path }, {})).toThrow(`${path}:2 window: 60 has no unit`)
})

test('a variable that names no file is reported by its name', () => {
  expect(() => loadConfig({}, { WINDROW_CONFIG: '/no/such/file' })).toThrow(
    'WINDROW_CONFIG: cannot read "/no/such/file"',
  )
})
