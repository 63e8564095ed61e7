/** `windrow status`: shows the progress of a job, read from its ledgers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobStatus, ReadStatus, StatusConfig } from '../app/status/status.ts'
import { withDefaults } from '../config/defaults.ts'
import { KAFKA_SECURITY, kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { ConfigurationError, WindrowError } from '../errors/index.ts'
import { statusText } from '../ui/status-text.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addFlagsOf } from './flags.ts'
import { loadConfigFile } from './load-config.ts'
import { addStoreFlags } from './store-flags.ts'

const DEFAULT_WATCH_SECONDS = 2
/** Moves the cursor to the top left and clears the screen. */
const CLEAR = '\x1b[H\x1b[J'

interface Options {
  readonly config: StatusConfig
  readonly json: boolean
  /** `null`: once. */
  readonly everyMs: number | null
}

/** `loadReadStatus` imports the Dapr clients. Help and usage errors do not need them. */
export function createStatusCommand(loadReadStatus: () => Promise<ReadStatus>): CliCommand {
  return {
    name: 'status',
    example: {
      line: 'windrow status --sidecar dapr --brokers localhost:9092 --watch',
      does: `lag and open windows, refreshed every ${DEFAULT_WATCH_SECONDS} s`,
    },
    // The same settings as those of a run, with help texts for this command.
    configure: (command) => {
      addStoreFlags(command)
        .option('--brokers <list>', 'Kafka brokers, to show the lag')
        .option('--watch [seconds]', `Refresh every so many seconds (${DEFAULT_WATCH_SECONDS})`)
        .option('--json', 'Print the status as one JSON line')
      addFlagsOf(command, KAFKA_SECURITY)
    },
    async run(flags, context) {
      const options = readOptions(flags, context.env)
      const readStatus = await loadReadStatus()
      // If the first read fails, the command fails. Later reads are retried.
      show(await orStopped(readStatus(options.config, context.signal), context.signal), options, context)
      if (options.everyMs !== null) await watch(readStatus, options, options.everyMs, context)
      return 0
    },
  }
}

async function watch(readStatus: ReadStatus, options: Options, everyMs: number, context: CliContext): Promise<void> {
  const { signal, stderr } = context
  for (;;) {
    // An abort ends the pause; the signal is checked below.
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      show(await readStatus(options.config, signal), options, context)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof WindrowError)) throw error
      stderr.write(`${error.code}: ${error.message}; retrying in ${everyMs / 1000} s\n`)
    }
  }
}

function show(status: JobStatus, { json, everyMs }: Options, { env, stdout }: CliContext): void {
  if (json) {
    stdout.write(`${JSON.stringify(status)}\n`)
    return
  }
  const text = statusText(status, createStyle(wantsColour(stdout.isTTY === true, env)))
  if (everyMs === null) stdout.write(text)
  else stdout.write(stdout.isTTY === true ? CLEAR + text : `${text}\n`)
}

async function orStopped<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (!signal.aborted) throw error
    throw new WindrowError('stopped before the status was read', { code: 'STOPPED', remedy: 'Run the command again.' })
  }
}

/** Throws a ConfigurationError that lists every problem. */
function readOptions(flags: Readonly<Record<string, unknown>>, env: CliContext['env']): Options {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const config = withDefaults(values, broken)
  const problems = [...wrong, ...(file?.isBroken === true ? [] : kafkaRules(config, placeIn(places)))]
  const seconds = flags['watch'] === true ? DEFAULT_WATCH_SECONDS : Number(flags['watch'] ?? Number.NaN)
  if (flags['watch'] !== undefined && !(seconds >= 0.1 && seconds <= 86_400)) {
    const problem = `${JSON.stringify(flags['watch'])} is not a number of seconds`
    problems.push({ place: '--watch', problem, remedy: 'Give a number from 0.1 to 86400, or leave it out.' })
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  const complete = config as Config
  return { config: complete, json: complete.json, everyMs: flags['watch'] === undefined ? null : seconds * 1000 }
}
