/**
 * The stack's loop. Parts come up in the order of their needs, each usable before the next is started, and go down in
 * reverse. Everything is found again from the data folder, so it does not matter which process started what.
 */
import { mkdir, rm, rmdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigurationError, messageOf, WindrowError } from '../../errors/index.ts'
import { monotonicClock } from '../../retry/clock.ts'
import { retry } from '../../retry/retry.ts'
import { cacheFolder } from './cache.ts'
import { daprdPart } from './daprd.ts'
import { APP_ID, describeDaprd, describeStack, findStack, readStack, stackFile, writeStack } from './description.ts'
import type { DaprdDescription, Extra, StackChoices, StackDescription, StateStoreKind } from './description.ts'
import { grafanaPart } from './grafana.ts'
import { kafkaPart } from './kafka.ts'
import type { Part } from './part.ts'
import { placementPart } from './placement.ts'
import { busyPorts, DEFAULT_PORT_BASE, MAX_DAPRDS, stackPorts } from './ports.ts'
import { postgresPart } from './postgres.ts'
import { endProcess, isAlive, lastLines, launch, readProcess, removeFile, sendSignal } from './process.ts'
import type { ProcessRecord } from './process.ts'
import { providePrograms } from './programs.ts'
import { timed } from './progress.ts'
import type { OnProgress } from './progress.ts'
import { prometheusPart } from './prometheus.ts'
import { redisPart } from './redis.ts'
import { schedulerPart } from './scheduler.ts'

export interface StackOptions {
  /** Holds all of the stack; one stack a folder. */
  readonly dataDir: string
  /** First of a hundred ports. @default what the data folder's stack had, else 9090 */
  readonly portBase?: number
  /** The store behind the sidecars' state. @default what the data folder's stack had, else redis */
  readonly state?: StateStoreKind
  /** Sidecars of the app id `windrow`, at least. @default 1 */
  readonly daprds?: number
  /** Parts that a stack does without unless told; one that was taken along before stays. */
  readonly with?: readonly Extra[]
  /** @default `$WINDROW_CACHE`, else `windrow` in `$XDG_CACHE_HOME` or `~/.cache` */
  readonly cacheDir?: string
  /** Where to look for `PATH` and the cache. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Stops bringing up; what is up stays up. */
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
}

export interface PartStatus {
  readonly part: string
  /** `unusable`: it runs, but does not pass its check; `problem` says why. */
  readonly state: 'up' | 'unusable' | 'down'
  readonly problem: string | null
  readonly pid: number | null
  readonly port: number
  readonly version: string
  /** ISO 8601. */
  readonly since: string | null
}

/** A stack in a data folder, whoever started it. Parts go by their names in `status()`. */
export interface Stack {
  readonly description: StackDescription
  /** Brings one part up and waits until it is usable; says whether it was not up before. */
  start(part: string): Promise<boolean>
  /** Adds a sidecar, or brings up the one of this index. */
  startDaprd(options: DaprdOptions): Promise<DaprdDescription>
  /** Ends a part in order; nothing when it is down. */
  stop(part: string): Promise<void>
  /** Sends a signal; waits for the end with those that end. @default 'SIGKILL' */
  kill(part: string, signal?: NodeJS.Signals): Promise<void>
  status(): Promise<PartStatus[]>
  logFile(part: string): string
  /** Ends all parts; returns the names of those that were up. `purge` removes data and logs too. */
  down(options?: { readonly purge?: boolean }): Promise<string[]>
}

/** A part that takes longer to become usable has failed; Kafka on a busy machine takes some ten seconds. */
const USABLE_TIMEOUT_MS = 120_000
const USABLE_RETRY = { baseMs: 100, capMs: 100, budgetMs: USABLE_TIMEOUT_MS }
/** A part that takes longer to end in order is killed. */
const STOP_TIMEOUT_MS = 30_000
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL']

