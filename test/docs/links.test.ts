/** Everything that the documentation refers to exists: pages, headings, files, error codes, flags, and a test for each invariant. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { globSync } from 'tinyglobby'
import { describe, expect, test } from 'vitest'
import { settings } from '../../src/config/names.ts'
import { ROOT } from '../support/built.ts'
import { pageAt, pages, prose } from './pages.ts'

const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(' ', '-')

function headingsOf(path: string): string[] {
  return [...prose(readFileSync(join(ROOT, path), 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, text]) => slug(text ?? ''))
}

function linksOf(path: string): string[] {
  return [...prose(pageAt(path).text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '')
}

/** Paths with a placeholder, such as `test/x/y.test.ts` and `src/adapters/NAME/`. */
const PLACEHOLDER = /\/(x|NAME)\//

const isOutside = (target: string): boolean => /^https?:/.test(target)

describe.each(pages.map(({ path }) => path))('%s', (path) => {
  test('links to pages and headings that exist', () => {
    const broken = linksOf(path)
      .filter((target) => !isOutside(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#')
        const to = file === '' ? path : normalize(join(dirname(path), file))
        return !existsSync(join(ROOT, to)) || (anchor !== undefined && !headingsOf(to).includes(anchor))
      })
    expect(broken).toEqual([])
  })

  test('names files that exist', () => {
    const folders = 'src|test|docs|bench|scripts|schemas|examples|stack|k8s|loadtest'
    const named = [...prose(pageAt(path).text).matchAll(new RegExp(`\`((?:${folders})/[\\w./-]+)\``, 'g'))]
    expect(
      named.map(([, file]) => file ?? '').filter((file) => !PLACEHOLDER.test(file) && !existsSync(join(ROOT, file))),
    ).toEqual([])
  })
})

test('every page can be reached from README.md by links', () => {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path) || !pages.some((page) => page.path === path)) return
    seen.add(path)
    for (const target of linksOf(path)) {
      if (!isOutside(target)) visit(normalize(join(dirname(path), target.split('#')[0] ?? '')))
    }
  }
  visit('README.md')
  expect(pages.map(({ path }) => path).filter((path) => !seen.has(path) && path !== 'docs/README.md')).toEqual([])
})

test('every page of a folder of docs/ is in the README.md of that folder', () => {
  for (const folder of ['docs', 'docs/operating', 'docs/reference', 'docs/internals', 'docs/internals/decisions']) {
    const files = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md')
    expect(files.filter((name) => !linksOf(`${folder}/README.md`).includes(name))).toEqual([])
  }
})

test.each(['invariants', 'mutants'])('invariants.md links to every file of test/%s and to no other', (folder) => {
  const prefix = `../../test/${folder}/`
  const linked = linksOf('docs/internals/invariants.md').filter((target) => target.startsWith(prefix))
  const there = readdirSync(join(ROOT, 'test', folder)).filter((name) => /\.(test\.ts|patch)$/.test(name))
  expect(linked.map((target) => target.slice(prefix.length)).sort()).toEqual(there.sort())
})

test('every error code in the documentation is a code of the program', () => {
  const sources = globSync('src/**/*.ts', { cwd: ROOT, absolute: true }).map((path) => readFileSync(path, 'utf8'))
  const codes = new Set(sources.join('').match(/(?<=')[A-Z][A-Z]+_[A-Z_]+(?=')/g))
  const named = pages.flatMap(({ text }) =>
    [...prose(text).matchAll(/`([A-Z][A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code ?? ''),
  )
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((code) => !codes.has(code) && !/^(WINDROW|DAPR)_/.test(code))).toEqual([])
})

test('every flag of windrow run in the documentation is a flag of the program', () => {
  const known = new Set(settings.flatMap(({ flag }) => flag ?? []))
  // Flags of other commands and programs that these pages mention.
  const others = ['--config', '--help', '--project', '--vms', '--points', '--ui']
  const written = [
    'README.md',
    'SECURITY.md',
    'docs/reference/results.md',
    'docs/internals/architecture.md',
    'docs/aggregators.md',
  ]
  const flags = written.flatMap((path) => pageAt(path).text.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [])
  expect(flags.length).toBeGreaterThan(10)
  expect(flags.filter((flag) => !known.has(flag) && !others.includes(flag))).toEqual([])
})
