/**
 * The catalog of error codes is closed: every code is documented and used by src/, no code outside it compiles, and a
 * new code is one entry.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { globSync } from 'tinyglobby'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { ERROR_CATALOG } from '../../src/errors/catalog.ts'
import { errorReference } from '../../src/errors/reference.ts'

const ROOT = join(import.meta.dirname, '../..')
const CATALOG_FILE = join(ROOT, 'src/errors/catalog.ts')
const CODES = Object.keys(ERROR_CATALOG)

/** Codes that a source text raises: string literals of the catalog, other than those it only compares with. */
function codesRaisedIn(text: string): Set<string> {
  const raised = new Set<string>()
  const visit = (node: ts.Node): void => {
    const { parent } = node
    if (ts.isStringLiteral(node) && !ts.isBinaryExpression(parent) && !ts.isLiteralTypeNode(parent))
      raised.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('scanned.ts', text, ts.ScriptTarget.ESNext, true))
  return new Set(CODES.filter((code) => raised.has(code)))
}

function codesRaisedInSources(): Set<string> {
  const files = globSync('src/**/*.ts', { cwd: ROOT }).filter((file) => !file.startsWith('src/errors/'))
  const texts = files.map((file) => readFileSync(join(ROOT, file), 'utf8'))
  const configuration = readFileSync(join(ROOT, 'src/errors/configuration-error.ts'), 'utf8')
  return new Set([...texts, configuration].flatMap((text) => [...codesRaisedIn(text)]))
}

test('every code of the catalog is raised somewhere in src/', () => {
  const raised = codesRaisedInSources()
  expect(CODES.filter((code) => !raised.has(code))).toEqual([])
})

test.each([
  ["throw new WindrowError('x', { code: 'DATA_LOSS' })", ['DATA_LOSS']],
  ["const BY_TYPE = { FENCED: 'KAFKA_FENCED' }", ['KAFKA_FENCED']],
  ["if (error.code === 'DATA_LOSS') throw error", []],
  ["type Code = 'DATA_LOSS'", []],
  ["// 'DATA_LOSS'\nthrow new WindrowError('x', { code })", []],
])('the scan finds the codes that are raised: %s', (text, raised) => {
  expect([...codesRaisedIn(text)]).toEqual(raised)
})

test('codes are upper case and in alphabetical order; meanings and remedies are sentences', () => {
  expect(CODES).toEqual(CODES.toSorted())
  for (const [code, { meaning, remedy }] of Object.entries(ERROR_CATALOG)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9_]+$/)
    expect(meaning, code).toMatch(/^[A-Z].*\.$/)
    expect(remedy, code).toMatch(/^[A-Z].*\.$/)
  }
})

test('docs/reference/errors.md matches the catalog; `npm run docs:errors` writes it', () => {
  const written = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8')
  expect(written).toBe(errorReference())
  for (const code of CODES) expect(written).toContain(`\n## ${code}\n`)
})

const THROW_SITE = `
import { WindrowError } from './index.ts'
throw new WindrowError('the lease of partition 3 expired', { code: 'LEASE_EXPIRED' })
`
const NEW_ENTRY = `
  LEASE_EXPIRED: retryable('The lease of a partition expired.', 'No action needed: the lease is renewed.'),
`

/** What the compiler reports about the throw site, with the catalog as given. */
function compile(catalog: string): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, types: ['node'], allowImportingTsExtensions: true },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext },
  }
  const site = join(ROOT, 'src/errors/new-throw-site.ts')
  const replaced = new Map([
    [site, THROW_SITE],
    [CATALOG_FILE, catalog],
  ])
  const onDisk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...onDisk,
    fileExists: (file) => replaced.has(file) || onDisk.fileExists(file),
    getSourceFile(file, languageVersion) {
      const text = replaced.get(file)
      if (text === undefined) return onDisk.getSourceFile(file, languageVersion)
      return ts.createSourceFile(file, text, languageVersion)
    },
  }
  const program = ts.createProgram([site], options, host)
  const files = [site, CATALOG_FILE].map((file) => program.getSourceFile(file))
  return files.flatMap((file) =>
    ts.getPreEmitDiagnostics(program, file).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n')),
  )
}

test('a new error code is one entry: without it the throw site does not compile, with it the code is also documented', () => {
  const catalog = readFileSync(CATALOG_FILE, 'utf8')
  const place = '} as const satisfies'
  expect(catalog.split(place)).toHaveLength(2)
  expect(compile(catalog).join()).toContain('"LEASE_EXPIRED"')
  expect(compile(catalog.replace(place, `${NEW_ENTRY}${place}`))).toEqual([])

  const definition = {
    meaning: 'The lease of a partition expired.',
    disposition: 'retryable',
    remedy: 'None.',
  } as const
  expect(errorReference({ ...ERROR_CATALOG, LEASE_EXPIRED: definition })).toContain('\n## LEASE_EXPIRED\n')
})
