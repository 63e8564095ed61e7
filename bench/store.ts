/**
 * Measures the use of the state store by workflow instances, commits and VM windows: commands and bytes, as counted by
 * Redis on the real stack. The same input is closed with one VM window per workflow and with 64, which separates the cost
 * of an instance from that of a VM window. Unlike times, these counts do not depend on other work on the machine.
 *
 *   npm run bench -- store [--vms 200 --windows 5 --port-base 30000]
 *
 * Not measured: PostgreSQL, whose commands differ (a turn of an instance is one transaction there).
 */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { startStack, type Stack } from '../src/dev/stack/index.ts'
import { fleetLines } from '../test/support/fleet-lines.ts'

const { values } = parseArgs({
  options: {
    vms: { type: 'string', default: '200' },
    windows: { type: 'string', default: '5' },
    'port-base': { type: 'string', default: '30000' },
  },
})
const [vms, windows] = [Number(values.vms), Number(values.windows)]
const PARTITIONS = 4
const WINDOW_MS = 3_600_000
const POINTS_PER_WINDOW = 12
const CLI = 'dist/cli/main.js'
const execute = promisify(execFile)

interface StoreCounts {
  readonly commands: number
  readonly bytesInMemory: number
  readonly bytesWritten: number
  readonly keys: number
}

async function countsOf(stack: Stack): Promise<StoreCounts> {
  const { redis } = stack.description.addresses
  const [host = '', port = ''] = redis.split(':')
  const { stdout } = await execute('redis-cli', ['-h', host, '-p', port, 'INFO', 'everything'])
  const field = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(stdout)?.[1])
  // Commands inside a Lua script are part of its call.
  const calls = [...stdout.matchAll(/^cmdstat_([a-z|]+):calls=(\d+)/gm)].filter(
    ([, name]) => !/^(info|ping|config|client)/.test(name ?? ''),
  )
  return {
    commands: calls.reduce((sum, [, , count]) => sum + Number(count), 0),
    bytesInMemory: field('used_memory'),
    bytesWritten: field('aof_current_size'),
    keys: Number(/^db0:keys=(\d+)/m.exec(stdout)?.[1] ?? 0),
  }
}

async function taken(stack: Stack, folder: string, input: string, vmsPerWorkflow: number): Promise<StoreCounts> {
  const before = await countsOf(stack)
  const grpcPort = stack.description.daprds[0]?.ports.grpc
  await execute(
    process.execPath,
    [
      ...[CLI, 'run', '--input', input, '--sidecar', 'dapr', '--window', '1h', '--partitions', String(PARTITIONS)],
      ...['--job', `store_${vmsPerWorkflow}`, '--data-dir', join(folder, `run-${vmsPerWorkflow}`)],
      ...['--vms-per-workflow', String(vmsPerWorkflow)],
    ],
    { env: { ...process.env, DAPR_GRPC_PORT: String(grpcPort) }, maxBuffer: 2 ** 26 },
  )
  const after = await countsOf(stack)
  const difference = (name: keyof StoreCounts): number => after[name] - before[name]
  return {
    commands: difference('commands'),
    bytesInMemory: difference('bytesInMemory'),
    bytesWritten: difference('bytesWritten'),
    keys: difference('keys'),
  }
}

const folder = await mkdtemp(join(tmpdir(), 'windrow-store-'))
await chmod(folder, 0o755)
const stack = await startStack({
  dataDir: join(folder, 'stack'),
  portBase: Number(values['port-base']),
  state: 'redis',
})
try {
  const input = join(folder, 'points.ndjson')
  const lines = fleetLines({ vms, windows, windowMs: WINDOW_MS, pointsPerWindow: POINTS_PER_WINDOW, seed: 1 })
  await writeFile(input, `${lines.join('\n')}\n`)
  // A warm-up run, so that tables and scripts that the sidecar loads once do not count.
  await taken(stack, join(folder, 'warm'), input, 1000)
  const one = await taken(stack, folder, input, 1)
  const many = await taken(stack, folder, input, 64)

  const vmWindows = vms * windows
  const commits = PARTITIONS * windows
  // Groups contain VM windows of one partition window.
  const instancesOfMany = commits * Math.ceil(vms / PARTITIONS / 64)
  const perInstance = (name: keyof StoreCounts): number => (one[name] - many[name]) / (vmWindows - instancesOfMany)
  const perCommit = (name: keyof StoreCounts): number => (many[name] - instancesOfMany * perInstance(name)) / commits
  console.log(`${vmWindows} VM windows of ${POINTS_PER_WINDOW} points, ${commits} partition windows`)
  console.log('                      an instance   a commit with its VM windows')
  for (const name of ['commands', 'keys', 'bytesInMemory', 'bytesWritten'] as const)
    console.log(
      `${name.padEnd(20)}  ${perInstance(name).toFixed(1).padStart(11)}   ${perCommit(name).toFixed(0).padStart(11)}`,
    )
} finally {
  await stack.down({ purge: true })
  await rm(folder, { recursive: true, force: true })
}
