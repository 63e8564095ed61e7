/**
 * The whole program on the real stack: topics, runs of the built command line, and what they published as an independent reader sees it: kcat (librdkafka) and the plain avsc library, nothing of ours.
 */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import avro from 'avsc'
import kafkajs from 'kafkajs'
import { afterEach, expect, vi } from 'vitest'
import type { JobStatus } from '../../src/app/status/status.ts'
import type { Stack } from '../../src/dev/stack/index.ts'
import { ROOT } from '../support/built.ts'
import { start, windrow, type Ended, type Running } from '../support/windrow-process.ts'
import { logging, type LoggedRun, type LogLine } from './logged-run.ts'
import { sharedStack } from './stacks.ts'

export type { LoggedRun, LogLine }

/** A test that waits for longer waits for something that will not come. */
const TEST_TIMEOUT_MS = 300_000

/** Runs that a test has started and may not have seen the end of. */
const runs = new Set<Running>()

/**
 * The stack of the suite, or one of the file's own, for runs of the whole program: those that a test leaves behind end
 * with it.
 */
export function stackForTests(stack = sharedStack()): () => Stack {
  vi.setConfig({ testTimeout: TEST_TIMEOUT_MS })
  afterEach(async () => {
    for (const { child, ended } of runs) {
      child.kill('SIGKILL')
      await ended
    }
  })
  return stack
}

/** A job or topic name that no other test uses. */
export const fresh = (what: string): string => `${what}_${randomBytes(3).toString('hex')}`

export const brokersOf = (stack: Stack): string => stack.description.addresses.kafka

export async function withAdmin<T>(stack: Stack, use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka({ brokers: [brokersOf(stack)], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export async function createTopic(
  stack: Stack,
  topic: string,
  partitions: number,
  config: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  await withAdmin(stack, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: partitions, configEntries }] }),
  )
}

