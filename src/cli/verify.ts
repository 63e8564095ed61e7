/** `windrow verify`: recomputes results from the source records and compares them with the published ones. */
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

/** Settings that `--help` shows. All settings of a run are accepted, so that its command line can be reused. */
const SHOWN: readonly SettingKey[] = [
  'input',
  'brokers',
  'topic',
  'window',
  'results',
  'certificates',
  'job',
  'dataDir',
  'json',
]

/** `loadVerify` imports decoders and the Kafka client. Help and usage errors do not need them. */
export function createVerifyCommand(loadVerify: () => Promise<RunVerify>): CliCommand {
  return {
    name: 'verify',
    example: {
      line: 'windrow verify --input points.ndjson --window 5m',
      does: 'with the settings of the run; exit code 1 if anything differs',
    },
    configure: (command) => {
      addSettingFlags(command, undefined, SHOWN)
      command
        .option('--from <place>', 'Start at this offset, or at the window of this time')
        .option('--to <place>', 'End at this offset or time (the last certificate)')
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
  throw new WindrowError(`records that certificates cover no longer exist; ${lossText(first)}`, {
    code: 'DATA_LOSS',
    remedy: 'All remaining records match. Give --from a later offset or time, or keep records longer.',
  })
}

async function orStopped<T>(verifying: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await verifying
  } catch (error) {
    if (!signal.aborted) throw error
    throw new WindrowError('stopped before everything was compared', {
      code: 'STOPPED',
      remedy: 'Run the command again.',
    })
  }
}

/** Throws a ConfigurationError that lists every problem. */
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
      const problem = `${JSON.stringify(text)} is not a position in a log to ${name === 'to' ? 'end' : 'begin'} at`
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
