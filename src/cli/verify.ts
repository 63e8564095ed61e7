/** `windrow verify`: whether what was published is what the records say. */
import type { RunVerify } from '../app/verify/verify.ts'
import { LOG_PLACE_EXPECTED, parseLogPlace } from '../config/log-place.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { ConfigurationError, WindrowError } from '../errors/index.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import { createVerifyDisplay, lossText, verifyText } from '../ui/verify-text.ts'
import type { VerifyReport } from '../verify/report.ts'
import type { Bound } from '../verify/selection.ts'
import type { CliCommand, CliContext, ExitCode } from './command.ts'
import { addSettingFlags } from './flags.ts'
import { loadConfig } from './load-config.ts'

/** Those that say where things are, and what records mean. All of a run are taken, so that its command line can be repeated. */
const SHOWN: readonly SettingKey[] = [
  'input',
  'brokers',
  'topic',
  'windowMs',
  'results',
  'certificates',
  'job',
  'dataDir',
  'json',
]

/** `loadVerify` brings in decoders and Kafka's client, which help and usage errors do without. */
export function createVerifyCommand(loadVerify: () => Promise<RunVerify>): CliCommand {
  return {
    name: 'verify',
    example: {
      line: 'windrow verify --input points.ndjson --window 5m',
      does: 'with the settings of the run; exit code 1 when something differs',
    },
    configure: (command) => {
      addSettingFlags(command, undefined, SHOWN)
      command
        .option('--from <place>', 'From this offset, or the window at this time, on')
        .option('--to <place>', 'Up to this offset or time (the last certificate)')
    },
    async run(flags, context) {
      const { config, from, to } = readOptions(flags, context.env)
      const runVerify = await loadVerify()
      const startedMs = performance.now()
      const display = createVerifyDisplay(context.stderr, () => performance.now())
      const report = await orStopped(
        runVerify(config, { from, to }, (progress) => display.progress(progress), context.signal),
        context.signal,
      ).finally(() => display.end())
      print(report, (performance.now() - startedMs) / 1000, config, context)
      return exitCodeAfter(report)
    },
  }
}

function print(report: VerifyReport, seconds: number, { json }: Config, { env, stdout }: CliContext): void {
  const style = createStyle(wantsColour(stdout.isTTY === true, env))
  const rounded = Math.round(seconds * 1000) / 1000
  stdout.write(json ? `${JSON.stringify({ ...report, seconds: rounded })}\n` : verifyText(report, seconds, style))
}

function exitCodeAfter({ differenceCount, lost }: VerifyReport): ExitCode {
  if (differenceCount > 0) return 1
  const [first] = lost
  if (first === undefined) return 0
  throw new WindrowError(`records are gone that certificates speak of; ${lossText(first)}`, {
    code: 'DATA_LOSS',
    remedy: 'What could be compared is equal. Give --from a later offset or time, or keep records for longer.',
  })
}

async function orStopped<T>(verifying: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await verifying
  } catch (error) {
    if (!signal.aborted) throw error
    throw new WindrowError('stopped before all was compared', { code: 'STOPPED', remedy: 'Run it again.' })
  }
}

/** Throws with all that is wrong. */
function readOptions(
  flags: Readonly<Record<string, unknown>>,
  env: CliContext['env'],
): { readonly config: Config; readonly from: Bound | null; readonly to: Bound | null } {
  const problems = []
  const bounds: { from: Bound | null; to: Bound | null } = { from: null, to: null }
  for (const name of ['from', 'to'] as const) {
    const text = flags[name]
    if (typeof text !== 'string') continue
    const place = parseLogPlace(text, Date.now())
    if (place?.kind === 'offset') bounds[name] = { offset: place.offset }
    else if (place?.kind === 'time') bounds[name] = { atMs: place.atMs }
    else if (place === null || name === 'to') {
      const problem = `${JSON.stringify(text)} is no place in a log to ${name === 'to' ? 'end' : 'begin'} at`
      problems.push({ place: `--${name}`, problem, remedy: `Give ${LOG_PLACE_EXPECTED}.` })
    }
  }
  try {
    const config = loadConfig(flags, env)
    if (problems.length === 0) return { config, ...bounds }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    throw new ConfigurationError([...problems, ...error.problems])
  }
  throw new ConfigurationError(problems)
}
