/**
 * One run of the fault harness, from an empty stack to a verdict:
 *
 *   environment.ts               what a fault kind can reach     options.ts          options of the command line
 *   plan.ts, injection-points.ts the fault plan, from the seed   kinds.ts, faults/   the kinds of faults
 *   armed-fault.ts, inject-at.cjs  a signal at a point           processors.ts       starts and restarts processors
 *   workload.ts, lateness.ts     the records, from the seed      feeder.ts           sends them, window by window
 *   sidecars.ts, store-proxy.ts, limited-disk.ts, group.ts       sidecars, store and consumer group of the stack
 *   watch.ts, dump.ts            waiting, diagnosis of a stall   ledgers.ts          reads ledgers past Windrow's client
 *   expected.ts, oracle.ts       the verdict                     published.ts, read-topic.ts  read what was published
 *   exact-case.ts                test data for the oracle
 *   controls.ts, controls/       negative controls               figures.ts, findings.ts      figures of runs
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStack, startStack, type Stack } from '../../src/dev/stack/index.ts'
import { busyPorts, daprdPorts, stackPorts } from '../../src/dev/stack/ports.ts'
import type { StateStoreKind } from '../../src/dev/stack/description.ts'
import { startTcpProxy, type TcpProxy } from '../adapters/dapr/support/tcp-proxy.ts'
import { Random } from '../support/random.ts'
import { summaryOf } from '../support/windrow-process.ts'
import { dump } from './dump.ts'
import { expectedOf } from './expected.ts'
import { Feeder } from './feeder.ts'
import type { Figures } from './figures.ts'
import { withAdmin } from './group.ts'
import { KINDS } from './kinds.ts'
import { limitDiskOfStore, type LimitedDisk } from './limited-disk.ts'
import { judge, type Verdict } from './oracle.ts'
import { plan, type PlannedFault } from './plan.ts'
import { textOf } from './injection-points.ts'
import { Processors, type LogLine } from './processors.ts'
import { readDeadLetters, readResults } from './published.ts'
import { readTopic } from './read-topic.ts'
import { Sidecars } from './sidecars.ts'
import type { FaultKind, FaultEnvironment } from './environment.ts'
import { proxyBeforeStore } from './store-proxy.ts'
import { Watch } from './watch.ts'
import { GRACE_MS, Workload } from './workload.ts'

export interface RunOptions {
  readonly seed: number
  readonly state: StateStoreKind
  /** Faults are injected for this long, and until each kind was injected once. */
  readonly minutes: number
  /** Minimum number of windows; 200 VMs send 20 points each per window. @default 25, which is 100,000 points */
  readonly windows?: number
  readonly kinds?: readonly FaultKind[]
  /** Name of a negative control: the fault that the processors' ports have. */
  readonly control?: string
  readonly log: (text: string) => void
}

export interface Outcome {
  readonly verdict: Verdict
  readonly figures: Omit<Figures, 'command'>
}

const PARTITIONS = 4
/** One sidecar per slot, as in a cluster. */
const DAPRDS = 3
const CHECKPOINT_EVERY = 700
/** Windows sent without a pause, so that a fault reaches its point quickly; later windows follow at a fixed rate. */
const WINDOWS_AT_ONCE = 2
const WINDOW_EVERY_MS = 5_000
/** A fault that needs more windows to reach its point is an error of the harness. */
const MAX_WINDOWS_PER_FAULT = 60

