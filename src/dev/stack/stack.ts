/**
 * The stack's loop. Services come up in the order of their needs, each usable before the next is started, and go down in
 * reverse. Everything is found again from the data folder, so it does not matter which process started what.
 */
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigurationError, messageOf, WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { retry } from '../../retry/retry.ts'
import { cacheFolder } from './cache.ts'
import { daprdService } from './daprd.ts'
import { APP_ID, describeDaprd, describeStack, findStack, readStack, stackFile, writeStack } from './description.ts'
import type {
  Addition,
  DaprdDescription,
  Extra,
  StackChoices,
  StackDescription,
  StateStoreKind,
} from './description.ts'
import { grafanaService } from './grafana.ts'
import { kafkaService } from './kafka.ts'
import type { Service } from './service.ts'
import { placementService } from './placement.ts'
import { busyPorts, DEFAULT_PORT_BASE, MAX_DAPRDS, stackPorts } from './ports.ts'
import { postgresService } from './postgres.ts'
import { endProcess, isAlive, lastLines, launch, readProcess, removeFile, sendSignal } from './process.ts'
import type { ProcessRecord } from './process.ts'
import { providePrograms } from './programs.ts'
import { timed } from './progress.ts'
import type { OnProgress } from './progress.ts'
import { prometheusService } from './prometheus.ts'
import { redisService } from './redis.ts'
import { schedulerService } from './scheduler.ts'

