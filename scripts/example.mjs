// Runs an example of examples/ by its number: npm run example -- 01. Compiles it first, since Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
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
const program = join(root, 'build/examples', name, 'main.js')
if (run(root, {}, 'scripts/prepare.mjs') !== 0) process.exit(1)
// A folder without a program has a settings file for the command line.
const isProgram = existsSync(join(folder, 'main.ts'))
// The compiler's cache is next to the output, so that it is deleted together with it.
const incremental = ['--incremental', '--tsBuildInfoFile', 'build/examples/.tsbuildinfo']
const compile = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.examples.json', ...incremental]
if (isProgram && run(root, {}, ...compile) !== 0) process.exit(1)
// An example writes only here. A new folder each time: with the state of an earlier run it would resume and print nothing.
const written = mkdtempSync(join(tmpdir(), 'windrow-example-'))
const env = { TMPDIR: written, TEMP: written, WINDROW_DATA_DIR: join(written, 'data') }
try {
  process.exitCode = isProgram
    ? run(folder, env, program)
    : run(folder, env, join(root, 'dist/cli/main.js'), 'run', '--config', 'windrow.yaml')
} finally {
  rmSync(written, { recursive: true })
}
