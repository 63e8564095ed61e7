/** `windrow run`: processes files or a topic. */
import type { JobSummary, RunJob } from '../app/types.ts'
import { settings } from '../config/names.ts'
import type { Config } from '../config/settings.ts'
import { WindrowError } from '../errors/index.ts'
import { destinationOf } from '../sinks/registry.ts'
import { createRunDisplay, type RunDisplay } from '../ui/run-display.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import { summaryText } from '../ui/summary.ts'
import type { CliCommand, CliContext, ExitCode } from './command.ts'
import { addSettingFlags } from './flags.ts'
import { loadConfig } from './load-config.ts'

/** Those of the gateway are judged in a file that both read, and are no flags here. */
const SETTINGS = settings.filter(({ meta }) => meta.group !== 'Gateway').map(({ key }) => key)

/** `loadRunJob` brings in the application and all its libraries, which help and usage errors do without. */
export function createRunCommand(loadRunJob: () => Promise<RunJob>): CliCommand {
  return {
    name: 'run',
    example: { line: 'windrow run --input points.ndjson --window 5m', does: 'results to .windrow/results.ndjson' },
    configure: (command) => addSettingFlags(command, SETTINGS),
    async run(flags, context) {
      const config = loadConfig(flags, context.env)
      const runJob = await loadRunJob()
      const summary = await runWithDisplay(runJob, config, context)
      printSummary(summary, config, context)
      return exitCodeAfter(summary, config, context.signal)
    },
  }
}

const NO_DISPLAY: RunDisplay = { progress: () => undefined, event: () => undefined, end: () => undefined }

/** Progress goes to standard error, so that standard output carries the summary alone. */
async function runWithDisplay(
  runJob: RunJob,
  config: Config,
  { env, stderr, signal }: CliContext,
): Promise<JobSummary> {
  const style = createStyle(wantsColour(stderr.isTTY === true, env))
  // Log lines and live lines on one stream would tear each other: who asks for a log gets the log.
  const display =
    config.logLevel === 'silent' ? createRunDisplay(stderr, style, () => performance.now(), signal) : NO_DISPLAY
  try {
    return await runJob(config, display, signal)
  } finally {
    display.end()
  }
}

function printSummary(summary: JobSummary, config: Config, { env, stdout }: CliContext): void {
  const style = createStyle(wantsColour(stdout.isTTY === true, env))
  stdout.write(config.json ? `${JSON.stringify(summary)}\n` : summaryText(summary, style))
}

/** A bounded run that was stopped is not done: whoever waits for its results must not take them for whole. */
function exitCodeAfter(summary: JobSummary, config: Config, signal: AbortSignal): ExitCode {
  if (signal.aborted && config.once) {
    throw new WindrowError('stopped before the end of the input', {
      code: 'STOPPED',
      remedy: 'Run the same command again; it goes on where it stopped.',
    })
  }
  const deadLetters = summary.points.rejected + summary.points.conflict + summary.points.late
  if (config.failOnDeadLetters && deadLetters > 0) {
    throw new WindrowError(`${deadLetters} records became dead letters`, {
      code: 'DEAD_LETTERS',
      remedy: `Each is in the ${destinationOf(config.deadLetters)}, with its reason.`,
    })
  }
  return 0
}