/** Writes `key TAB value` lines with kcat, each to the partition of its key. */
export async function produceKeyed(
  stack: Stack,
  topic: string,
  keyed: readonly string[],
  args: readonly string[] = [],
): Promise<void> {
  // A broker that is away for a while is waited for (-E); what could not be delivered still ends it with an error.
  const options = ['-P', '-E', '-b', brokersOf(stack), '-t', topic, '-K', '\t', '-X', 'acks=all']
  const child = spawn('kcat', [...options, ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // One that ends early leaves its input unread; why it did is in its exit code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(keyed.map((line) => `${line}\n`).join(''))
  if ((await code) !== 0) throw new Error(`kcat ended with ${await code}: ${stderr}`)
}

/** Writes input lines, keyed by their VM, one after another in the order given. */
export async function produce(
  stack: Stack,
  topic: string,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<void> {
  const keyed = lines.map((line) => `${vmIdOf(line)}\t${line}`)
  await produceKeyed(stack, topic, keyed, ['-X', 'enable.idempotence=true', ...args])
}

interface Line {
  readonly vmId: string
  readonly timestamp: number
  readonly seq: number
  readonly value: number
  readonly manifest?: { readonly vmId: string }
}

function vmIdOf(line: string): string {
  const { manifest, vmId } = JSON.parse(line) as Line
  return manifest?.vmId ?? vmId
}

/** Format of kcat, for `splitValues`: the length of the value as 32 bits, big end first; the value. */
export const LENGTH_AND_VALUE = '%R%s'

export function splitValues(printed: Buffer): Buffer[] {
  const values: Buffer[] = []
  for (let at = 0; at < printed.length;) {
    const length = printed.readInt32BE(at)
    values.push(printed.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return values
}

/** The values of all records that a `read_committed` reader gets; none of a topic that is not there. */
export async function committedValues(stack: Stack, topic: string): Promise<Buffer[]> {
  const { topics } = await withAdmin(stack, (admin) => admin.fetchTopicMetadata())
  if (!topics.some((one) => one.name === topic)) return []
  const args = ['-C', '-b', brokersOf(stack), '-t', topic, '-o', 'beginning', '-e', '-q']
  const { stdout } = await promisify(execFile)(
    'kcat',
    [...args, '-X', 'isolation.level=read_committed', '-f', LENGTH_AND_VALUE],
    {
      encoding: 'buffer',
      maxBuffer: 1024 ** 3,
    },
  )
  return splitValues(stdout)
}

const SINGLE_OBJECT_HEADER_BYTES = 10

async function decodeAll<T>(values: readonly Buffer[], schemaFile: string): Promise<T[]> {
  const schema = JSON.parse(await readFile(join(ROOT, 'schemas', schemaFile), 'utf8')) as avro.Schema
  const type = avro.Type.forSchema(schema)
  return values.map((value) => {
    expect(value.subarray(0, 2).toString('hex')).toBe('c301')
    return type.fromBuffer(value.subarray(SINGLE_OBJECT_HEADER_BYTES)) as T
  })
}

export interface Result {
  readonly vmId: string
  readonly windowStart: number
  readonly revision: number
  readonly reason: string
  readonly expected: number | null
  readonly received: number
  readonly duplicates: number
  readonly conflicts: number | null
  readonly missingCount: number
  readonly metrics: Readonly<Record<string, { count: number; sum: number; min: number; max: number }>>
  /** JSON text. */
  readonly state: string | null
}

export async function resultsOf(stack: Stack, job: string): Promise<Result[]> {
  return decodeResults(await committedValues(stack, `${job}-results`))
}

export function decodeResults(values: readonly Buffer[]): Promise<Result[]> {
  return decodeAll(values, 'vm-window-result.avsc')
}

const LOOK_EVERY_MS = 500

/**
 * Resolves when the results that are published are enough; throws when one of the runs ends before that. What the runs log would
 * not do: an owner that loses its partition in the middle of a commit leaves it to its successor, and neither of them may have
 * anything to say of it.
 */
export async function untilPublished(
  stack: Stack,
  job: string,
  runs: readonly LoggedRun[],
  isEnough: (results: readonly Result[]) => boolean,
): Promise<void> {
  const ended = Promise.race(runs.map(async (one) => (await one.ended).stderr.slice(-2000)))
  while (!isEnough(await resultsOf(stack, job))) {
    const early = await Promise.race([ended, sleep(LOOK_EVERY_MS)])
    if (early !== undefined) throw new Error(`a run ended first: ${early}`)
  }
}

export interface DeadLetter {
  readonly reason: string
  readonly detail: string
  readonly record: {
    readonly partition: number
    readonly offset: number
    readonly place: Readonly<Record<string, { readonly topic: string; readonly partition: number }>>
    readonly size: number
    readonly digest: string
    readonly bytes: Buffer
  } | null
}

export async function deadLettersOf(stack: Stack, job: string): Promise<DeadLetter[]> {
  return decodeAll(await committedValues(stack, `${job}-dead-letters`), 'dead-letter.avsc')
}

/** Everything of a job that readers can see, to be compared before and after. */
export async function publishedBy(stack: Stack, job: string): Promise<string[][]> {
  const topics = [`${job}-results`, `${job}-dead-letters`, `${job}-published`]
  const values = await Promise.all(topics.map((topic) => committedValues(stack, topic)))
  return values.map((one) => one.map((value) => value.toString('base64')).sort())
}

export interface Exact {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** The exact answer for lines whose values are whole numbers, so that their sums are too; copies count once. */
export function exactOf(lines: readonly string[], windowMs: number): Map<string, Exact> {
  const seen = new Set<string>()
  const windows = new Map<string, Exact>()
  for (const line of lines) {
    const { manifest, vmId, timestamp, seq, value } = JSON.parse(line) as Line
    if (manifest !== undefined || seen.has(`${vmId}#${seq}`)) continue
    seen.add(`${vmId}#${seq}`)
    const key = `${vmId}@${Math.floor(timestamp / windowMs) * windowMs}`
    const { count, sum, min, max } = windows.get(key) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity }
    windows.set(key, { count: count + 1, sum: sum + value, min: Math.min(min, value), max: Math.max(max, value) })
  }
  return windows
}

/** Each VM window is there in one revision, once, complete, and with the exact answer. */
export function expectExact(results: readonly Result[], exact: ReadonlyMap<string, Exact>): void {
  const found = new Map(results.map((result) => [`${result.vmId}@${result.windowStart}`, result]))
  const wrong: unknown[] = []
  for (const [key, { count, sum, min, max }] of exact) {
    const result = found.get(key)
    const cpu = result?.metrics['cpu']
    const isExact =
      result?.revision === 1 &&
      result.reason === 'complete' &&
      result.received === count &&
      result.expected === count &&
      result.missingCount === 0 &&
      cpu?.count === count &&
      cpu.sum === sum &&
      cpu.min === min &&
      cpu.max === max
    if (!isExact) wrong.push({ key, expected: { count, sum, min, max }, result })
  }
  expect(wrong.slice(0, 5)).toEqual([])
  expect({ results: results.length, windows: found.size }).toEqual({ results: exact.size, windows: exact.size })
}

export interface RunOptions {
  readonly job: string
  readonly topic: string
  /** Index of the sidecar. @default 0 */
  readonly daprd?: number
  /** @default 1h */
  readonly window?: string
  /** @default true */
  readonly once?: boolean
  readonly args?: readonly string[]
}

/** Starts another command of the program, which ends with the test if not before. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): LoggedRun {
  const running = start(args, env)
  runs.add(running)
  void running.ended.finally(() => runs.delete(running))
  return logging(running)
}

/** Starts `windrow run` on the stack's topic and one of its sidecars. */
export function startRun(stack: Stack, options: RunOptions): LoggedRun {
  const { job, topic, daprd = 0, window = '1h', once = true, args = [] } = options
  const sidecar = stack.description.daprds.find(({ index }) => index === daprd)
  if (sidecar === undefined) throw new Error(`the stack has no daprd ${daprd}`)
  return startCommand(
    [
      ...['run', '--source', 'kafka', '--brokers', brokersOf(stack), '--topic', topic, '--job', job],
      ...[
        '--window',
        window,
        '--sidecar',
        'dapr',
        '--json',
        '--log-level',
        'debug',
        ...(once ? ['--once'] : []),
        ...args,
      ],
    ],
    { DAPR_GRPC_PORT: String(sidecar.ports.grpc) },
  )
}

/** Throws with what was said unless the run ended well. */
export async function endedWell(running: LoggedRun): Promise<Ended> {
  const ended = await running.ended
  if (ended.code === 0) return ended
  throw new Error(`the run ended with ${ended.code ?? ended.signal}: ${ended.stderr.slice(-6000)}`)
}

/** Runs to the end of what is there. */
export async function run(stack: Stack, options: RunOptions): Promise<Ended> {
  return endedWell(startRun(stack, options))
}

/** A `windrow status` of a job on the stack. */
export function statusArgs(stack: Stack, job: string): { readonly args: string[]; readonly env: NodeJS.ProcessEnv } {
  return {
    args: ['status', '--sidecar', 'dapr', '--job', job, '--brokers', brokersOf(stack)],
    env: { DAPR_GRPC_PORT: String(stack.description.daprds[0]?.ports.grpc) },
  }
}

export async function statusOf(stack: Stack, job: string): Promise<JobStatus> {
  const { args, env } = statusArgs(stack, job)
  return JSON.parse((await windrow([...args, '--json'], env)).stdout) as JobStatus
}

export const isCommitted = ({ msg }: LogLine): boolean => msg === 'committed'
