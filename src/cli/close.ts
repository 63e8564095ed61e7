/** `windrow close`: forces open windows to close, by name and with a reason. */
import type { CloseOrder, CloseReport, CloseWindows } from '../app/close/close.ts'
import type { StoreConfig } from '../app/job-store.ts'
import { withDefaults } from '../config/defaults.ts'
import { readSettings } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { parseTime, TIME_EXPECTED } from '../config/times.ts'
import { ConfigurationError, WindrowError, type ConfigurationProblem } from '../errors/index.ts'
import { closeText } from '../ui/close-text.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import { addAskFlags, readAsking, type AskFlags } from './ask-flags.ts'
import type { CliCommand, CliContext } from './command.ts'
import { loadConfigFile } from './load-config.ts'
import { addStoreFlags } from './store-flags.ts'
import { unanswered } from './unanswered.ts'

interface Options {
  readonly config: StoreConfig
  readonly order: CloseOrder
  readonly json: boolean
}

/** Those of the command's own, as commander has them: text, or `true` for switches. */
interface Flags extends AskFlags {
  readonly window?: string
  readonly partition?: string
}

/** `loadClose` brings in the clients of Dapr, which help and usage errors do without. */
export function createCloseCommand(loadClose: () => Promise<CloseWindows>): CliCommand {
  return {
    name: 'close',
    example: {
      line: "windrow close --window 2026-03-01T14:00Z --by ann --why 'web-1 is gone'",
      does: 'closes that window, and all before it that are open',
    },
    // Settings of a run, read in the same way; what they mean here is worded here.
    configure: (command) =>
      void addStoreFlags(
        addAskFlags(
          command
            .option('--window <time>', 'Up to the window that this time is in')
            .option('--partition <number>', 'Of this partition, or all (all)'),
        ),
      ).option('--json', 'Print what was done as one JSON line'),
    async run(flags, context) {
      const { config, order, json } = readOptions(flags, context.env)
      const closeWindows = await loadClose()
      const report = await closeWindows(config, order, context.signal)
      const { stdout, env } = context
      const style = createStyle(wantsColour(stdout.isTTY === true, env))
      stdout.write(json ? `${JSON.stringify(report)}\n` : closeText(report, style))
      const failure = failureOf(report, config)
      if (failure !== null) throw failure
      return 0
    },
  }
}

/** Throws with all that is wrong. */
function readOptions(given: Readonly<Record<string, unknown>>, env: CliContext['env']): Options {
  const flags = given as Flags
  const {
    values,
    broken,
    problems: wrong,
  } = readSettings({
    // Of a run, --window is a length.
    flags: { ...given, window: undefined },
    env,
    file: loadConfigFile(given, env),
  })
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (place: string, problem: string, remedy: string): void => void problems.push({ place, problem, remedy })

  const at = flags.window === undefined ? null : parseTime(flags.window)
  if (at === null) {
    const problem = flags.window === undefined ? 'no window is named' : `${JSON.stringify(flags.window)} is no time`
    add('--window', problem, `Give ${TIME_EXPECTED}.`)
  }
  const partition = flags.partition ?? 'all'
  if (partition !== 'all' && !/^\d{1,6}$/.test(partition)) {
    add('--partition', `${JSON.stringify(partition)} is no partition`, 'Give its number, or all.')
  }
  const asked = readAsking(flags, problems)
  if (problems.length > 0) throw new ConfigurationError(problems)
  // Without a problem nothing is broken, so every setting was given or has its default.
  const config = withDefaults(values, broken) as Config
  const order: CloseOrder = {
    ...{ at: at as number, partition: partition === 'all' ? null : Number(partition) },
    ...asked,
  }
  return { config, order, json: config.json }
}

/** Done is: something closed or was left, and nothing is in the dark. */
function failureOf({ partitions, window }: CloseReport, config: StoreConfig): WindrowError | null {
  const where = config.sidecar === 'embedded' ? `no run has the state in ${config.dataDir}` : 'no processor answered'
  const failure = unanswered(partitions, where, {
    code: 'CLOSE_UNDER_WAY',
    remedy: 'It is carried out, by a later owner if need be: see windrow status, or wait longer with --wait.',
  })
  if (failure !== null) return failure
  if (partitions.some(({ outcome }) => outcome === 'closed' || outcome === 'left')) return null
  return new WindrowError(`no partition has an open window at ${new Date(window.start).toISOString()}`, {
    code: 'NO_SUCH_WINDOW',
  })
}