export async function runFaults(options: RunOptions): Promise<Outcome> {
  const { state, log } = options
  const dataDir = await mkdtemp(join(tmpdir(), 'windrow-faults-'))
  // PostgreSQL runs as another user when the tests run as root.
  await chmod(dataDir, 0o755)
  let disk: LimitedDisk | null = null
  let storeProxy: TcpProxy | null = null
  try {
    const direct = await startStack({ dataDir, portBase: await freePortBase(), state, daprds: DAPRDS })
    disk = await limitDiskOfStore(direct)
    const { stack, proxy } = await proxyBeforeStore(direct)
    storeProxy = proxy
    log(
      `the stack is up, its store ${disk === null ? 'without a limited disk, which requires root' : 'on a small disk'}`,
    )
    return await runOn({ stack, disk, storeProxy }, options, join(dataDir, 'logs'))
  } finally {
    // Also stops services that were started before another one failed to start.
    await (await openStack(dataDir)).down()
    await storeProxy?.close()
    await disk?.unmount()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function freePortBase(): Promise<number> {
  for (let base = 20_000; ; base += 100) {
    const ports = [stackPorts(base), ...Array.from({ length: DAPRDS }, (_, index) => daprdPorts(base, index))]
    if ((await busyPorts(ports.flatMap((some) => Object.values(some) as number[]))).length === 0) return base
  }
}

async function runOn(
  { stack, disk, storeProxy }: Pick<FaultEnvironment, 'stack' | 'disk' | 'storeProxy'>,
  options: RunOptions,
  folder: string,
): Promise<Outcome> {
  const { seed, log } = options
  const startedMs = performance.now()
  const random = new Random(seed)
  const slots = random.pick([2, 2, 3])
  const job = `faults_${seed}`
  const topic = `${job}-in`
  await withAdmin({ stack }, (admin) =>
    admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: PARTITIONS }] }),
  )
  const proxies = await Promise.all(
    Array.from({ length: slots }, async (_, slot) => {
      const proxy = await startTcpProxy()
      proxy.target(stack.description.daprds[slot % DAPRDS]?.ports.grpc ?? null)
      return proxy
    }),
  )
  const owners = new Map<number, number>()
  const watch = new Watch(() => dump({ stack, job, topic, partitions: PARTITIONS, processors }))
  const args = argumentsOf(stack, job, topic)
  const processors = new Processors({
    args,
    portOf: (slot) => proxies[slot]?.port ?? 0,
    folder,
    control: options.control,
    onLine: (slot, line) => {
      if (line.msg === 'taken-over') owners.set(line['partition'] as number, slot)
      if (isHalt(line)) {
        watch
          .failShowing(`processor ${slot}: ${line.msg}`)
          .catch((error: unknown) => watch.fail(new Error(`processor ${slot}: ${line.msg}`, { cause: error })))
      }
      watch.observe(slot, line)
    },
    onDeath: (slot, { code, signal, stderr }) => {
      log(`processor ${slot} exited unexpectedly (${code ?? signal}): ${lastMessages(stderr)}`)
      processors.start(slot)
    },
  })
  const sidecars = new Sidecars(stack, log)
  const where = { stack, job, topic, partitions: PARTITIONS, watch, owners, proxies, storeProxy, disk }
  const env: FaultEnvironment = { ...where, processors, sidecars }
  const over = new AbortController()
  const keeping = sidecars.keepRunning(over.signal).catch((error: unknown) => watch.fail(error as Error))
  try {
    for (let slot = 0; slot < slots; slot++) processors.start(slot)
    const feeder = new Feeder(env, new Workload({ seed }))
    const faults = await injectAll(env, feeder, random, options)
    await feeder.finish()
    const summary = await finish(env, args)
    const verdict = await verdictOf(env, summary)
    const figures = {
      ...{ seed, state: options.state, processors: slots, faults },
      ...{ deaths: processors.deaths.length, sidecarDeaths: sidecars.deaths.length },
      ...{ seconds: Math.round((performance.now() - startedMs) / 1000), records: summary.points.consumed },
      vmWindows: summary.vmWindows,
      ...{ lost: verdict.lost.length, doubled: verdict.doubled.length, wrong: verdict.wrong.length },
    }
    return { verdict, figures }
  } finally {
    over.abort()
    await keeping
    await processors.kill()
    for (const proxy of proxies) await proxy.close()
  }
}

function argumentsOf(stack: Stack, job: string, topic: string): string[] {
  return [
    ...['run', '--source', 'kafka', '--brokers', stack.description.addresses.kafka, '--topic', topic, '--job', job],
    ...['--window', '1h', '--grace', `${GRACE_MS}ms`, '--sidecar', 'dapr', '--log-level', 'debug'],
    // The event times are synthetic, so a wall-clock deadline must not close a window.
    ...['--deadline', '36500d', '--checkpoint-every', String(CHECKPOINT_EVERY)],
  ]
}

