/** Runs `windrow run` as a process and reads its log lines about the partitions that it owns. */
import { spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { StackDescription } from '../../src/dev/stack/index.ts'
import { GRACE_MS, WINDOW_MS, type DayTopic } from './day.ts'

export interface ProcessorLine {
  readonly msg: string
  /** ISO 8601. */
  readonly time: string
  readonly partition?: number
  readonly position?: number
  readonly results?: number
}

export interface TakeoverProcessor {
  readonly child: ChildProcess
  /** Takeovers and publications, in order. */
  readonly lines: ProcessorLine[]
  /** Time of its last takeover of the partition; 0 if there was none. */
  tookOverAtMs(partition: number): number
  /** Offset after the last record that it has folded. */
  positionOf(partition: number): number
}

/** Resolves when it owns partitions. */
export async function startProcessor(
  stack: StackDescription,
  day: DayTopic,
  grpcPort: number,
): Promise<TakeoverProcessor> {
  const child = spawn(
    process.execPath,
    [
      ...[resolve('dist/cli/main.js'), 'run', '--source', 'kafka', '--brokers', stack.addresses.kafka],
      ...['--topic', day.topic, '--job', day.job, '--window', `${WINDOW_MS}ms`, '--grace', `${GRACE_MS}ms`],
      ...['--deadline', '36500d', '--sidecar', 'dapr', '--dapr-grpc-port', String(grpcPort), '--log-level', 'trace'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const lines: ProcessorLine[] = []
  const positions = new Map<number, number>()
  await new Promise<void>((owns, fail) => {
    child.once('exit', (code) => fail(new Error(`a processor ended with ${code}`)))
    createInterface({ input: child.stderr }).on('line', (text) => {
      if (!text.startsWith('{') || !text.endsWith('}')) return
      const line = JSON.parse(text) as ProcessorLine
      const { msg, partition = -1, position = 0 } = line
      if (msg === 'folded') positions.set(partition, position)
      if (msg !== 'taken-over' && msg !== 'published') return
      lines.push(line)
      if (msg === 'taken-over') owns()
    })
  })
  return {
    child,
    lines,
    tookOverAtMs: (partition) =>
      Math.max(0, ...lines.filter((line) => isTakeover(line, partition)).map(({ time }) => Date.parse(time))),
    positionOf: (partition) => positions.get(partition) ?? 0,
  }
}

function isTakeover({ msg, partition }: ProcessorLine, of: number): boolean {
  return msg === 'taken-over' && partition === of
}
