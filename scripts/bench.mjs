// Runs a benchmark of bench/ by name: npm run bench -- NAME [its flags]. Compiles it first, since Node 20 does not run TypeScript.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [name, ...flags] = process.argv.slice(2)
const names = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [flags]\nbenchmarks: ${names.join(', ')}`)
  process.exit(2)
}
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
run('scripts/prepare.mjs')
run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json')
for (const folder of ['schemas', 'stack']) cpSync(join(root, folder), join(root, 'build', folder), { recursive: true })
cpSync(join(root, 'dist/page/assets'), join(root, 'build/dist/page/assets'), { recursive: true })
cpSync(join(root, 'bench/process/report-usage.mjs'), join(root, 'build/bench/process/report-usage.mjs'))
run(join('build/bench', `${name}.js`), ...flags)
