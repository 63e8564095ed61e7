/** `windrow stack`: Kafka, Redis, PostgreSQL and Dapr on this machine's loopback, without containers. */
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { ConfigurationError } from '../errors/index.ts'
import type { ConfigurationProblem } from '../errors/index.ts'
import { ADDITIONS, EXTRAS, STATE_STORES } from '../dev/stack/description.ts'
import type { Addition, StackDescription, StateStoreKind } from '../dev/stack/description.ts'
import { DEFAULT_PORT_BASE, MAX_DAPRDS } from '../dev/stack/ports.ts'
import type { Progress } from '../dev/stack/progress.ts'
import type { ServiceStatus } from '../dev/stack/stack.ts'
import type { CliCommand, CliContext, ExitCode } from './command.ts'

const ACTIONS = ['up', 'status', 'logs', 'down'] as const
type Action = (typeof ACTIONS)[number]

/** Flags as commander parses them: text, or `true` for switches. */
interface Flags {
  readonly dataDir?: string
  readonly json?: true
  readonly portBase?: string
  readonly state?: string
  readonly daprds?: string
  readonly with?: string
  readonly lines?: string
  readonly follow?: true
  readonly purge?: true
}
type FlagName = keyof Flags

const FLAGS_OF_ACTION: Record<Action, readonly FlagName[]> = {
  up: ['dataDir', 'json', 'portBase', 'state', 'daprds', 'with'],
  status: ['dataDir', 'json'],
  logs: ['dataDir', 'lines', 'follow'],
  down: ['dataDir', 'json', 'purge'],
}

const DEFAULT_DATA_DIR = '.windrow-stack'
const DEFAULT_LINES = 100

export const stackCommand: CliCommand = {
  name: 'stack',
  example: { line: 'windrow stack up --state postgres --daprds 2', does: 'a stack with its state in PostgreSQL' },
  configure: (command) =>
    void command
      .argument('<action>', 'up (or complete), status, logs, or down')
      .argument('[service]', 'logs: a service, named as in status')
      .option('--data-dir <folder>', `Data folder (${DEFAULT_DATA_DIR}, or WINDROW_STACK_DIR)`)
      .option('--port-base <port>', `up: first of 100 ports (${DEFAULT_PORT_BASE}, or as before)`)
      .option('--state <store>', 'up: redis or postgres (redis, or as before)')
      .option('--daprds <count>', `up: minimum number of sidecars, up to ${MAX_DAPRDS} (1)`)
      .option('--with <service>', 'up: prometheus, grafana, or components (of Dapr)')
      .option('-n, --lines <count>', `logs: lines from the end (${DEFAULT_LINES})`)
      .option('-f, --follow', 'logs: follow new lines')
      .option('--purge', 'down: remove data and logs too')
      .option('--json', 'up, status, down: print JSON'),
  async run(given, context, [action, service]) {
    const flags = given as Flags
    requireUsage(action, service, flags)
    const dataDir = flags.dataDir ?? (context.env['WINDROW_STACK_DIR'] || DEFAULT_DATA_DIR)
    const actions: Record<Action, () => Promise<ExitCode>> = {
      up: () => up(dataDir, flags, context),
      status: () => status(dataDir, flags, context),
      logs: () => logs(dataDir, service as string, flags, context),
      down: () => down(dataDir, flags, context),
    }
    return actions[action as Action]()
  },
}

async function up(dataDir: string, flags: Flags, { env, stdout, stderr, signal }: CliContext): Promise<ExitCode> {
  const { startStack } = await import('../dev/stack/stack.ts')
  const { started, description } = await startStack({
    dataDir,
    ...(flags.portBase === undefined ? {} : { portBase: Number(flags.portBase) }),
    ...(flags.state === undefined ? {} : { state: flags.state as StateStoreKind }),
    ...(flags.with === undefined ? {} : { with: [flags.with as Addition] }),
    ...(flags.daprds === undefined ? {} : { daprds: Number(flags.daprds) }),
    env,
    signal,
    onProgress: (progress) => stderr.write(progressText(progress)),
  })
  if (flags.json) stdout.write(`${JSON.stringify({ started, ...description })}\n`)
  else stdout.write(`${started.length === 0 ? 'Already up.\n' : ''}${addressesText(description)}`)
  return 0
}

async function status(dataDir: string, flags: Flags, { stdout }: CliContext): Promise<ExitCode> {
  const { openStack } = await import('../dev/stack/stack.ts')
  const services = await (await openStack(dataDir)).status()
  stdout.write(flags.json ? `${JSON.stringify({ services })}\n` : statusTable(services))
  return services.every(({ state }) => state === 'up') ? 0 : 1
}

