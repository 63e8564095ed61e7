/** `windrow replay`: recomputes the closed windows of a job, even while it runs, and reports differences. */
import type { PromotionReport } from '../app/replay/promote.ts'
import type { ReplayJob, ReplayOrder, ReplayReport } from '../app/replay/replay.ts'
import type { RunObserver } from '../app/types.ts'
import { settings, settingOf } from '../config/names.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { parseTime } from '../config/times.ts'
import { ConfigurationError, WindrowError, type ConfigurationProblem } from '../errors/index.ts'
import type { ReplayBound } from '../replay/range.ts'
import { replayText } from '../ui/replay-text.ts'
import { createRunDisplay } from '../ui/run-display.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import { addAskFlags, readAsking, type AskFlags } from './ask-flags.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addSettingFlags } from './flags.ts'
import { loadConfig } from './load-config.ts'
import { partitionsThat, unanswered } from './unanswered.ts'

/** The settings of the run to replay: all except the gateway's. */
const SETTINGS = settings.filter(({ meta }) => meta.group !== 'Gateway').map(({ key }) => key)
const SHOWN: readonly SettingKey[] = ['input', 'brokers', 'topic', 'window', 'dataDir', 'json']
const DRY_NAME = 'dry_run'

interface Flags extends AskFlags {
  readonly promote?: true
  readonly from?: string
  readonly to?: string
  readonly into?: string
  readonly dryRun?: true
}

/** `loadReplay` imports the application and its libraries. Help and usage errors do not need them. */
export function createReplayCommand(loadReplay: () => Promise<ReplayJob>): CliCommand {
  return {
    name: 'replay',
    example: {
      line: 'windrow replay --input points.ndjson --window 5m --into again',
      does: 'with the same settings as the run',
    },
    configure: (command) => {
      addSettingFlags(command, SETTINGS)
      const shown = new Set(SHOWN.map((key) => settingOf(key).flag))
      for (const option of command.options) {
        const isShown = option.long === '--config' || (option.long !== undefined && shown.has(option.long))
        option.hideHelp(!isShown)
      }
      command
        .option('--into <name>', 'Name of the job that recomputes')
        .option('--from <bound>', 'Compare from this offset or time; reads all before it')
        .option('--to <bound>', 'Compare up to this offset or time (last closed window)')
        .option('--dry-run', 'Keep neither results nor state')
        .option('--promote', 'Publish differences as revisions; with --by, --why')
      const before = command.options.length
      addAskFlags(command)
      // Hidden, because the help must fit one screen; the help of --promote names them.
      for (const option of command.options.slice(before)) option.hideHelp()
    },
    async run(flags, context) {
      const { config, order } = readOptions(flags, context.env)
      const replay = await loadReplay()
      const report = await withDisplay(config, context, (observer) => replay(config, order, observer, context.signal))
      const style = createStyle(wantsColour(context.stdout.isTTY === true, context.env))
      context.stdout.write(config.json ? `${JSON.stringify(report)}\n` : replayText(report, style))
      const failure = failureOf(report)
      if (failure !== null) throw failure
      return 0
    },
  }
}

async function withDisplay<T>(
  { logLevel }: Config,
  { env, stderr, signal }: CliContext,
  act: (observer: RunObserver) => Promise<T>,
): Promise<T> {
  // Log lines and redrawn lines on one stream would overwrite each other.
  if (logLevel !== 'silent') return act({ progress: () => undefined, event: () => undefined })
  const style = createStyle(wantsColour(stderr.isTTY === true, env))
  const display = createRunDisplay(stderr, style, () => performance.now(), signal)
  try {
    return await act(display)
  } finally {
    display.end()
  }
}

/** Throws a ConfigurationError that lists every problem of the settings or of the replay's own flags. */
function readOptions(
  given: Readonly<Record<string, unknown>>,
  env: CliContext['env'],
): { config: Config; order: ReplayOrder } {
  const flags = given as Flags
  const config = loadConfig(given, env)
  const problems: ConfigurationProblem[] = []
  const isDry = flags.dryRun === true
  const into = flags.into ?? (isDry ? DRY_NAME : '')
  if (!/^[a-z0-9_]{1,20}$/.test(into)) {
    const problem = flags.into === undefined ? 'no name is given' : `${JSON.stringify(into)} is not a job name`
    problems.push({ place: '--into', problem, remedy: 'Give 1 to 20 characters of a-z, 0-9 and _.' })
  } else if (into === config.job) {
    problems.push({ place: '--into', problem: `${into} is the job that is replayed`, remedy: 'Give another name.' })
  }
  if (config.input.includes('-')) {
    problems.push({
      place: '--input',
      problem: 'standard input cannot be read a second time',
      remedy: 'Replay a file or a topic.',
    })
  }
  if (flags.promote === true && isDry) {
    const remedy = 'Leave one of them out.'
    problems.push({ place: '--promote', problem: 'a dry run keeps no results to promote', remedy })
  }
  if (flags.promote === true && flags.from !== undefined && flags.from !== 'beginning') {
    const problem = 'a promotion begins with the first window that differs, because later states depend on it'
    problems.push({ place: '--from', problem, remedy: 'Leave out --from.' })
  }
  const promote = flags.promote === true ? readAsking(flags, problems) : null
  const range = { from: boundOf('from', flags.from, problems), to: boundOf('to', flags.to, problems) }
  if (problems.length > 0) throw new ConfigurationError(problems)
  return { config, order: { into, range, isDry, promote } }
}

/** A whole number is an offset; anything else is a time. */
function boundOf(name: 'from' | 'to', text: string | undefined, problems: ConfigurationProblem[]): ReplayBound | null {
  if (text === undefined || (name === 'from' && text === 'beginning')) return null
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) }
  const at = parseTime(text)
  if (at !== null) return { at }
  const remedy = `Give an offset, a time such as 2026-03-01T14:00Z${name === 'from' ? ', or beginning' : ''}.`
  problems.push({ place: `--${name}`, problem: `${JSON.stringify(text)} is neither an offset nor a time`, remedy })
  return null
}

function failureOf({ difference, certificates, promotion }: ReplayReport): WindrowError | null {
  if (promotion !== null) {
    const failure = failureToPromote(promotion)
    if (failure !== null) return failure
  }
  const { onlyLive, onlyReplay, differing } = difference
  const count = promotion === null ? onlyLive + onlyReplay + differing : 0
  if (count === 0 && certificates.equal === certificates.compared) return null
  const what = count > 0 ? `${count} VM windows` : `${certificates.compared - certificates.equal} certificates`
  return new WindrowError(`the replay differs in ${what}`, { code: 'REPLAY_DIFFERS' })
}

/** The command succeeds if every difference was promoted or left for an owner. */
function failureToPromote({ partitions, refused, onlyLive }: PromotionReport): WindrowError | null {
  const failure = unanswered(partitions, null, {
    code: 'PROMOTION_UNDER_WAY',
    remedy: 'The request will be carried out, if necessary by a later owner. Run the same command again to check.',
  })
  if (failure !== null) return failure
  const unreadable = partitionsThat('unreadable', partitions)
  if (unreadable !== '') {
    return new WindrowError(`partitions whose owner could not read the results to promote: ${unreadable}`, {
      code: 'PROMOTION_UNREADABLE',
    })
  }
  if (refused.count > 0) {
    return new WindrowError(`${refused.count} VMs were not promoted`, { code: 'PROMOTION_REFUSED' })
  }
  if (onlyLive === 0) return null
  return new WindrowError(`${onlyLive} results exist only in the live job and cannot be withdrawn`, {
    code: 'ONLY_LIVE',
  })
}
