/**
 * One load test from end to end: Kafka alone (broker.ts), a gateway as a process of its own, k6 against it, then the
 * whole topic through a job on the embedded sidecar, and the final check. Nothing runs beside k6 that would make the
 * gateway's figures worse than they are; the job comes after it.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Fleet } from '../k6/fleet.ts'
import { progressOf, readAttempts, type Progress } from './attempts.ts'
import { figuresOf, type Figures } from './figures.ts'
import { runK6, THRESHOLDS_FAILED } from './k6.ts'
import { startGateway, windrow, type GatewayProcess } from './processes.ts'
import { promisesOf, verifyResults, type Manifest, type Verdict } from './verify.ts'

export interface ScenarioOptions {
  readonly scenario: string
  readonly k6: string
  readonly brokers: string
  readonly gatewayPort: number
  /** Gets all files of the test. */
  readonly folder: string
  /** Handed on to the script: SECONDS, RATE, MOST, … */
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly onStep?: (doing: string) => void
  /** Goes on beside k6, with the gateway and a way to start it anew on the same port. */
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
  readonly figures: Figures
  readonly thresholds: readonly Threshold[]
  readonly verdict: Verdict
  /** The thresholds held, and nothing is wrong with the results. */
  readonly hasPassed: boolean
  readonly exitOfGateway: number | null
}

const WINDOW_MS = 6 * 3_600_000
const DAY_MS = 86_400_000
const TICKS_A_DAY = 200
/** 730,000 ticks of each VM before one would lie in the future and be refused: a day of sending at 8 a second. */
const DAYS_BACK = 3_650
const PARTITIONS = 8
const MANIFESTS_A_REQUEST = 5_000
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
  const run = `lt${randomBytes(3).toString('hex')}`
  const fleet: Fleet = {
    run,
    vmsPerUser: 50,
    // A midnight, since windows begin where days do; so long ago that no user, however fast, gets ahead of the clock.
    startMs: (Math.floor(at.getTime() / DAY_MS) - DAYS_BACK) * DAY_MS,
    everyMs: DAY_MS / TICKS_A_DAY,
  }
  const tokensFile = join(folder, 'tokens')
  await writeFile(tokensFile, `k6 ${TOKEN}\n`)
  const file = (name: string): string => join(folder, name)
  const gatewayArgs = ['--brokers', brokers, '--topic', run, '--partitions', String(PARTITIONS)]
  gatewayArgs.push('--window', '6h', '--tokens-file', tokensFile, '--json')
  const start = (): Promise<GatewayProcess> => startGateway(gatewayPort, gatewayArgs, file('gateway.log'))

  onStep('starts the gateway')
  let gateway = await start()
  let exitOfGateway: number | null = null
  let attempts: Awaited<ReturnType<typeof readAttempts>>
  let users: Map<number, Progress>
  try {
    onStep(`runs k6: ${scenario}`)
    const attemptsFile = file('attempts.log')
    const running = runK6({
      ...{ program: options.k6, scenario, attemptsFile, summaryFile: file('k6.json'), logFile: file('k6.log'), signal },
      env: { ...options.env, ...k6Env(fleet, gateway.url) },
    })
    await options.meanwhile?.(gateway, async () => (gateway = await start()), attemptsFile)
    const code = await running
    if (code !== 0 && code !== THRESHOLDS_FAILED) throw new Error(`k6 ended with ${code}; see ${file('k6.log')}`)
    attempts = await readAttempts(attemptsFile)
    users = progressOf(attempts)
    onStep('promises in manifests what was acknowledged')
    await sendManifests(gateway.url, [...promisesOf(fleet, users, WINDOW_MS)])
  } finally {
    exitOfGateway = await gateway.end()
  }

  onStep('runs a job over the topic')
  const resultsFile = file('results.ndjson')
  await windrow(jobArgs(run, brokers, folder, resultsFile), file('run.log'))
  onStep('compares its results with what was acknowledged')
  const verdict = await verifyResults(resultsFile, fleet, users, WINDOW_MS)
  const thresholds = thresholdsIn(JSON.parse(await readFile(file('k6.json'), 'utf8')) as K6Summary)
  const hasPassed = verdict.problems.length === 0 && thresholds.every(({ ok }) => ok) && exitOfGateway === 0
  const figures = figuresOf(attempts, fleet.vmsPerUser)
  return {
    scenario,
    at: at.toISOString(),
    machine: machineText(),
    figures,
    thresholds,
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

function jobArgs(run: string, brokers: string, folder: string, resultsFile: string): string[] {
  return [
    ...['run', '--source', 'kafka', '--brokers', brokers, '--topic', run, '--job', run, '--once', '--json'],
    // Users are at different times of their day, and nobody is to be late: windows close when the topic ends.
    ...['--window', '6h', '--grace', '30d', '--deadline', '30d'],
    ...['--vms-per-workflow', '64', '--data-dir', join(folder, 'state')],
    ...['--results', resultsFile, '--dead-letters', join(folder, 'dead-letters.ndjson')],
  ]
}

async function sendManifests(gateway: string, promised: readonly Manifest[]): Promise<void> {
  for (let from = 0; from < promised.length; from += MANIFESTS_A_REQUEST) {
    const lines = promised
      .slice(from, from + MANIFESTS_A_REQUEST)
      .map(({ vmId, windowStart, firstSeq, count }) => JSON.stringify({ vmId, windowStart, firstSeq, count }))
    const response = await fetch(`${gateway}/v1/manifests`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${TOKEN}` },
      body: lines.join('\n'),
    })
    if (!response.ok) throw new Error(`manifests are answered with ${response.status} ${await response.text()}`)
  }
}

interface K6Summary {
  readonly metrics: Readonly<
    Record<string, { readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>> }>
  >
}

function thresholdsIn({ metrics }: K6Summary): Threshold[] {
  return Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([rule, { ok }]) => ({ metric, rule, ok })),
  )
}

function machineText(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
}
