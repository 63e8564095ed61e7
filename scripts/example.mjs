// Runs an example of examples/ by its number: npm run example -- 01. First removes its types, since Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [wanted = ''] = process.argv.slice(2)
const names = readdirSync(join(root, 'examples')).filter((name) => /^\d\d-/.test(name))
const name = names.find((one) => one === wanted || one.slice(0, 2) === wanted)
if (name === undefined) {
  console.error(`usage: npm run example -- NUMBER\nexamples: ${names.join(', ')}`)
  process.exit(2)
}
const run = (cwd, env, ...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  return status ?? 1
}
const folder = join(root, 'examples', name)
if (run(root, {}, 'scripts/prepare.mjs', '--no-types') !== 0) process.exit(1)
// A folder without a program has a settings file for the command line.
const program = existsSync(join(folder, 'main.ts')) ? await withoutTypes() : undefined
// An example writes only here. A new folder each time: with the state of an earlier run it would resume and print nothing.
const written = mkdtempSync(join(tmpdir(), 'windrow-example-'))
const env = { TMPDIR: written, TEMP: written, WINDROW_DATA_DIR: join(written, 'data') }
try {
  process.exitCode =
    program === undefined
      ? run(folder, env, join(root, 'dist/cli/main.js'), 'run', '--config', 'windrow.yaml')
      : run(folder, env, program)
} finally {
  rmSync(written, { recursive: true })
}

/** Writes the example's program as JavaScript, inside this package, so that it can import `windrow`; returns its path. */
async function withoutTypes() {
  const { transformSync } = await import('rolldown/utils')
  const source = join(folder, 'main.ts')
  const { code, errors } = transformSync(source, readFileSync(source, 'utf8'), { target: 'es2023' })
  if (errors.length > 0) throw new Error(`${source}: ${errors[0].message}`)
  const output = join(root, 'build/examples', name, 'main.js')
  mkdirSync(dirname(output), { recursive: true })
  writeFileSync(output, code)
  return output
}
