/** `verify` is independent of the pipeline: the only code of the core that it loads is canonical JSON. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { ESLint } from 'eslint'
import { expect, test } from 'vitest'
import { ROOT } from '../support/built.ts'

/** What a module loads, itself included: imports of types alone are gone by then. */
function loadedBy(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const text = readFileSync(path, 'utf8').replace(/^import type [^]*?from '.*'$/gm, '')
  for (const [, names = '', from = ''] of text.matchAll(/^(?:import|export) ([^']*?)(?:from )?'(\.[^']+)'$/gm)) {
    const isTypesOnly = /^\{[^}]*\}/.test(names) && !/[{,]\s*(?!type )\w/.test(names.replace(/,\s*\}/, '}'))
    if (!isTypesOnly) loadedBy(resolve(dirname(path), from), seen)
  }
  return seen
}

const folder = join(ROOT, 'src/verify')
const files = readdirSync(folder).map((name) => join(folder, name))

test('verify loads no code of the core except canonical JSON', () => {
  const loaded = new Set(files.flatMap((file) => [...loadedBy(file)].map((path) => relative(ROOT, path))))
  const ofOthers = [...loaded].filter((path) => !/^src\/(verify|errors)\//.test(path))
  expect(ofOthers).toEqual(['src/core/json.ts'])
})

test('this test finds modules that are loaded indirectly', () => {
  const loaded = [...loadedBy(join(ROOT, 'src/core/vm-window.ts'))].map((path) => relative(ROOT, path))
  expect(loaded).toEqual(
    expect.arrayContaining(['src/core/seq-set.ts', 'src/core/seq-ranges.ts', 'src/core/point-digest.ts']),
  )
  expect(loaded).not.toContain('src/core/fate.ts')
})

/** The one rule alone, which needs no types: to load those of the whole project takes seconds. */
const eslint = new ESLint({
  cwd: ROOT,
  ruleFilter: ({ ruleId }) => ruleId === '@typescript-eslint/no-restricted-imports',
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
})

test.each([
  ["import { SeqSet } from '../core/seq-set.ts'\nexport const set = new SeqSet(1)", 1],
  ["import { readLedger } from '../ledger/ledger.ts'\nexport const read = readLedger", 1],
  ["import type { DataPoint } from '../core/point.ts'\nexport const of = (point: DataPoint) => point.vmId", 0],
])('the linter refuses what folds: %j', async (text, problems) => {
  const [result] = await eslint.lintText(`${text}\n`, { filePath: join(folder, 'chain.ts') })
  const found = result?.messages.filter(({ ruleId }) => ruleId === '@typescript-eslint/no-restricted-imports')
  expect(found).toHaveLength(problems)
})
