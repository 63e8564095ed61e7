/**
 * One run of the fault harness, from an empty stack to a verdict:
 *
 *   plan.ts      what is struck where, from the seed        kinds.ts, faults/  what can happen
 *   workload.ts  what is sent, from the same seed           feeder.ts          sends it, window by window
 *   processors.ts, strike-at.cjs  who is struck, and how    watch.ts, dump.ts  waiting, and what a stuck run shows
 *   expected.ts, published.ts, oracle.ts  the verdict       figures.ts         what is kept of a run
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
import { textOf } from './points.ts'
import { Processors, type LogLine } from './processors.ts'
import { readDeadLetters, readResults } from './published.ts'
import { readTopic } from './read-topic.ts'
import { Sidecars } from './sidecars.ts'
import type { FaultKind, Site } from './site.ts'
import { proxyBeforeStore } from './store-proxy.ts'
import { Watch } from './watch.ts'
import { GRACE_MS, Workload } from './workload.ts'

export interface RunOptions {
  readonly seed: number
  readonly state: StateStoreKind
  /** Faults go on for so long, and until there was one of each kind. */
  readonly minutes: number
  /** Windows at least: of 200 VMs with 20 points each. @default 25, which is 100,000 points */
  readonly windows?: number
  readonly kinds?: readonly FaultKind[]
  /** Of a negative control, the fault that the processors' ports have. */
  readonly control?: string
  readonly say: (text: string) => void
}

export interface Outcome {
  readonly verdict: Verdict
  readonly figures: Omit<Figures, 'command'>
}

const PARTITIONS = 4
/** One for each slot, as in a cluster. */
const DAPRDS = 3
const CHECKPOINT_EVERY = 700
/** Sent at once, so that a fault finds its point; after them the fleet takes its time. */
const WINDOWS_AT_ONCE = 2
const WINDOW_EVERY_MS = 5_000
/** A fault that has not found its point in so many is one of the harness. */
const MAX_WINDOWS_A_FAULT = 60

export async function runFaults(options: RunOptions): Promise<Outcome> {
  const { state, say } = options
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
    say(
      `the stack is up, ${disk === null ? 'and only root could limit the disk of its store' : 'its store on a small disk'}`,
    )
    return await runOn({ stack, disk, storeProxy }, options, join(dataDir, 'logs'))
  } finally {
    // Also what came up before something failed to.
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
  { stack, disk, storeProxy }: Pick<Site, 'stack' | 'disk' | 'storeProxy'>,
  options: RunOptions,
  folder: string,
): Promise<Outcome> {
  const { seed, say } = options
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
      watch.heard(slot, line)
    },
    onDeath: (slot, { code, signal, stderr }) => {
      say(`processor ${slot} ended by itself (${code ?? signal}): ${lastWords(stderr)}`)
      processors.start(slot)
    },
  })
  const sidecars = new Sidecars(stack, say)
  const where = { stack, job, topic, partitions: PARTITIONS, watch, owners, proxies, storeProxy, disk }
  const site: Site = { ...where, processors, sidecars }
  const over = new AbortController()
  const keeping = sidecars.keepRunning(over.signal).catch((error: unknown) => watch.fail(error as Error))
  try {
    for (let slot = 0; slot < slots; slot++) processors.start(slot)
    const feeder = new Feeder(site, new Workload({ seed }))
    const faults = await strikeAll(site, feeder, random, options)
    await feeder.finish()
    const summary = await finish(site, args)
    const verdict = await verdictOf(site, summary)
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
    // The points' times are made up: a deadline by the clock would say nothing of them.
    ...['--deadline', '36500d', '--checkpoint-every', String(CHECKPOINT_EVERY)],
  ]
}

/** What it says of its end to people, not to machines. */
function lastWords(stderr: string): string {
  const lines = stderr.trimEnd().split('\n')
  return lines
    .filter((line) => !line.startsWith('{'))
    .slice(-3)
    .join(' ')
    .slice(0, 600)
}

/** What an operator would have to look at. */
function isHalt({ msg }: LogLine): boolean {
  return / is halted: /.test(msg)
}

/** Strikes by the plan, while windows are fed one after another; returns the blows by kind. */
async function strikeAll(
  site: Site,
  feeder: Feeder,
  random: Random,
  { minutes, windows = 25, kinds = KINDS, say }: RunOptions,
): Promise<Record<string, number>> {
  const blows: Record<string, number> = {}
  const untilMs = performance.now() + minutes * 60_000
  const isEnough = (): boolean =>
    performance.now() >= untilMs && kinds.every(({ name }) => (blows[name] ?? 0) > 0 || isImpossible(site, name))
  await feeder.feed()
  await everybodyAtWork(site)
  for (const fault of plan(random, site.processors.all.length, kinds)) {
    if (isEnough()) break
    const startedMs = performance.now()
    const { kind, point, slot } = fault
    const dealt = await strike(site, feeder, fault)
    blows[kind.name] = (blows[kind.name] ?? 0) + dealt
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    say(
      `${kind.name.padEnd(20)} at ${textOf(point).padEnd(26)} slot ${slot}  ${String(dealt).padStart(2)} in ${seconds} s`,
    )
  }
  while (feeder.windows < windows) await feeder.feed()
  return blows
}

/** A fault that strikes a slot needs somebody at work there. */
async function everybodyAtWork({ processors, owners, watch }: Site): Promise<void> {
  const isAtWork = (slot: number): boolean => [...owners.values()].includes(slot)
  await watch.until('every processor to have partitions', () =>
    processors.all.every(({ slot }) => isAtWork(slot)) ? true : undefined,
  )
}

const isImpossible = ({ disk }: Site, name: string): boolean => name === 'full-disk' && disk === null

async function strike(site: Site, feeder: Feeder, { kind, ...draw }: PlannedFault): Promise<number> {
  const state = { isOver: false }
  const struck = kind.strike(site, draw).finally(() => (state.isOver = true))
  // Awaited below; a failure meanwhile also ends the wait of the feeder.
  struck.catch((error: unknown) => site.watch.fail(error as Error))
  for (let windows = 0; !state.isOver; windows++) {
    if (windows === MAX_WINDOWS_A_FAULT) throw new Error(`${kind.name} was not through after ${windows} windows`)
    await feeder.feed()
    if (windows >= WINDOWS_AT_ONCE) await Promise.race([struck, sleep(WINDOW_EVERY_MS)])
  }
  return struck
}

/** All end in order; then one more goes on to the end of what is there, undisturbed. */
async function finish({ processors, watch }: Site, args: readonly string[]): Promise<ReturnType<typeof summaryOf>> {
  await processors.stop()
  const last = processors.start(0, undefined, [...args, '--once', '--json'])
  last.isDoomed = true
  await watch.until('a last processor to come to the end', () => (last.hasEnded ? true : undefined))
  const ended = await last.running.ended
  if (ended.code !== 0) throw new Error(`the last processor ended with ${ended.code}: ${ended.stderr.slice(-3000)}`)
  return summaryOf(ended)
}

async function verdictOf({ stack, job, topic }: Site, summary: ReturnType<typeof summaryOf>): Promise<Verdict> {
  const broker = stack.description.addresses.kafka
  const expected = expectedOf(await readTopic(broker, topic))
  const [results, deadLetters] = await Promise.all([readResults(broker, job), readDeadLetters(broker, job)])
  return judge(expected, { results, deadLetters, counts: { ...summary.points, manifests: summary.manifests } })
}
