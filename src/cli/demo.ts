/** `windrow demo`: runs a simulated day of a fleet through the real pipeline and checks the results. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { durationText } from '../core/durations.ts'
import * as kinds from '../config/kinds.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { DEMO_GRACE_MS } from '../dev/demo/arrivals.ts'
import type { Demo } from '../dev/demo/demo.ts'
import { DAY_MS, type DemoOptions } from '../dev/demo/fleet.ts'
import { ConfigurationError, WindrowError, type ConfigurationProblem } from '../errors/index.ts'
import { introText, reportText } from '../dev/demo/text.ts'
import { formatCount } from '../ui/format.ts'
import type { Screen } from '../ui/live-block.ts'
import { createRunDisplay } from '../ui/run-display.ts'
import { createStyle, wantsColour, type Style } from '../ui/style.ts'
import type { CliCommand, CliContext, ExitCode } from './command.ts'
import { DEFAULT_PAGE_PORT, readUiFlag } from './page-options.ts'

type Flags = Readonly<Record<string, unknown>>

/** The flags that define the fleet, in the order of the help. */
const FLEET_FLAGS = {
  vms: { kind: kinds.wholeNumber(3, 100_000), default: '5000', help: 'Number of VMs' },
  points: { kind: kinds.wholeNumber(30, 1_000_000_000), default: '1000000', help: 'Number of points of all VMs' },
  // With shorter windows, the last duplicate would arrive after its window is forgotten.
  window: { kind: kinds.duration(DEMO_GRACE_MS), default: '1d', help: 'Length of a window' },
  seed: { kind: kinds.wholeNumber(0, 2 ** 31 - 1), default: '1', help: 'Seed of the random day' },
}
type FleetFlag = keyof typeof FLEET_FLAGS

/** At least enough points that each VM can lose some; at most one per second, which fits a VM window (maxSeqSpan). */
const POINTS_PER_VM = { min: 10, max: 86_400 }
/** About ten minutes of work. */
const MAX_VM_WINDOWS = 1_000_000

export const demoCommand: CliCommand = {
  name: 'demo',
  example: { line: 'windrow demo --vms 20 --points 20000 --window 2h', does: 'fewer VMs, two-hour windows' },
  configure(command) {
    for (const [name, { kind, help, default: value }] of Object.entries(FLEET_FLAGS)) {
      command.option(`--${name} ${kind.placeholder}`, `${help} (${value})`)
    }
    command
      .option('--data-dir <path>', 'Folder for all data; a demo resumes there (a new folder)')
      .option('--ui [port]', `Serve a page, and keep it open afterwards (port ${DEFAULT_PAGE_PORT})`)
      .option('--json', 'Print the summary as one JSON line')
  },
  async run(flags, context) {
    const options = readOptions(flags)
    const given = flags['dataDir']
    const dataDir = typeof given === 'string' ? given : mkdtempSync(join(tmpdir(), 'windrow-demo-'))
    return runDemo(options, dataDir, { isJson: flags['json'] === true, port: readUiFlag(flags['ui']) }, context)
  },
}

async function runDemo(
  options: DemoOptions,
  dataDir: string,
  { isJson, port }: { readonly isJson: boolean; readonly port: number | null },
  context: CliContext,
): Promise<ExitCode> {
  const results = join(dataDir, 'results.ndjson')
  // Imports the application and its libraries. Help and usage errors do not need them.
  const { createDemo } = await import('../dev/demo/demo.ts')
  const config = configOf(options, dataDir, results)
  const demo = createDemo(options, config, results)
  if (port === null) return runAndReport(demo, options, dataDir, results, isJson, () => undefined, context)
  const { withPage } = await import('./with-page.ts')
  return withPage(config, port, true, context, (jobEnded) =>
    runAndReport(demo, options, dataDir, results, isJson, jobEnded, context),
  )
}

async function runAndReport(
  demo: Demo,
  options: DemoOptions,
  dataDir: string,
  results: string,
  isJson: boolean,
  jobEnded: () => void,
  { env, stdout, stderr, signal }: CliContext,
): Promise<ExitCode> {
  const { fleet, tally } = demo
  const style = styleOn(stderr, env)
  stderr.write(introText(fleet, tally, dataDir, style))
  const display = createRunDisplay(stderr, style, () => performance.now(), signal)
  const { summary, report } = await demo.run(display, signal).finally(() => display.end())
  jobEnded()
  if (report === null) throw stopped(summary.points.consumed, tally.records, commandLine(options, dataDir))

  const { incomplete, differences } = report
  stdout.write(
    isJson
      ? `${JSON.stringify({ ...summary, sent: tally, incomplete, differences, results })}\n`
      : reportText(
          summary,
          report,
          fleet,
          { results, page: pageCommand(dataDir), next: nextCommands(results) },
          styleOn(stdout, env),
        ),
  )
  if (differences.length > 0) throw differing(differences)
  return 0
}

