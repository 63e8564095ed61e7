/** `windrow close`: an operator closes open windows before they are complete, and gives the reason. */
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

/** The command's own flags, as commander parses them: text, or `true` for switches. */
interface Flags extends AskFlags {
  readonly window?: string
  readonly partition?: string
}

/** `loadClose` imports the Dapr clients. Help and usage errors do not need them. */
export function createCloseCommand(loadClose: () => Promise<CloseWindows>): CliCommand {
  return {
    name: 'close',
    example: {
      line: "windrow close --window 2026-03-01T14:00Z --by ann --why 'web-1 is gone'",
      does: 'closes this window and all earlier open windows',
    },
    // The same settings as those of a run, with help texts for this command.
    configure: (command) =>
      void addStoreFlags(
        addAskFlags(
          command
            .option('--window <time>', 'Close the window of this time and all before it')
            .option('--partition <number>', 'Partition to close them in, or all (all)'),
        ),
      ).option('--json', 'Print the outcome as one JSON line'),
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

/** Throws a ConfigurationError that lists every problem. */
function readOptions(given: Readonly<Record<string, unknown>>, env: CliContext['env']): Options {
  const flags = given as Flags
  const {
    values,
    broken,
    problems: wrong,
  } = readSettings({
    // Here --window is a time; the setting of the same name is a duration.
    flags: { ...given, window: undefined },
    env,
    file: loadConfigFile(given, env),
  })
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (place: string, problem: string, remedy: string): void => void problems.push({ place, problem, remedy })

  const at = flags.window === undefined ? null : parseTime(flags.window)
  if (at === null) {
    const problem = flags.window === undefined ? 'no window is given' : `${JSON.stringify(flags.window)} is not a time`
    add('--window', problem, `Give ${TIME_EXPECTED}.`)
  }
  const partition = flags.partition ?? 'all'
  if (partition !== 'all' && !/^\d{1,6}$/.test(partition)) {
    add('--partition', `${JSON.stringify(partition)} is not a partition`, 'Give a partition number, or all.')
  }
  const asked = readAsking(flags, problems)
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  const config = withDefaults(values, broken) as Config
  const order: CloseOrder = {
    ...{ at: at as number, partition: partition === 'all' ? null : Number(partition) },
    ...asked,
  }
  return { config, order, json: config.json }
}

/** The command succeeds if a window was closed or a request was left, and every partition's outcome is known. */
function failureOf({ partitions, window }: CloseReport, config: StoreConfig): WindrowError | null {
  const where = config.sidecar === 'embedded' ? `no run holds the state in ${config.dataDir}` : 'no processor replied'
  const failure = unanswered(partitions, where, {
    code: 'CLOSE_UNDER_WAY',
    remedy:
      'The request will be carried out, if necessary by a later owner. See windrow status, or wait longer with --wait.',
  })
  if (failure !== null) return failure
  if (partitions.some(({ outcome }) => outcome === 'closed' || outcome === 'left')) return null
  return new WindrowError(`no partition has an open window at ${new Date(window.start).toISOString()}`, {
    code: 'NO_SUCH_WINDOW',
  })
}