/** Brings a stack up, or completes one that is up in part. Returns it with the names of the parts that were not up. */
export async function startStack(options: StackOptions): Promise<Stack & { readonly started: readonly string[] }> {
  const { daprds = 1, env = process.env, signal, onProgress = () => undefined } = options
  const dataDir = checkedDataDir(options.dataDir)
  checkDaprdCount(daprds)
  const before = await findStack(dataDir)
  const choices: StackChoices = {
    dataDir,
    portBase: options.portBase ?? before?.portBase ?? DEFAULT_PORT_BASE,
    state: options.state ?? before?.state ?? 'redis',
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
  await requireFreePorts(description, partsOf(description))
  const started: string[] = []
  for (const { name } of partsOf(description)) if (await stack.start(name)) started.push(name)
  return Object.assign(stack, { started })
}

/** The stack of a data folder, as it is; throws where there is none. */
export async function openStack(dataDir: string, onProgress: OnProgress = () => undefined): Promise<Stack> {
  return manage(await readStack(resolve(dataDir)), onProgress)
}

function manage(initial: StackDescription, onProgress: OnProgress, signal?: AbortSignal): Stack {
  let description = initial
  const { dataDir } = initial
  const logFile = (part: string): string => join(dataDir, 'logs', `${part}.log`)

  async function start(name: string): Promise<boolean> {
    const part = partNamed(description, name)
    if ((await statusOf(dataDir, part)).state === 'up') return false
    requireGoingOn(signal)
    await timed(name, part.doing, onProgress, async () => {
      const running = await readProcess(pidFile(dataDir, name))
      await waitUntilUsable(part, running ?? (await launchPart(part)), logFile(name), signal)
    })
    return true
  }

  async function launchPart(part: Part): Promise<ProcessRecord> {
    await requireFreePorts(description, [part])
    await part.prepare(logFile(part.name))
    return launch(await part.command(), pidFile(dataDir, part.name), logFile(part.name))
  }

  async function startDaprd(options: DaprdOptions): Promise<DaprdDescription> {
    const { index, appId = APP_ID, state = description.state } = options
    checkDaprdCount(index + 1)
    const wanted = describeDaprd(description, index, appId, state)
    const there = description.daprds.find((daprd) => daprd.index === index)
    if (there !== undefined && (there.appId !== appId || there.state !== state))
      throw stackDiffers(`${there.name} is ${there.appId} on ${there.state}, not ${appId} on ${state}`)
    if (there === undefined) {
      description = { ...description, daprds: [...description.daprds, wanted] }
      await writeStack(description)
    }
    await start(wanted.name)
    return wanted
  }

  async function stop(name: string): Promise<boolean> {
    const part = partNamed(description, name)
    const running = await readProcess(pidFile(dataDir, name))
    if (running === null) return false
    await timed(name, 'stops', onProgress, async () => {
      if (await endProcess(running, part.stopSignal, STOP_TIMEOUT_MS)) return
      await endProcess(running, 'SIGKILL', STOP_TIMEOUT_MS)
    })
    await removeFile(pidFile(dataDir, name))
    return true
  }

  async function kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    partNamed(description, name)
    const running = await readProcess(pidFile(dataDir, name))
    if (running === null) return
    if (!ENDING_SIGNALS.includes(signal)) sendSignal(running, signal)
    else if (!(await endProcess(running, signal, STOP_TIMEOUT_MS)))
      throw new WindrowError(`${name} (process ${running.pid}) does not end on ${signal}`, {
        code: 'STACK_SERVICE_NOT_STOPPED',
      })
  }

  async function down({ purge = false } = {}): Promise<string[]> {
    const parts = partsOf(description).reverse()
    const stopped: string[] = []
    for (const { name } of parts) if (await stop(name)) stopped.push(name)
    if (purge) await removeData(dataDir, parts)
    return stopped
  }

  return {
    get description() {
      return description
    },
    start,
    startDaprd,
    stop: async (part) => void (await stop(part)),
    kill,
    status: () => Promise.all(partsOf(description).map((part) => statusOf(dataDir, part))),
    logFile,
    down,
  }
}

