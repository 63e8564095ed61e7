/** `windrow status`: how far a job is, read from its ledgers. */
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
/** To the top left, and all below it cleared. */
const CLEAR = '\x1b[H\x1b[J'

interface Options {
  readonly config: StatusConfig
  readonly json: boolean
  /** `null`: once. */
  readonly everyMs: number | null
}

/** `loadReadStatus` brings in the clients of Dapr, which help and usage errors do without. */
export function createStatusCommand(loadReadStatus: () => Promise<ReadStatus>): CliCommand {
  return {
    name: 'status',
    example: {
      line: 'windrow status --sidecar dapr --brokers localhost:9092 --watch',
      does: `lag and open windows, drawn again every ${DEFAULT_WATCH_SECONDS} s`,
    },
    // Settings of a run, read in the same way; what they mean here is worded here.
    configure: (command) => {
      addStoreFlags(command)
        .option('--brokers <list>', 'Kafka brokers, to see the lag')
        .option('--watch [seconds]', `Show it again each so many seconds (${DEFAULT_WATCH_SECONDS})`)
        .option('--json', 'Print it as one JSON line')
      addFlagsOf(command, KAFKA_SECURITY)
    },
    async run(flags, context) {
      const options = readOptions(flags, context.env)
      const readStatus = await loadReadStatus()
      // The first look fails the command where it cannot be had; later ones are tried again.
      show(await orStopped(readStatus(options.config, context.signal), context.signal), options, context)
      if (options.everyMs !== null) await watch(readStatus, options, options.everyMs, context)
      return 0
    },
  }
}

async function watch(readStatus: ReadStatus, options: Options, everyMs: number, context: CliContext): Promise<void> {
  const { signal, stderr } = context
  for (;;) {
    // An abort ends the pause; the signal is looked at below.
    await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      show(await readStatus(options.config, signal), options, context)
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof WindrowError)) throw error
      stderr.write(`${error.code}: ${error.message}; tried again in ${everyMs / 1000} s\n`)
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
    throw new WindrowError('stopped before the status was read', { code: 'STOPPED', remedy: 'Ask again.' })
  }
}

/** Throws with all that is wrong. */
function readOptions(flags: Readonly<Record<string, unknown>>, env: CliContext['env']): Options {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const config = withDefaults(values, broken)
  const problems = [...wrong, ...(file?.isBroken === true ? [] : kafkaRules(config, placeIn(places)))]
  const seconds = flags['watch'] === true ? DEFAULT_WATCH_SECONDS : Number(flags['watch'] ?? Number.NaN)
  if (flags['watch'] !== undefined && !(seconds >= 0.1 && seconds <= 86_400)) {
    const problem = `${JSON.stringify(flags['watch'])} is not a number of seconds`
    problems.push({ place: '--watch', problem, remedy: 'Give one from 0.1 to 86400, or none.' })
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // Without a problem nothing is broken, so every setting was given or has its default.
  const complete = config as Config
  return { config: complete, json: complete.json, everyMs: flags['watch'] === undefined ? null : seconds * 1000 }
}
