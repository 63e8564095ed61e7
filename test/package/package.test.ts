/**
 * The package as users install it: packed, unpacked into a project with only its declared dependencies, compiled with the
 * strictest settings, and run.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { samplePoints } from '../support/sample-points.ts'

const CONSUMER = `
import { ConfigurationError, defineAggregator, perMetric, readResults, run } from 'windrow'
import type { ResultOf, Settings } from 'windrow'
import { readResults as readOnly } from 'windrow/results'
import type { CloseReason, ResultOf as ReadResult, VmWindowResult } from 'windrow/results'

const last = perMetric(
  defineAggregator<{ at: number; value: number }, null, number>({
    name: 'last',
    create: () => ({ at: -1, value: 0 }),
    add: (acc, { timestamp, value }) => (timestamp >= acc.at ? { at: timestamp, value } : acc),
    merge: (a, b) => (a.at >= b.at ? a : b),
    result: (acc) => acc.value,
  }),
)
const settings: Settings = { input: 'points.ndjson', results: 'out.ndjson', dataDir: 'data' }
const total = await run({ settings, aggregator: last })
const value: number | undefined = total.metrics['cpu']
const results: ResultOf<typeof last>[] = []
for await (const result of readResults<typeof last>('out.ndjson')) results.push(result)
const reasons = new Set<CloseReason>()
let received: VmWindowResult['received'] = 0
for await (const result of readOnly<typeof last>('out.ndjson')) {
  const same: ResultOf<typeof last> = result
  reasons.add(same.reason)
  received += result.received
}
// Without an aggregator the types are those of the built-in summary.
const meanOf = (result: ReadResult): number | undefined => result.metrics['cpu']?.mean
const refused = await run({ settings: { ...settings, window: '1' } }).catch((error: unknown) => error)
const seen = { value, results: results.length, received, reasons: [...reasons] }
console.log(JSON.stringify({ ...seen, refused: refused instanceof ConfigurationError }))
`

let project: string
let packed: string[]

beforeAll(() => {
  ensureBuilt()
  project = mkdtempSync(join(tmpdir(), 'windrow-package-'))
  const home = join(project, 'node_modules', 'windrow')
  mkdirSync(home, { recursive: true })
  // Skip prepack: it would rebuild dist/ while other tests use it, and dist/ is up to date.
  const packing = ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', project]
  const [tarball] = JSON.parse(execFileSync('npm', packing, { cwd: ROOT, encoding: 'utf8' })) as [
    { filename: string; files: { path: string }[] },
  ]
  packed = tarball.files.map((file) => file.path)
  execFileSync('tar', ['-xzf', join(project, tarball.filename), '-C', home, '--strip-components=1'])
  const { dependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { dependencies: object }
  for (const name of Object.keys(dependencies)) {
    mkdirSync(dirname(join(project, 'node_modules', name)), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), 'dir')
  }
  // The tools of the consuming project.
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'), 'dir')
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module', private: true }))
  writeFileSync(join(project, 'points.ndjson'), samplePoints())
  writeFileSync(join(project, 'main.ts'), CONSUMER)
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

test('the package contains the files that its programs read and its help names, and no development files', () => {
  const texts = ['LICENSE', 'README.md', 'CHANGELOG.md', 'docs/reference/settings.md']
  const read = [
    'stack/kafka-pom.xml',
    'schemas/data-point.avsc',
    'dist/index.d.ts',
    'dist/library/results.d.ts',
    'dist/embedded/thread.js',
  ]
  expect([...texts, ...read].filter((path) => !packed.includes(path))).toEqual([])
  expect(packed.filter((path) => /^(src|test|bench|examples|scripts)\/|\.map$|\.tsbuildinfo$/.test(path))).toEqual([])
})

test('the command line runs from the package', () => {
  const cli = join(project, 'node_modules/windrow/dist/cli/main.js')
  const flags = ['--input', 'points.ndjson', '--data-dir', 'cli-data', '--json']
  const line = execFileSync(process.execPath, [cli, 'run', ...flags], { cwd: project, encoding: 'utf8', stdio: 'pipe' })
  expect(JSON.parse(line)).toMatchObject({ points: { accepted: 108 }, vmWindows: 9 })
})

describe('a consumer', () => {
  const compile = (module: string, moduleResolution: string): string => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const flags = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2023']
    const kind = ['--module', module, '--moduleResolution', moduleResolution, '--types', 'node', '--outDir', 'out']
    // skipLibCheck, since the declarations of other packages are not ours; the consumer's code uses each of our types.
    const args = [tsc, ...flags, ...kind, '--skipLibCheck', 'main.ts']
    return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
  }

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('a project with module %s and resolution %s compiles against the package and runs', (module, resolution) => {
    rmSync(join(project, 'out'), { recursive: true, force: true })
    for (const path of ['data', 'out.ndjson', 'out.ndjson.windrow.json', 'out.certificates.ndjson']) {
      rmSync(join(project, path), { recursive: true, force: true })
    }
    expect(compile(module, resolution)).toBe('')
    const output = execFileSync(process.execPath, ['out/main.js'], { cwd: project, encoding: 'utf8' })
    expect(JSON.parse(output)).toEqual({ value: 35, results: 9, received: 108, reasons: ['complete'], refused: true })
  })
})