async function logs(dataDir: string, service: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { openStack } = await import('../dev/stack/stack.ts')
  const file = (await openStack(dataDir)).logFile(service)
  await requireLog(service, file)
  // -F keeps following if a purge removes the file and it is created again.
  const args = ['-n', flags.lines ?? String(DEFAULT_LINES), ...(flags.follow ? ['-F'] : []), '--', file]
  const tail = spawn('tail', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const end = () => void tail.kill()
  context.signal.addEventListener('abort', end)
  try {
    for await (const text of tail.stdout.setEncoding('utf8') as AsyncIterable<string>) context.stdout.write(text)
    // Following ends only when the user stops it.
    return context.signal.aborted || (await exitCodeOf(tail)) === 0 ? 0 : 1
  } finally {
    context.signal.removeEventListener('abort', end)
  }
}

async function requireLog(service: string, file: string): Promise<void> {
  const there = await readdir(dirname(file))
  if (there.includes(basename(file))) return
  const names = there.map((name) => basename(name, '.log')).join(', ')
  throw new ConfigurationError([
    {
      place: 'service',
      problem: `there is no log of ${JSON.stringify(service)}`,
      remedy: `The services with a log are ${names}.`,
    },
  ])
}

async function down(dataDir: string, flags: Flags, { stdout, stderr }: CliContext): Promise<ExitCode> {
  const { openStack } = await import('../dev/stack/stack.ts')
  const stack = await openStack(dataDir, (progress) => stderr.write(progressText(progress)))
  const purged = flags.purge === true
  const stopped = await stack.down({ purge: purged })
  const text = `${stopped.length === 0 ? 'Already down.' : 'Down.'}${purged ? ' Data and logs are removed.' : ''}`
  stdout.write(flags.json ? `${JSON.stringify({ stopped, purged })}\n` : `${text}\n`)
  return 0
}

/** Throws a ConfigurationError that lists every problem of the command line. */
function requireUsage(action: string | undefined, service: string | undefined, flags: Flags): void {
  if (!ACTIONS.includes(action as Action))
    throw new ConfigurationError([
      { place: 'action', problem: `there is no stack ${action}`, remedy: `Give one of ${ACTIONS.join(', ')}.` },
    ])
  const problems: ConfigurationProblem[] = []
  const add = (place: string, problem: string, remedy: string) => void problems.push({ place, problem, remedy })
  for (const flag of Object.keys(flags) as FlagName[])
    if (!FLAGS_OF_ACTION[action as Action].includes(flag))
      add(
        `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        `does not apply to stack ${action}`,
        'Leave it out.',
      )
  const numbers = { '--port-base': flags.portBase, '--daprds': flags.daprds, '--lines': flags.lines }
  for (const [place, text] of Object.entries(numbers))
    if (text !== undefined && !/^\d{1,9}$/.test(text))
      add(place, `${JSON.stringify(text)} is not a whole number`, 'Give one.')
  if (flags.state !== undefined && !STATE_STORES.includes(flags.state as StateStoreKind))
    add('--state', `${JSON.stringify(flags.state)} is not a store`, `Give one of ${STATE_STORES.join(', ')}.`)
  if (flags.with !== undefined && !ADDITIONS.includes(flags.with as Addition))
    add('--with', `${JSON.stringify(flags.with)} is not known`, `Give ${ADDITIONS.join(' or ')}.`)
  if (action === 'logs' && service === undefined)
    add('service', 'is not given', 'Give a service from windrow stack status.')
  if (action !== 'logs' && service !== undefined)
    add('service', `${service} does not apply to stack ${action}`, 'Leave it out.')
  if (problems.length > 0) throw new ConfigurationError(problems)
}

/** Prints a line when a step begins and completes it at the end, so that a build of minutes is visible. */
function progressText(progress: Progress): string {
  if (progress.kind === 'begin') return `${progress.service.padEnd(12)} ${progress.doing} … `
  return `${progress.hasFailed ? 'failed after ' : ''}${progress.seconds.toFixed(1)} s\n`
}

function addressesText({ addresses: { kafka, redis, postgres }, daprds, ports, tools }: StackDescription): string {
  const sidecars = daprds.map(({ name, ports }) => [name, `gRPC 127.0.0.1:${ports.grpc}, HTTP 127.0.0.1:${ports.http}`])
  const extras = EXTRAS.flatMap((extra) => (tools[extra] === null ? [] : [[extra, `http://127.0.0.1:${ports[extra]}`]]))
  const lines = [['kafka', kafka], ['redis', redis], ['postgres', postgres], ...sidecars, ...extras]
  return lines.map(([name = '', address]) => `${name.padEnd(12)} ${address}\n`).join('')
}

function statusTable(services: readonly ServiceStatus[]): string {
  const rows = services.map(({ service, state, pid, port, version, since, problem }) => {
    const remark = problem === null ? '' : `  ${problem.trim()}`
    return [service, state, String(pid ?? '-'), String(port), version, `${since ?? '-'}${remark}`]
  })
  const table = [['SERVICE', 'STATE', 'PID', 'PORT', 'VERSION', 'SINCE'], ...rows]
  const width = (column: number): number => Math.max(...table.map((row) => (row[column] ?? '').length))
  return table
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(width(column)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function exitCodeOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode)
    else child.once('exit', resolve)
  })
}
