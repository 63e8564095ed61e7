/**
 * What the built package loads, and when. Each test runs a few lines in a process of Node.js whose module hooks record
 * every module that is imported. It pins that importing Windrow stays cheap, without measuring time; `npm run bench --
 * import` measures it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { samplePoints } from '../support/sample-points.ts'

/** A module is executed only after the hooks have resolved it, so no line is written too late. */
const HOOKS = `
import { appendFileSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  appendFileSync(process.env.IMPORTS, (context.parentURL ?? '') + ' ' + resolved.url + '\\n')
  return resolved
}`
const asModule = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`
/** The hooks see what `import` loads, the replaced function what `require` loads. */
const REGISTER = asModule(`
import { appendFileSync } from 'node:fs'
import Module, { isBuiltin, register } from 'node:module'
import { pathToFileURL } from 'node:url'
register(${JSON.stringify(asModule(HOOKS))})
const load = Module._load
Module._load = function (request, parent, ...more) {
  if (parent?.filename && !isBuiltin(request)) {
    const urls = [parent.filename, Module._resolveFilename(request, parent)].map((path) => pathToFileURL(path).href)
    appendFileSync(process.env.IMPORTS, urls.join(' ') + '\\n')
  }
  return load.call(this, request, parent, ...more)
}`)

interface Imports {
  /** Packages that Windrow's own modules import, sorted. */
  readonly packages: readonly string[]
  /** All packages: those, and what they load in turn. */
  readonly loaded: ReadonlySet<string>
  /** Windrow's own modules, relative to dist/. */
  readonly modules: readonly string[]
  readonly stdout: string
}

let folder: string
beforeAll(() => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-imports-'))
  writeFileSync(join(folder, 'points.ndjson'), samplePoints())
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/windrow'), 'dir')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs `code` in a project that has this checkout as the package `windrow`. */
function importsOf(code: string, args: readonly string[] = []): Imports {
  const file = join(folder, 'imports')
  writeFileSync(file, '')
  writeFileSync(join(folder, 'main.mjs'), code)
  const stdout = execFileSync(process.execPath, ['--import', REGISTER, 'main.mjs', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, IMPORTS: file },
  })
  const packages = new Set<string>()
  const loaded = new Set<string>()
  const modules = new Set<string>()
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const [from, to] = line.split(' ') as [string, string]
    const name = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(to)?.[1]
    if (name === undefined && to.includes('/dist/')) modules.add(to.slice(to.lastIndexOf('/dist/') + 6))
    if (name === undefined) continue
    loaded.add(name)
    if (!from.includes('/node_modules/')) packages.add(name)
  }
  return { packages: [...packages].sort(), loaded, modules: [...modules], stdout }
}

const RUN = "const { run } = await import('windrow');"

test('windrow/results loads no package and a handful of modules', () => {
  const { packages, modules } = importsOf("await import('windrow/results')")
  expect(packages).toEqual([])
  expect(modules).toContain('library/results.js')
  expect(modules.filter((path) => !/^(library|adapters\/files|errors)\//.test(path))).toEqual([])
})

test('windrow loads no package and nothing of the application, the configuration or the tools of developers', () => {
  const { packages, modules } = importsOf("await import('windrow')")
  expect(packages).toEqual([])
  expect(modules).toContain('index.js')
  expect(modules.filter((path) => !/^(index\.js$|library|core|adapters\/files|errors)/.test(path))).toEqual([])
})

test('wrong settings are refused before the application is loaded', () => {
  const { packages, stdout } = importsOf(
    `${RUN} await run({ settings: { window: 'wrong' } }).catch((error) => console.log(error.name))`,
  )
  expect({ packages, stdout }).toEqual({ packages: [], stdout: 'ConfigurationError\n' })
})

test('a run over files loads the Dapr SDK, and neither Kafka, OpenTelemetry, Avro, logs, the gateway nor the tools of developers', () => {
  const settings = "{ input: 'points.ndjson', results: 'out.ndjson', dataDir: 'data' }"
  const { packages, loaded, modules, stdout } = importsOf(
    `${RUN} console.log((await run({ settings: ${settings} })).points.accepted)`,
  )
  expect(stdout).toBe('108\n')
  expect(packages).toEqual(expect.arrayContaining(['@dapr/dapr', '@grpc/grpc-js', 'classic-level']))
  const others = /^(kafkajs|fastify|fzstd|@opentelemetry\/.*|commander|avsc|pino|yaml)$/
  expect(packages.filter((name) => others.test(name))).toEqual([])
  expect(modules.filter((path) => /^(dev|gateway|adapters\/kafka|cli|ui)\//.test(path))).toEqual([])
  // The SDK's index loads an HTTP server, and its client of state a second gRPC library.
  expect(loaded).toContain('google-protobuf')
  expect([...loaded].filter((name) => /^(express|@connectrpc\/.*|@bufbuild\/.*)$/.test(name))).toEqual([])
})

const COMMAND_LINE = "await import('./node_modules/windrow/dist/cli/main.js')"

test('windrow --help loads commander and no command', () => {
  const { packages, modules, stdout } = importsOf(COMMAND_LINE, ['--help'])
  expect(stdout).toContain('Usage: windrow')
  expect(packages).toEqual(['commander'])
  expect(modules.filter((path) => /^(app|dev)\/|^cli\/(run|demo|stack|gateway)\.js$/.test(path))).toEqual([])
})

test('the help of a command loads that command and its settings, and neither other commands nor the application', () => {
  const { packages, modules, stdout } = importsOf(COMMAND_LINE, ['help', 'run'])
  expect(stdout).toContain('Usage: windrow run')
  expect(packages).toEqual(['commander'])
  expect(modules).toContain('cli/run.js')
  expect(modules.filter((path) => /^(app|dev)\/|^cli\/(demo|stack|gateway)\.js$/.test(path))).toEqual([])
})
