// Runs a load test: npm run loadtest -- SCENARIO [its flags]. Compiles the runner first, since Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
run('scripts/prepare.mjs')
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.loadtest.json')
for (const folder of ['schemas', 'stack']) cpSync(join(root, folder), join(root, 'build', folder), { recursive: true })
run('build/loadtest/runner/main.js', ...process.argv.slice(2))