export interface StackOptions {
  /** Holds all of the stack; one stack a folder. */
  readonly dataDir: string
  /** First of a hundred ports. @default what the data folder's stack had, else 9090 */
  readonly portBase?: number
  /** The store behind the sidecars' state. @default what the data folder's stack had, else redis */
  readonly state?: StateStoreKind
  /** Sidecars of the app id `windrow`, at least. @default 1 */
  readonly daprds?: number
  /** What to add. Services that an earlier command added to this stack stay. */
  readonly with?: readonly Addition[]
  /** @default `$WINDROW_CACHE`, else `windrow` in `$XDG_CACHE_HOME` or `~/.cache` */
  readonly cacheDir?: string
  /** Where to look for `PATH` and the cache. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Aborts the start; services that are already up stay up. */
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

export interface DaprdOptions {
  /** Its place among the stack's sidecars, from 0; decides its name and its ports. */
  readonly index: number
  /** @default 'windrow' */
  readonly appId?: string
  /** @default the stack's */
  readonly state?: StateStoreKind
  /** Port of the application that the sidecar calls, for subscriptions and invocations. @default none */
  readonly appPort?: number
}

export interface ServiceStatus {
  readonly service: string
  /** `unusable`: it runs, but does not pass its check; `problem` says why. */
  readonly state: 'up' | 'unusable' | 'down'
  readonly problem: string | null
  readonly pid: number | null
  readonly port: number
  readonly version: string
  /** ISO 8601. */
  readonly since: string | null
}

/** The stack in a data folder. Another process may have started it. Services have the names that `status()` lists. */
export interface Stack {
  readonly description: StackDescription
  /** Brings one service up and waits until it is usable; says whether it was not up before. */
  start(service: string): Promise<boolean>
  /** Adds a sidecar, or brings up the one of this index. */
  startDaprd(options: DaprdOptions): Promise<DaprdDescription>
  /** Ends a service in order; nothing when it is down. */
  stop(service: string): Promise<void>
  /** Sends a signal; waits for the end with those that end. @default 'SIGKILL' */
  kill(service: string, signal?: NodeJS.Signals): Promise<void>
  status(): Promise<ServiceStatus[]>
  logFile(service: string): string
  /** Ends all services; returns the names of those that were up. `purge` removes data and logs too. */
  down(options?: { readonly purge?: boolean }): Promise<string[]>
}

/** A service that takes longer to become usable has failed; Kafka on a busy machine takes some ten seconds. */
const USABLE_TIMEOUT_MS = 120_000
const USABLE_RETRY = { baseMs: 100, capMs: 100, budgetMs: USABLE_TIMEOUT_MS }
/** A service that takes longer to end in order is killed. */
const STOP_TIMEOUT_MS = 30_000
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL']

/** Brings a stack up, or completes one that is up in part. Returns it with the names of the services that were not up. */
export async function startStack(options: StackOptions): Promise<Stack & { readonly started: readonly string[] }> {
  const { daprds = 1, env = process.env, signal, onProgress = () => undefined } = options
  const dataDir = checkedDataDir(options.dataDir)
  checkDaprdCount(daprds)
  const before = await findStack(dataDir)
  const choices: StackChoices = {
    dataDir,
    portBase: options.portBase ?? before?.portBase ?? DEFAULT_PORT_BASE,
    state: options.state ?? before?.state ?? 'redis',
    components: options.with?.includes('components') === true || before?.components === true,
  }
  stackPorts(choices.portBase)
  if (before !== null) await requireSameWhileRunning(before, choices)

  const cacheDir = options.cacheDir ?? cacheFolder(env, homedir())
  const folders = { cacheDir, logDir: join(dataDir, 'logs'), path: env.PATH ?? '' }
  await mkdir(join(dataDir, 'pids'), { recursive: true })
  const isWith = (extra: Extra): boolean =>
    options.with?.includes(extra) === true || (before?.tools[extra] ?? null) !== null
  const grafana = isWith('grafana')
  const programs = await providePrograms(folders, { prometheus: grafana || isWith('prometheus'), grafana }, onProgress)
  const description = withDaprds(describeStack(choices, programs), before, daprds)
  await writeStack(description)

  const stack = manage(description, onProgress, signal)
  await requireFreePorts(description, servicesOf(description))
  const started: string[] = []
  for (const { name } of servicesOf(description)) if (await stack.start(name)) started.push(name)
  return Object.assign(stack, { started })
}

/** Opens the existing stack of a data folder without starting anything; throws if there is none. */
export async function openStack(dataDir: string, onProgress: OnProgress = () => undefined): Promise<Stack> {
  return manage(await readStack(resolve(dataDir)), onProgress)
}

function manage(initial: StackDescription, onProgress: OnProgress, signal?: AbortSignal): Stack {
  let description = initial
  const { dataDir } = initial
  const logFile = (service: string): string => join(dataDir, 'logs', `${service}.log`)

  async function start(name: string): Promise<boolean> {
    const service = serviceNamed(description, name)
    if ((await statusOf(dataDir, service)).state === 'up') return false
    requireNotStopped(signal)
    await timed(name, service.doing, onProgress, async () => {
      const running = await readProcess(pidFile(dataDir, name))
      await waitUntilUsable(service, running ?? (await launchService(service)), logFile(name), signal)
    })
    return true
  }

  async function launchService(service: Service): Promise<ProcessRecord> {
    await requireFreePorts(description, [service])
    await service.prepare(logFile(service.name))
    return launch(await service.command(), pidFile(dataDir, service.name), logFile(service.name))
  }

  async function startDaprd(options: DaprdOptions): Promise<DaprdDescription> {
    const { index, appId = APP_ID, state = description.state, appPort } = options
    checkDaprdCount(index + 1)
    const wanted = describeDaprd(description, index, appId, state, appPort)
    const there = description.daprds.find((daprd) => daprd.index === index)
    if (there !== undefined && (there.appId !== appId || there.state !== state || there.appPort !== appPort))
      throw stackDiffers(`${there.name} is ${there.appId} on ${there.state}, not ${appId} on ${state}`)
    if (there === undefined) {
      description = { ...description, daprds: [...description.daprds, wanted] }
      await writeStack(description)
    }
    await start(wanted.name)
    return wanted
  }

  async function stop(name: string): Promise<boolean> {
    const service = serviceNamed(description, name)
    const running = await readProcess(pidFile(dataDir, name))
    if (running === null) return false
    await timed(name, 'stops', onProgress, async () => {
      if (await endProcess(running, service.stopSignal, STOP_TIMEOUT_MS)) return
      await endProcess(running, 'SIGKILL', STOP_TIMEOUT_MS)
    })
    await removeFile(pidFile(dataDir, name))
    return true
  }

  async function kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    serviceNamed(description, name)
    const running = await readProcess(pidFile(dataDir, name))
    if (running === null) return
    if (!ENDING_SIGNALS.includes(signal)) sendSignal(running, signal)
    else if (!(await endProcess(running, signal, STOP_TIMEOUT_MS)))
      throw new WindrowError(`${name} (process ${running.pid}) does not end on ${signal}`, {
        code: 'STACK_SERVICE_NOT_STOPPED',
      })
  }

  async function down({ purge = false } = {}): Promise<string[]> {
    const services = servicesOf(description).reverse()
    const stopped: string[] = []
    for (const { name } of services) if (await stop(name)) stopped.push(name)
    if (purge) await removeData(dataDir, services)
    return stopped
  }

  return {
    get description() {
      return description
    },
    start,
    startDaprd,
    stop: async (service) => void (await stop(service)),
    kill,
    status: () => Promise.all(servicesOf(description).map((service) => statusOf(dataDir, service))),
    logFile,
    down,
  }
}

/** In the order in which they are started. */
function servicesOf(stack: StackDescription): Service[] {
  const servers = [
    redisService(stack),
    postgresService(stack),
    kafkaService(stack),
    placementService(stack),
    schedulerService(stack),
  ]
  // A description from before there was one of them has no member for it.
  const { prometheus = null, grafana = null } = stack.tools
  const extras = [
    ...(prometheus === null ? [] : [prometheusService(stack, prometheus)]),
    ...(grafana === null ? [] : [grafanaService(stack, grafana)]),
  ]
  return [...servers, ...stack.daprds.map((daprd) => daprdService(stack, daprd)), ...extras]
}