/** In the order in which they are started. */
function partsOf(stack: StackDescription): Part[] {
  const servers = [redisPart(stack), postgresPart(stack), kafkaPart(stack), placementPart(stack), schedulerPart(stack)]
  // A description from before there was one of them has no member for it.
  const { prometheus = null, grafana = null } = stack.tools
  const extras = [
    ...(prometheus === null ? [] : [prometheusPart(stack, prometheus)]),
    ...(grafana === null ? [] : [grafanaPart(stack, grafana)]),
  ]
  return [...servers, ...stack.daprds.map((daprd) => daprdPart(stack, daprd)), ...extras]
}

function partNamed(stack: StackDescription, name: string): Part {
  const parts = partsOf(stack)
  const part = parts.find((candidate) => candidate.name === name)
  if (part !== undefined) return part
  const names = parts.map((candidate) => candidate.name).join(', ')
  throw new ConfigurationError([
    { place: 'part', problem: `the stack has no ${JSON.stringify(name)}`, remedy: `Its parts are ${names}.` },
  ])
}

/** The sidecars of before, moved to where the stack is now, and as many more as it takes. */
function withDaprds(stack: StackDescription, before: StackDescription | null, count: number): StackDescription {
  const kept = (before?.daprds ?? []).map(({ index, appId, state }) =>
    describeDaprd(stack, index, appId, state === before?.state ? stack.state : state),
  )
  const added: DaprdDescription[] = []
  for (let index = 0; index < count; index++)
    if (!kept.some((daprd) => daprd.index === index)) added.push(describeDaprd(stack, index, APP_ID, stack.state))
  return { ...stack, daprds: [...kept, ...added].sort((a, b) => a.index - b.index) }
}

async function statusOf(dataDir: string, part: Part): Promise<PartStatus> {
  const { name, version } = part
  const port = part.ports[0]
  const running = await readProcess(pidFile(dataDir, name))
  if (running === null) return { part: name, state: 'down', problem: null, pid: null, port, version, since: null }
  const common = { part: name, pid: running.pid, port, version, since: running.startedAt }
  try {
    await part.check()
    return { ...common, state: 'up', problem: null }
  } catch (error) {
    return { ...common, state: 'unusable', problem: messageOf(error) }
  }
}

async function waitUntilUsable(
  part: Part,
  running: ProcessRecord,
  logFile: string,
  signal?: AbortSignal,
): Promise<void> {
  const control = { clock: monotonicClock, signal, isRetryable: () => isAlive(running) }
  try {
    await retry(USABLE_RETRY, control, () => part.check())
  } catch (problem) {
    requireGoingOn(signal)
    const hasEnded = !(await isAlive(running))
    const what = hasEnded ? 'ended while it came up' : `is not usable after ${USABLE_TIMEOUT_MS / 1000} s`
    throw new WindrowError(
      `${part.name} ${what} (${messageOf(problem)}); its log ends:\n${await lastLines(logFile, 20)}`,
      { code: 'STACK_SERVICE_FAILED', cause: problem },
    )
  }
}

function requireGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new WindrowError('Stopped before the stack was up', {
      code: 'STOPPED',
      remedy: 'Complete it with windrow stack up, or take it down with windrow stack down.',
    })
}

/** Throws, naming them all, when ports of parts that do not run are taken. */
async function requireFreePorts(stack: StackDescription, parts: readonly Part[]): Promise<void> {
  const taken: string[] = []
  for (const part of parts) {
    if ((await readProcess(pidFile(stack.dataDir, part.name))) !== null) continue
    const busy = await busyPorts(part.ports)
    if (busy.length > 0) taken.push(`${part.name} needs ${busy.join(', ')}`)
  }
  if (taken.length > 0)
    throw new WindrowError(`Ports are taken by something else: ${taken.join('; ')}`, { code: 'STACK_PORT_TAKEN' })
}

async function requireSameWhileRunning(before: StackDescription, now: StackChoices): Promise<void> {
  if (before.portBase === now.portBase && before.state === now.state) return
  for (const { name } of partsOf(before))
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
      problem: `${JSON.stringify(dataDir)} has characters that configuration files of its parts cannot carry`,
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
async function removeData(dataDir: string, parts: readonly Part[]): Promise<void> {
  const own = [
    ...parts.flatMap((part) => part.folders),
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

function pidFile(dataDir: string, part: string): string {
  return join(dataDir, 'pids', `${part}.json`)
}