/** The last messages for people on standard error: lines that are not JSON log lines. */
function lastMessages(stderr: string): string {
  const lines = stderr.trimEnd().split('\n')
  return lines
    .filter((line) => !line.startsWith('{'))
    .slice(-3)
    .join(' ')
    .slice(0, 600)
}

/** Whether the line reports a halted partition. */
function isHalt({ msg }: LogLine): boolean {
  return / is halted: /.test(msg)
}

/** Injects faults by the plan while windows are sent one after another; returns the number of injected faults by kind. */
async function injectAll(
  env: FaultEnvironment,
  feeder: Feeder,
  random: Random,
  { minutes, windows = 25, kinds = KINDS, log }: RunOptions,
): Promise<Record<string, number>> {
  const injected: Record<string, number> = {}
  const untilMs = performance.now() + minutes * 60_000
  const isEnough = (): boolean =>
    performance.now() >= untilMs && kinds.every(({ name }) => (injected[name] ?? 0) > 0 || isImpossible(env, name))
  await feeder.feed()
  await allAtWork(env)
  for (const fault of plan(random, env.processors.all.length, kinds)) {
    if (isEnough()) break
    const startedMs = performance.now()
    const { kind, point, slot } = fault
    const count = await injectOne(env, feeder, fault)
    injected[kind.name] = (injected[kind.name] ?? 0) + count
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    log(
      `${kind.name.padEnd(20)} at ${textOf(point).padEnd(26)} slot ${slot}  ${String(count).padStart(2)} in ${seconds} s`,
    )
  }
  while (feeder.windows < windows) await feeder.feed()
  return injected
}

/** Waits until every slot owns a partition: a fault injected into a processor needs one that works. */
async function allAtWork({ processors, owners, watch }: FaultEnvironment): Promise<void> {
  const isAtWork = (slot: number): boolean => [...owners.values()].includes(slot)
  await watch.until('every processor to have partitions', () =>
    processors.all.every(({ slot }) => isAtWork(slot)) ? true : undefined,
  )
}

const isImpossible = ({ disk }: FaultEnvironment, name: string): boolean => name === 'full-disk' && disk === null

async function injectOne(env: FaultEnvironment, feeder: Feeder, { kind, ...injection }: PlannedFault): Promise<number> {
  const state = { isOver: false }
  const injecting = kind.inject(env, injection).finally(() => (state.isOver = true))
  // Awaited below; a failure meanwhile also ends the wait of the feeder.
  injecting.catch((error: unknown) => env.watch.fail(error as Error))
  for (let windows = 0; !state.isOver; windows++) {
    if (windows === MAX_WINDOWS_PER_FAULT) throw new Error(`${kind.name} was not finished after ${windows} windows`)
    await feeder.feed()
    if (windows >= WINDOWS_AT_ONCE) await Promise.race([injecting, sleep(WINDOW_EVERY_MS)])
  }
  return injecting
}

/** Shuts down all processors, then runs one more to the end of the topic without faults. */
async function finish(
  { processors, watch }: FaultEnvironment,
  args: readonly string[],
): Promise<ReturnType<typeof summaryOf>> {
  await processors.stop()
  const last = processors.start(0, undefined, [...args, '--once', '--json'])
  last.isEndExpected = true
  await watch.until('the last processor to reach the end of the topic', () => (last.hasEnded ? true : undefined))
  const ended = await last.running.ended
  if (ended.code !== 0) throw new Error(`the last processor ended with ${ended.code}: ${ended.stderr.slice(-3000)}`)
  return summaryOf(ended)
}

async function verdictOf(
  { stack, job, topic }: FaultEnvironment,
  summary: ReturnType<typeof summaryOf>,
): Promise<Verdict> {
  const broker = stack.description.addresses.kafka
  const expected = expectedOf(await readTopic(broker, topic))
  const [results, deadLetters] = await Promise.all([readResults(broker, job), readDeadLetters(broker, job)])
  return judge(expected, { results, deadLetters, counts: { ...summary.points, manifests: summary.manifests } })
}
