/**
 * One load test from end to end: a Kafka broker, a gateway in its own process, k6 sending to it, then a job over the whole
 * topic on the embedded sidecar, and the final check. The job runs after k6, so that nothing else affects the gateway's
 * figures.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Fleet } from '../k6/fleet.ts'
import { progressOf, readAttempts, withCutOff, type Progress } from './attempts.ts'
import { watchCpu, type CpuUsage } from './cpu.ts'
import { figuresOf, type Figures } from './figures.ts'
import { fleetOf, judge, promiseAcknowledged, WINDOW } from './judge.ts'
import { INTERRUPTED, runK6, THRESHOLDS_FAILED } from './k6.ts'
import { startGateway, type GatewayProcess } from './processes.ts'
import type { Verdict } from './verify.ts'

export interface ScenarioOptions {
  readonly scenario: string
  readonly k6: string
  readonly brokers: string
  /** Process id of Kafka, if it was started for this test. */
  readonly brokerPid?: number
  readonly gatewayPort: number
  /** Folder for all files of the test. */
  readonly folder: string
  /** Passed to the script: SECONDS, RATE, MOST, … */
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly onStep?: (doing: string) => void
  /** Runs while k6 runs; receives the gateway and a function that restarts it on the same port. */
  readonly meanwhile?: (
    gateway: GatewayProcess,
    restart: () => Promise<GatewayProcess>,
    attemptsFile: string,
  ) => Promise<void>
}

export interface Threshold {
  readonly metric: string
  readonly rule: string
  readonly ok: boolean
}

export interface Outcome {
  readonly scenario: string
  /** ISO 8601. */
  readonly at: string
  readonly machine: string
  /** Load average over the last minute before the test: other work on the machine. */
  readonly loadBefore: number
  readonly figures: Figures
  /** CPU usage while k6 ran; `null` if it is unknown. */
  readonly cpu: CpuUsage | null
  /** The thresholds, and whether they held. */
  readonly thresholds: readonly Threshold[]
  /** For scenarios that search for a limit: the thresholds that ended them. Otherwise empty. */
  readonly endedBy: readonly Threshold[]
  readonly verdict: Verdict
  /** All thresholds held, and the results are correct. */
  readonly hasPassed: boolean
  readonly exitOfGateway: number | null
}

const PARTITIONS = 8
const TOKEN = 'load-test-0123456789'

export async function runScenario(options: ScenarioOptions): Promise<Outcome> {
  const {
    scenario,
    folder,
    brokers,
    gatewayPort,
    signal = new AbortController().signal,
    onStep = () => undefined,
  } = options
  await mkdir(folder, { recursive: true })
  const at = new Date()
  const loadBefore = loadavg()[0] as number
  const run = `lt${randomBytes(3).toString('hex')}`
  const fleet = fleetOf(run, at.getTime())
  const tokensFile = join(folder, 'tokens')
  await writeFile(tokensFile, `k6 ${TOKEN}\n`)
  const file = (name: string): string => join(folder, name)
  const gatewayArgs = ['--brokers', brokers, '--topic', run, '--partitions', String(PARTITIONS)]
  gatewayArgs.push('--window', WINDOW, '--tokens-file', tokensFile, '--json')
  const start = (): Promise<GatewayProcess> => startGateway(gatewayPort, gatewayArgs, file('gateway.log'))

  onStep('starts the gateway')
  let gateway = await start()
  let exitOfGateway: number | null = null
  let attempts: Awaited<ReturnType<typeof readAttempts>>
  let users: Map<number, Progress>
  let summary: K6Summary
  let k6Pid: number | null = null
  const k6Ended = new AbortController()
  const brokerPid = options.brokerPid ?? null
  const usage = watchCpu({ k6: () => k6Pid, gateway: () => gateway.pid, Kafka: () => brokerPid }, k6Ended.signal)
  try {
    onStep(`runs k6: ${scenario}`)
    const attemptsFile = file('attempts.log')
    const running = runK6({
      ...{ program: options.k6, scenario, attemptsFile, summaryFile: file('k6.json'), logFile: file('k6.log'), signal },
      env: { ...options.env, ...k6Env(fleet, gateway.url) },
      onStart: (pid) => (k6Pid = pid),
    }).finally(() => k6Ended.abort())
    await options.meanwhile?.(gateway, async () => (gateway = await start()), attemptsFile)
    const code = await running
    if (![0, THRESHOLDS_FAILED, INTERRUPTED].includes(code ?? NaN))
      throw new Error(`k6 ended with ${code}; see ${file('k6.log')}`)
    summary = JSON.parse(await readFile(file('k6.json'), 'utf8')) as K6Summary
    attempts = await readAttempts(attemptsFile)
    users = progressOf(attempts)
    const wasStopped = code === INTERRUPTED || thresholdsIn(summary).endedBy.length > 0
    if (wasStopped) users = withCutOff(users, summary.metrics['vus_max']?.values['value'] ?? 0)
    onStep('sending manifests for the acknowledged points')
    await promiseAcknowledged(gateway.url, TOKEN, fleet, users)
  } finally {
    k6Ended.abort()
    exitOfGateway = await gateway.end()
  }

  onStep('running a job over the topic and comparing its results with the acknowledged points')
  const verdict = await judge({ topic: run, brokers, folder, fleet, users })
  const { thresholds, endedBy } = thresholdsIn(summary)
  const hasPassed = verdict.problems.length === 0 && thresholds.every(({ ok }) => ok) && exitOfGateway === 0
  const figures = figuresOf(attempts, fleet.vmsPerUser)
  return {
    scenario,
    at: at.toISOString(),
    machine: machineText(),
    loadBefore,
    figures,
    cpu: await usage,
    thresholds,
    endedBy,
    verdict,
    hasPassed,
    exitOfGateway,
  }
}

function k6Env(fleet: Fleet, gateway: string): Record<string, string> {
  return {
    GATEWAY: gateway,
    TOKEN,
    RUN: fleet.run,
    VMS_PER_USER: String(fleet.vmsPerUser),
    START_MS: String(fleet.startMs),
    EVERY_MS: String(fleet.everyMs),
  }
}

interface K6Summary {
  readonly metrics: Readonly<
    Record<
      string,
      {
        readonly values: Readonly<Record<string, number>>
        readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>
      }
    >
  >
  /** Metrics whose thresholds end the scenario. Reaching one is the result of the scenario and not a failure. */
  readonly ends?: readonly string[]
}

function thresholdsIn({ metrics, ends = [] }: K6Summary): Pick<Outcome, 'thresholds' | 'endedBy'> {
  const all = Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([rule, { ok }]) => ({ metric, rule, ok })),
  )
  return {
    thresholds: all.filter(({ metric }) => !ends.includes(metric)),
    endedBy: all.filter(({ metric, ok }) => ends.includes(metric) && !ok),
  }
}

function machineText(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}
