/**
 * Prepares a checkout: checks the Node version, installs the packages of package-lock.json, builds dist/. Skips steps that
 * are already done. Runs before node_modules exists, so it uses only Node.
 *
 * With `--install` it builds nothing.
 *
 * With `--no-types` the build only removes the types, file by file, which takes a tenth of the time: enough to run, not to
 * publish. The types are checked, and declarations written, by the build without the flag, which `npm pack` uses.
 *
 * With `--no-check` the compiler builds everything, declarations too, and skips checking the types, which takes half of the time.
 * `npm test` uses it, because its check of all files beside the tests includes the sources.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Digest of the inputs of dist/; written only after a successful build. */
const BUILD_STAMP = join(ROOT, 'dist', '.built-from')
/** Sources for browsers, which are bundled instead of compiled file by file. */
const PAGE_CLIENT = join(ROOT, 'src', 'page', 'client')
const withTypes = !process.argv.includes('--no-types')
const withCheck = !process.argv.includes('--no-check')
const withBuild = !process.argv.includes('--install')

requireNode(20, 19)
if (!isInstalled()) await step('install', install)
const digest = sourceDigest()
if (withBuild && !isBuilt(digest)) await step('build', () => (withTypes ? build(digest) : transpile(digest)))

function requireNode(major, minor) {
  const [haveMajor, haveMinor] = process.versions.node.split('.').map(Number)
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return
  fail(
    `windrow needs Node ${major}.${minor} or later, and this is ${process.versions.node}. Get one at https://nodejs.org`,
  )
}

/** npm writes its own lock file into node_modules as the last thing of an installation. */
function isInstalled() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json')
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs
}

function install() {
  // Under `npm run`, npm provides its own path; this also works on Windows, where npm is not an executable.
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] }
  return npm === undefined ? spawnSync('npm', args, options) : spawnSync(process.execPath, [npm, ...args], options)
}

function isBuilt(digest) {
  const stamp = existsSync(BUILD_STAMP) ? readFileSync(BUILD_STAMP, 'utf8') : ''
  return stamp === digest || (!withTypes && stamp === withoutTypes(digest))
}

function withoutTypes(digest) {
  return `${digest} without types`
}

async function build(digest) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...(withCheck ? [] : ['--noCheck'])], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (result.status !== 0) return result
  await bundlePage()
  stampBuild(digest)
  return result
}

async function transpile(digest) {
  const { transformSync } = await import('rolldown/utils')
  const typescript = { onlyRemoveTypeImports: true, rewriteImportExtensions: 'rewrite' }
  // The compiler would take its notes of an earlier build for the state of dist/.
  rmSync(join(ROOT, 'dist', '.tsbuildinfo'), { force: true })
  const isForNode = (path) => path.endsWith('.ts') && !path.startsWith(PAGE_CLIENT)
  for (const path of sourceFiles().filter(isForNode)) {
    const output = join(ROOT, 'dist', relative(join(ROOT, 'src'), path)).replace(/\.ts$/, '.js')
    const { code, errors } = transformSync(path, readFileSync(path, 'utf8'), { target: 'es2023', typescript })
    if (errors.length > 0) return { status: 1, error: new Error(`${path}: ${errors[0].message}`) }
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, code)
  }
  await bundlePage()
  stampBuild(withoutTypes(digest))
  return { status: 0 }
}

/** Imported here, since the bundler is missing until the packages are installed. */
async function bundlePage() {
  const { buildPage } = await import('./build-page.mjs')
  await buildPage()
}

function stampBuild(stamp) {
  chmodSync(join(ROOT, 'dist', 'cli', 'main.js'), 0o755)
  writeFileSync(BUILD_STAMP, stamp)
}

function sourceFiles() {
  return readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

/** Digest of everything that affects the build: sources, compiler settings, versions. */
function sourceDigest() {
  const sources = sourceFiles()
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/build-page.mjs'].map((name) =>
    join(ROOT, name),
  )
  const hash = createHash('sha256')
  for (const path of [...settings, ...sources]) {
    hash.update(relative(ROOT, path)).update('\0').update(readFileSync(path)).update('\0')
  }
  return hash.digest('hex')
}

async function step(name, work) {
  const startedAt = performance.now()
  const result = await work()
  if (result.status !== 0) fail(`${name} failed${result.error ? `: ${result.error.message}` : ''}`)
  console.log(`prepare: ${name} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

function fail(message) {
  console.error(`prepare: ${message}`)
  process.exit(1)
}
