/**
 * One name means one thing: no two files of src/ export different things under the same name, so that a reader who finds a name
 * anywhere knows what it is.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { ROOT } from './support/built.ts'

/** Names that a file declares and exports; what it re-exports from elsewhere is the same thing, not another. */
function exportedNames(source: string): string[] {
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest, true)
  const names = new Set<string>()
  for (const statement of file.statements) {
    if (!ts.canHaveModifiers(statement)) continue
    const isExported = ts.getModifiers(statement)?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword) ?? false
    if (!isExported) continue
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) names.add(name.text)
    } else if ('name' in statement && statement.name !== undefined && ts.isIdentifier(statement.name)) {
      names.add(statement.name.text)
    }
  }
  return [...names]
}

/** Names that more than one file exports, each with its files. */
function ambiguousNames(sources: ReadonlyMap<string, string>): string[] {
  const filesByName = new Map<string, string[]>()
  for (const [file, source] of sources) {
    for (const name of exportedNames(source)) filesByName.set(name, [...(filesByName.get(name) ?? []), file])
  }
  return [...filesByName].filter(([, files]) => files.length > 1).map(([name, files]) => `${name}: ${files.join(', ')}`)
}

it('a name that two files export is found, and a re-export is not', () => {
  const sources = new Map([
    ['a.ts', 'export interface Range { readonly first: number }'],
    ['b.ts', 'export type Range = readonly [number, number]\nexport const limit = 1'],
    ['index.ts', "export { limit } from './b.ts'"],
  ])
  expect(ambiguousNames(sources)).toEqual(['Range: a.ts, b.ts'])
})

it('every exported name of src/ means one thing', () => {
  const folder = join(ROOT, 'src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))
  expect(files.length).toBeGreaterThan(200)
  const sources = new Map(files.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
  expect(ambiguousNames(sources)).toEqual([])
})
