/** Measures one run: a processor on a topic, from the start of its process until a reader sees its last result. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMissingTopics } from '../../src/adapters/kafka/topic.ts'
import type { KafkaConnection } from '../../src/adapters/kafka/client.ts'
import type { Contender, Run } from './contenders.ts'
import { cpuSecondsByName, cpuSecondsOf } from './cpu.ts'
import { followResults } from './follow-results.ts'
import { checkResults, PARTITIONS } from './workload.ts'

export interface Measured {
  readonly contender: string
  readonly perWindow: number
  readonly points: number
  readonly vmWindows: number
  /** From the start of the process. */
  readonly seconds: number
  /** From the first record that was read: excludes the start of the runtime and joining the group. */
  readonly secondsFromFirstRecord: number
  /** CPU seconds of the processor's process, including its start. */
  readonly cpuSeconds: number
  /** CPU seconds of the servers during the run, by name. */
  readonly serverCpuSeconds: { readonly [part: string]: number }
  /** Load average of the minute before the run: other work on the machine. */
  readonly loadBefore: number
}

export interface MeasureOptions extends Omit<Run, 'folder'> {
  readonly connection: KafkaConnection
  /** Process ids of the servers that work for the processors. */
  readonly servers: ReadonlyMap<string, number>
}

export async function measure(contender: Contender, options: MeasureOptions): Promise<Measured> {
  const { connection, workload, resultsTopic, servers } = options
  await createMissingTopics(connection, [{ topic: resultsTopic, partitions: PARTITIONS }])
  const folder = await mkdtemp(join(tmpdir(), 'windrow-peer-'))
  const reader = await followResults(connection, resultsTopic, workload.expected.size)
  const loadBefore = loadavg()[0] as number
  const before = await cpuSecondsByName(servers)
  const startedAtMs = Date.now()
  const running = contender.start({ ...options, folder })
  const exited = once(running.process, 'exit') as Promise<[code: number | null]>
  try {
    const ended = exited.then(([code]) => Promise.reject(new Error(`${contender.name} ended with ${code}`)))
    ended.catch(() => undefined)
    const { atMs, results } = await Promise.race([reader.allCame, ended])
    const cpuSeconds = await cpuSecondsOf(running.process.pid as number)
    const after = await cpuSecondsByName(servers)
    const firstRecordAtMs = await Promise.race([running.firstRecordAtMs, ended])
    checkResults(workload, results.map(contender.read))
    const { perWindow, points, expected } = workload
    return {
      contender: contender.name,
      perWindow,
      points,
      vmWindows: expected.size,
      seconds: rounded((atMs - startedAtMs) / 1000),
      secondsFromFirstRecord: rounded((atMs - firstRecordAtMs) / 1000),
      cpuSeconds: rounded(cpuSeconds),
      serverCpuSeconds: Object.fromEntries(
        [...after].map(([part, seconds]) => [part, rounded(seconds - (before.get(part) ?? 0))]),
      ),
      loadBefore: rounded(loadBefore),
    }
  } finally {
    running.end()
    await exited
    await reader.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100
