/** The two contenders: how to start each on a topic, and how to decode its results. */
import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { loadSchemas } from '../../src/adapters/avro/schemas.ts'
import type { StackDescription } from '../../src/dev/stack/index.ts'
import type { StoredResult } from './follow-results.ts'
import { GRACE_MS, type VmWindowFold, type Workload } from './workload.ts'

export interface Run {
  /** `[a-z0-9_]{1,20}`, never used before. */
  readonly id: string
  readonly workload: Workload
  readonly resultsTopic: string
  readonly stack: StackDescription
  /** An empty folder for this run. */
  readonly folder: string
  readonly peerHome: string
  /** Folder for a CPU profile of Windrow's process. */
  readonly profileFolder: string | null
}

export interface Contender {
  readonly name: string
  readonly start: (run: Run) => Running
  readonly read: (result: StoredResult) => { readonly key: string; readonly fold: VmWindowFold }
}

export interface Running {
  readonly process: ChildProcess
  /** When it read its first record according to its output; in ms since 1970. */
  readonly firstRecordAtMs: Promise<number>
  readonly end: () => void
}

const AVRO_HEADER_BYTES = 10
/** Disables wall-clock deadlines in this comparison. */
const NEVER = '365d'

/** `vmsPerWorkflow`: a number, or `auto`. */
export function windrow(vmsPerWorkflow: string): Contender {
  const type = loadSchemas().find(({ name, current }) => name === 'vm-window-result' && current)?.type
  return {
    name: vmsPerWorkflow === 'auto' ? 'windrow' : `windrow, ${vmsPerWorkflow} VMs per workflow`,
    start({ id, workload, resultsTopic, stack, folder, profileFolder }) {
      const sidecar = stack.daprds[0]
      if (sidecar === undefined) throw new Error('the stack has no sidecar')
      const profile = profileFolder === null ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]
      const child = spawn(
        process.execPath,
        [
          ...[...profile, resolve('dist/cli/main.js'), 'run', '--source', 'kafka', '--json'],
          ...['--brokers', stack.addresses.kafka, '--topic', workload.topic, '--results', `kafka:${resultsTopic}`],
          ...['--window', `${workload.windowMs}ms`, '--grace', `${GRACE_MS}ms`, '--deadline', NEVER],
          ...['--sidecar', 'dapr', '--dapr-grpc-port', String(sidecar.ports.grpc), '--data-dir', folder],
          ...['--job', id, '--vms-per-workflow', vmsPerWorkflow, '--log-level', 'info'],
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      )
      let isEnding = false
      // The first takeover happens milliseconds before the first record is read.
      const firstRecordAtMs = firstLine(child.stderr, (line) => {
        const event = line.startsWith('{') ? (JSON.parse(line) as { msg: string; time: string }) : null
        if (event === null && !isEnding) process.stderr.write(`windrow: ${line}\n`)
        return event?.msg === 'taken-over' ? Date.parse(event.time) : null
      })
      const end = (): void => {
        isEnding = true
        child.kill('SIGTERM')
      }
      return { process: child, firstRecordAtMs, end }
    },
    read({ value }) {
      const { vmId, windowStart, metrics } = type?.fromBuffer(value.subarray(AVRO_HEADER_BYTES)) as {
        readonly vmId: string
        readonly windowStart: number
        readonly metrics: { readonly [metric: string]: VmWindowFold }
      }
      return { key: `${vmId}@${windowStart}`, fold: metrics['cpu'] as VmWindowFold }
    },
  }
}

export const kafkaStreams: Contender = {
  name: 'kafka-streams',
  start({ workload, resultsTopic, stack, folder, peerHome }) {
    const { points, markers, topic, windowMs } = workload
    const child = spawn(
      peerScript(),
      [
        ...[String(points + markers), topic, resultsTopic, String(windowMs), 'exactly_once_v2'],
        ...[String(availableParallelism()), String(AVRO_HEADER_BYTES), stack.addresses.kafka],
      ],
      // Its stores are in the folder for temporary files.
      { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, PEER_HOME: peerHome, TMPDIR: folder } },
    )
    // It reports this at the end: when it folded the last point, and how long before that the first one.
    const firstRecordAtMs = firstLine(child.stdout, (line) => {
      const { seconds } = JSON.parse(line) as { readonly seconds: number }
      return Date.now() - seconds * 1000
    })
    return { process: child, firstRecordAtMs, end: () => void child.stdin.end() }
  },
  read({ key, value }) {
    return {
      key,
      fold: {
        count: Number(value.readBigInt64BE(0)),
        sum: value.readDoubleBE(8),
        min: value.readDoubleBE(16),
        max: value.readDoubleBE(24),
      },
    }
  },
}

export function peerScript(): string {
  return resolve(join('bench', 'peer', 'kafka-streams', 'run.sh'))
}

/** The first value that `read` returns for a line. Reads all further lines too, so that the pipe does not fill up. */
function firstLine(stream: NodeJS.ReadableStream, read: (line: string) => number | null): Promise<number> {
  return new Promise((resolve) => {
    createInterface({ input: stream }).on('line', (line) => {
      const found = read(line)
      if (found !== null) resolve(found)
    })
  })
}
