/** `windrow run`: closes the windows of files or of a topic. */
import { Option } from 'commander'
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
import { DEFAULT_PAGE_PORT, readUiFlag } from './page-options.ts'
import { uselessRunError } from './useless-run.ts'

/** All settings except the gateway's. Those are checked if the file contains them, but are not flags of this command. */
const SETTINGS = settings.filter(({ meta }) => meta.group !== 'Gateway').map(({ key }) => key)

/** `loadRunJob` imports the application and its libraries. Help and usage errors do not need them. */
export function createRunCommand(loadRunJob: () => Promise<RunJob>): CliCommand {
  return {
    name: 'run',
    example: { line: 'windrow run --input points.ndjson --window 5m', does: 'results to .windrow/results.ndjson' },
    configure: (command) => {
      addSettingFlags(command, SETTINGS)
      const help = `Serve a page of the job meanwhile (port ${DEFAULT_PAGE_PORT})`
      // Hidden: the help must fit one screen.
      command.addOption(new Option('--ui [port]', help).hideHelp())
    },
    async run(flags, context) {
      const { ui, ...settingFlags } = flags
      const port = readUiFlag(ui)
      const config = loadConfig(settingFlags, context.env)
      const runJob = await loadRunJob()
      const run = (): Promise<JobSummary> => runWithDisplay(runJob, config, context)
      const summary = port === null ? await run() : await runWithPage(config, port, context, run)
      printSummary(summary, config, context)
      return exitCodeAfter(summary, config, context.signal)
    },
  }
}

/** Loads the page and its server only for runs that want them. */
async function runWithPage(
  config: Config,
  port: number,
  context: CliContext,
  run: () => Promise<JobSummary>,
): Promise<JobSummary> {
  const { withPage } = await import('./with-page.ts')
  return withPage(config, port, false, context, run)
}

const NO_DISPLAY: RunDisplay = { progress: () => undefined, event: () => undefined, end: () => undefined }

/** Progress goes to standard error; standard output has only the summary. */
async function runWithDisplay(
  runJob: RunJob,
  config: Config,
  { env, stderr, signal }: CliContext,
): Promise<JobSummary> {
  const style = createStyle(wantsColour(stderr.isTTY === true, env))
  // Log lines and redrawn lines on one stream would overwrite each other, so a log replaces the display.
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

/** A bounded run that was stopped, or was useless, is an error, so that a caller does not treat its results as complete. */
function exitCodeAfter(summary: JobSummary, config: Config, signal: AbortSignal): ExitCode {
  if (signal.aborted && config.once) {
    throw new WindrowError('stopped before the end of the input', {
      code: 'STOPPED',
      remedy: 'Run the same command again to resume.',
    })
  }
  if (config.once && summary.useless !== null) throw uselessRunError(summary.useless)
  const deadLetters = summary.points.rejected + summary.points.conflict + summary.points.late
  if (config.failOnDeadLetters && deadLetters > 0) {
    throw new WindrowError(`${deadLetters} records became dead letters`, {
      code: 'DEAD_LETTERS',
      remedy: `They are stored in the ${destinationOf(config.deadLetters)}, with their reasons.`,
    })
  }
  return 0
}
