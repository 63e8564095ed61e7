/**
 * Compares Windrow on the real stack (Kafka, daprd, Redis) with Kafka Streams, on the same topics and the same machine.
 * Each is measured from the start of its process until a `read_committed` reader sees its last result, and every result
 * of both is checked. docs/internals/performance.md explains the figures and their limits.
 *
 *   npm run bench:peer [-- --points 500000 --vms 500 --per-window 57,400 --runs 3 --vms-per-workflow auto]
 *
 *   peer/workload.ts    the topic and the expected results    peer/contenders.ts      starts each contender
 *   peer/measure.ts     one run                               peer/follow-results.ts  the reader     peer/table.ts
 *
 * Starts its own stack and stops it at the end; with --data-dir it uses the stack of that folder and keeps it running.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { messageOf, WindrowError } from '../src/errors/index.ts'
import { cacheFolder } from '../src/dev/stack/cache.ts'
import { startStack, type Stack } from '../src/dev/stack/index.ts'
import { kafkaStreams, peerScript, windrow } from './peer/contenders.ts'
import { measure, type Measured } from './peer/measure.ts'
import { comparison } from './peer/table.ts'
import { produceWorkload } from './peer/workload.ts'

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '500000' },
    vms: { type: 'string', default: '500' },
    'per-window': { type: 'string', default: '57,400' },
    runs: { type: 'string', default: '3' },
    'vms-per-workflow': { type: 'string', default: 'auto' },
    'port-base': { type: 'string', default: '17000' },
    'data-dir': { type: 'string' },
    /** Folder for CPU profiles of Windrow's process; its figures are then those of a profiled process. */
    'cpu-prof': { type: 'string' },
  },
})
const [points, vms, runs] = [Number(values.points), Number(values.vms), Number(values.runs)]
const numbers = (list: string): number[] => list.split(',').map(Number)
const SERVERS = ['daprd-0', 'scheduler', 'placement', 'redis', 'kafka']
const execute = promisify(execFile)

async function compare(stack: Stack, signal: AbortSignal): Promise<void> {
  const connection = { brokers: [stack.description.addresses.kafka] }
  const peerHome = join(cacheFolder(process.env, homedir()), 'kafka-streams-peer')
  // Build before measuring.
  await execute(peerScript(), [], { env: { ...process.env, PEER_HOME: peerHome } })
  const contenders = [kafkaStreams, ...values['vms-per-workflow'].split(',').map(windrow)]
  const status = await stack.status()
  const servers = new Map(SERVERS.map((name) => [name, status.find(({ service }) => service === name)?.pid as number]))
  for (const perWindow of numbers(values['per-window'])) {
    const set = `peer_${randomBytes(4).toString('hex')}`
    const workload = await produceWorkload(connection, set, { points, vms, perWindow }, Date.now())
    console.log(
      `\n${workload.points} points of ${vms} VMs, ${perWindow} per VM window: ${workload.expected.size} VM windows`,
    )
    const measured: Measured[] = []
    for (let run = 0; run < runs; run++) {
      for (const contender of contenders) {
        signal.throwIfAborted()
        const id = `p${randomBytes(6).toString('hex')}`
        const profileFolder = values['cpu-prof'] ?? null
        const options = {
          id,
          workload,
          resultsTopic: `${id}-results`,
          stack: stack.description,
          peerHome,
          profileFolder,
        }
        const one = await measure(contender, { ...options, connection, servers })
        measured.push(one)
        console.log(JSON.stringify(one))
      }
    }
    console.log(comparison(measured, kafkaStreams.name))
  }
}

/** Throws if tools of the comparator are missing; the stack checks its own tools. */
async function requireTools(): Promise<void> {
  const needs = [
    { program: 'javac', args: ['-version'], debianPackage: 'openjdk-17-jdk-headless' },
    { program: 'mvn', args: ['-version'], debianPackage: 'maven' },
  ]
  const missing: string[] = []
  for (const { program, args, debianPackage } of needs) {
    await execute(program, args).catch(() => missing.push(`${program} (apt-get install ${debianPackage})`))
  }
  if (missing.length > 0) {
    throw new WindrowError(`the comparator needs programs that do not run here: ${missing.join(', ')}`, {
      code: 'STACK_TOOLS_MISSING',
      remedy: 'Install these programs, then run the command again.',
    })
  }
}

async function main(signal: AbortSignal): Promise<void> {
  await requireTools()
  const given = values['data-dir']
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'windrow-peer-stack-')))
  // PostgreSQL runs as another user if we are root.
  if (given === undefined) await chmod(dataDir, 0o755)
  let stack: Stack | null = null
  try {
    stack = await startStack({
      dataDir,
      ...(given === undefined ? { portBase: Number(values['port-base']) } : {}),
      signal,
    })
    await compare(stack, signal)
  } finally {
    if (given === undefined) {
      await stack?.down({ purge: true })
      await rm(dataDir, { recursive: true, force: true })
    }
  }
}

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stopping.abort(new Error('stopped')))
try {
  await main(stopping.signal)
} catch (error) {
  console.error(error instanceof WindrowError ? `${error.code}: ${error.message}\n${error.remedy}` : messageOf(error))
  process.exitCode = 1
}
