/**
 * The cluster suite: `npm run test:cluster` against an API server; `npm run test:cluster -- --node` on a whole cluster with one
 * node, which is not part of .ci/run.
 */
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const isNode = args.includes('--node')
const rest = args.filter((arg) => arg !== '--node')
const run = ['run', '--project', isNode ? 'cluster-node' : 'cluster', '--no-file-parallelism', ...rest]
const { status } = spawnSync('npx', ['vitest', ...run], { stdio: 'inherit' })
process.exitCode = status ?? 1