function serviceNamed(stack: StackDescription, name: string): Service {
  const services = servicesOf(stack)
  const service = services.find((candidate) => candidate.name === name)
  if (service !== undefined) return service
  const names = services.map((candidate) => candidate.name).join(', ')
  throw new ConfigurationError([
    { place: 'service', problem: `the stack has no ${JSON.stringify(name)}`, remedy: `Its services are ${names}.` },
  ])
}

/** Keeps the existing sidecars, updated to the current ports, and adds new ones up to `count`. */
function withDaprds(stack: StackDescription, before: StackDescription | null, count: number): StackDescription {
  const kept = (before?.daprds ?? []).map(({ index, appId, state, appPort }) =>
    describeDaprd(stack, index, appId, state === before?.state ? stack.state : state, appPort),
  )
  const added: DaprdDescription[] = []
  for (let index = 0; index < count; index++)
    if (!kept.some((daprd) => daprd.index === index)) added.push(describeDaprd(stack, index, APP_ID, stack.state))
  return { ...stack, daprds: [...kept, ...added].sort((a, b) => a.index - b.index) }
}

async function statusOf(dataDir: string, service: Service): Promise<ServiceStatus> {
  const { name, version } = service
  const port = service.ports[0]
  const running = await readProcess(pidFile(dataDir, name))
  if (running === null) return { service: name, state: 'down', problem: null, pid: null, port, version, since: null }
  const common = { service: name, pid: running.pid, port, version, since: running.startedAt }
  try {
    await service.check()
    return { ...common, state: 'up', problem: null }
  } catch (error) {
    return { ...common, state: 'unusable', problem: messageOf(error) }
  }
}

async function waitUntilUsable(
  service: Service,
  running: ProcessRecord,
  logFile: string,
  signal?: AbortSignal,
): Promise<void> {
  const control = { clock: monotonicClock, signal, isRetryable: () => isAlive(running) }
  try {
    await retry(USABLE_RETRY, control, () => service.check())
  } catch (problem) {
    requireNotStopped(signal)
    const hasEnded = !(await isAlive(running))
    const what = hasEnded ? 'ended while it came up' : `is not usable after ${USABLE_TIMEOUT_MS / 1000} s`
    throw new WindrowError(
      `${service.name} ${what} (${messageOf(problem)}); its log ends:\n${await lastLines(logFile, 20)}`,
      { code: 'STACK_SERVICE_FAILED', cause: problem },
    )
  }
}

function requireNotStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new WindrowError('Stopped before the stack was up', {
      code: 'STOPPED',
      remedy: 'Complete it with windrow stack up, or take it down with windrow stack down.',
    })
}

/** Throws, naming them all, when ports of services that do not run are taken. */
async function requireFreePorts(stack: StackDescription, services: readonly Service[]): Promise<void> {
  const taken: string[] = []
  for (const service of services) {
    if ((await readProcess(pidFile(stack.dataDir, service.name))) !== null) continue
    const busy = await busyPorts(service.ports)
    if (busy.length > 0) taken.push(`${service.name} needs ${busy.join(', ')}`)
  }
  if (taken.length > 0)
    throw new WindrowError(`Ports are taken by something else: ${taken.join('; ')}`, { code: 'STACK_PORT_TAKEN' })
}

async function requireSameWhileRunning(before: StackDescription, now: StackChoices): Promise<void> {
  if (before.portBase === now.portBase && before.state === now.state) return
  for (const { name } of servicesOf(before))
    if ((await readProcess(pidFile(before.dataDir, name))) !== null)
      throw stackDiffers(
        `The stack in ${before.dataDir} is up with port base ${before.portBase} and state in ${before.state}, ` +
          `not ${now.portBase} and ${now.state}`,
      )
}

function stackDiffers(what: string): WindrowError {
  return new WindrowError(what, { code: 'STACK_DIFFERS' })
}

function checkedDataDir(given: string): string {
  const dataDir = resolve(given)
  // It is written into configuration files, where quotes, commas and the like would end it.
  if (/^[\p{L}\p{N}_./@+ -]+$/u.test(dataDir)) return dataDir
  throw new ConfigurationError([
    {
      place: '--data-dir',
      problem: `${JSON.stringify(dataDir)} has characters that configuration files of its services cannot carry`,
      remedy: 'Choose a path of letters, digits, spaces and _ . / @ + -.',
    },
  ])
}

function checkDaprdCount(count: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_DAPRDS) return
  throw new ConfigurationError([
    { place: '--daprds', problem: `${count} sidecars do not fit`, remedy: `Give a number from 1 to ${MAX_DAPRDS}.` },
  ])
}

/** Removes what the stack made, and the folder itself when nothing else is in it. */
async function removeData(dataDir: string, services: readonly Service[]): Promise<void> {
  const own = [
    ...services.flatMap((service) => service.folders),
    join(dataDir, 'logs'),
    join(dataDir, 'pids'),
    stackFile(dataDir),
  ]
  for (const path of own) await rm(path, { recursive: true, force: true })
  try {
    await rmdir(dataDir)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error
  }
}

function pidFile(dataDir: string, service: string): string {
  return join(dataDir, 'pids', `${service}.json`)
}