/** Only flags count: settings of real runs in the environment do not change the demo. */
function readOptions(flags: Flags): DemoOptions {
  const problems: ConfigurationProblem[] = []
  const read = (name: FleetFlag): number => {
    const { kind, default: value } = FLEET_FLAGS[name]
    const parsed = kind.parse(flags[name] ?? value)
    if ('value' in parsed) return parsed.value
    const remedy = `Give ${kind.expects}.`
    for (const { problem } of parsed.problems) problems.push({ place: `--${name}`, problem, remedy })
    return Number.NaN
  }
  const options = { vms: read('vms'), points: read('points'), windowMs: read('window'), seed: read('seed') }
  if (flags['dataDir'] === '') problems.push({ place: '--data-dir', problem: 'is empty', remedy: 'Give a path.' })
  problems.push(...checkTogether(options))
  if (problems.length > 0) throw new ConfigurationError(problems)
  return options
}

/** A flag that is already invalid is NaN. Comparisons with NaN are false, so it causes no further problem. */
function checkTogether({ vms, points, windowMs }: DemoOptions): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const { min, max } = POINTS_PER_VM
  if (points < min * vms || points > max * vms) {
    const problem = `${formatCount(points)} points do not fit ${formatCount(vms)} VMs`
    const remedy = `Give ${formatCount(min * vms)} to ${formatCount(max * vms)}, or another number of --vms.`
    problems.push({ place: '--points', problem, remedy })
  }
  const vmWindows = vms * Math.ceil(DAY_MS / windowMs)
  if (vmWindows > MAX_VM_WINDOWS) {
    const problem = `a day of ${formatCount(vms)} VMs has ${formatCount(vmWindows)} windows of ${durationText(windowMs)}`
    const remedy = `Give longer windows or fewer --vms: at most ${formatCount(MAX_VM_WINDOWS)} in all.`
    problems.push({ place: '--window', problem, remedy })
  }
  return problems
}

function configOf({ windowMs }: DemoOptions, dataDir: string, results: string): Config {
  const flags = {
    dataDir,
    results,
    job: 'demo',
    window: durationText(windowMs),
    grace: durationText(DEMO_GRACE_MS),
    // The demo has its own input. These settings only declare that it is bounded and in time order.
    source: 'files',
    input: ['demo'],
  }
  return resolveConfig({ flags, env: {}, file: null })
}

function styleOn(screen: Screen, env: CliContext['env']): Style {
  return createStyle(wantsColour(screen.isTTY === true, env))
}

/** The command that starts this program from the current folder. */
function program(): string {
  return `node ${quoted(relative('', fileURLToPath(new URL('main.js', import.meta.url))))}`
}

/** The command line that resumes a demo. */
function commandLine(options: DemoOptions, dataDir: string): string {
  const given = { ...options, window: durationText(options.windowMs) }
  const flags = (Object.keys(FLEET_FLAGS) as FleetFlag[])
    .filter((name) => String(given[name]) !== FLEET_FLAGS[name].default)
    .map((name) => ` --${name} ${given[name]}`)
  return `${program()} demo --data-dir ${quoted(dataDir)}${flags.join('')}`
}

/** The command that serves the page, and its address. */
function pageCommand(dataDir: string): string {
  return `${program()} ui --job demo --data-dir ${quoted(dataDir)}  # http://127.0.0.1:${DEFAULT_PAGE_PORT}`
}

/** Commands to try next. Each works unchanged. */
function nextCommands(results: string): string[] {
  const point = '{"vmId":"a","metric":"cpu","timestamp":1767225600000,"seq":0,"value":1}'
  return [
    `head -1 ${quoted(results)}`,
    `${program()} demo --vms 20 --points 20000 --window 2h`,
    `echo '${point}' | ${program()} run --input -`,
    `${program()} run --help`,
  ]
}

/** Quotes a text for a shell if necessary. */
function quoted(text: string): string {
  return /^[\w./:\\-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function stopped(consumed: number, records: number, resumeCommand: string): WindrowError {
  return new WindrowError(`stopped after ${formatCount(consumed)} of ${formatCount(records)} records`, {
    code: 'STOPPED',
    remedy: `Nothing is lost. Resume with: ${resumeCommand}`,
  })
}

function differing(differences: readonly string[]): WindrowError {
  return new WindrowError(`the results are not what the generator sent: ${differences.join('; ')}`, {
    code: 'DEMO_DIFFERS',
  })
}
