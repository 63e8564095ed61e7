/** `windrow dead-letters list | show | retry`: lists the records that a job rejected, shows one, or sends one or many again. */
import { readFileSync } from 'node:fs'
import { Option } from 'commander'
import type { OpenDeadLetters } from '../app/dead-letters/dead-letters.ts'
import type { DeadLettersConfig, DeadLetterStore } from '../app/dead-letters/store.ts'
import { withDefaults } from '../config/defaults.ts'
import { LOG_PLACE_EXPECTED, parseLogPlace } from '../config/log-place.ts'
import { KAFKA_SECURITY, kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { keptBytes, lineOf } from '../dead-letters/kept-bytes.ts'
import {
  EVERYTHING,
  isRecord,
  isWanted,
  type LetterFilter,
  type NamedLetter,
  type Since,
} from '../dead-letters/letter.ts'
import type { Repair } from '../dead-letters/repair.ts'
import { ConfigurationError, messageOf, WindrowError, type ConfigurationProblem } from '../errors/index.ts'
import { letterListText, letterText, retriedManyText, retriedText, retryProgressText } from '../ui/dead-letters-text.ts'
import { LiveBlock } from '../ui/live-block.ts'
import { createStyle, wantsColour, type Style } from '../ui/style.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addFlagsOf, addSettingFlags } from './flags.ts'
import { loadConfigFile } from './load-config.ts'

const ACTIONS = ['list', 'show', 'retry'] as const
type Action = (typeof ACTIONS)[number]

const DEFAULT_LIMIT = 100

/** The parsed command line. */
interface Options {
  readonly config: DeadLettersConfig
  readonly json: boolean
  readonly id: string
  readonly filter: LetterFilter
  readonly limit: number
  readonly repair: Repair
  /** A retry of all that the filter selects. */
  readonly isMany: boolean
  /** Only for a retry. */
  readonly partition: number | null
  readonly into: string | null
}

/** `load` imports the file readers and the Kafka client. Help and usage errors do not need them. */
export function createDeadLettersCommand(load: () => Promise<OpenDeadLetters>): CliCommand {
  return {
    name: 'dead-letters',
    example: {
      line: 'windrow dead-letters list --reason too-late --reason invalid',
      does: 'of the last run on files in this folder; add --brokers for Kafka',
    },
    configure: (command) => {
      addSettingFlags(command, ['job', 'dataDir', 'brokers', 'deadLetters', 'schemaRegistry'])
      addFlagsOf(command, KAFKA_SECURITY)
      command
        .argument('<list|show|retry>')
        .argument('[id]')
        .option('--reason <reason...>', 'Only these reasons; retry sends all of them as-is')
        .option('--all', 'retry: send all dead letters unchanged')
        .option('--partition <number>', 'list: only this partition; retry: send to this one')
        .option('--since <place>', 'Only from this offset, time, or this long ago')
        .addOption(new Option('--limit <number>', `list: show at most this many (${DEFAULT_LIMIT})`).hideHelp())
        .option('--record <line>', 'retry: send this line of input')
        .option('--file <path>', 'retry: send the line in this file')
        .option('--as-is', 'retry: send the record unchanged')
        .addOption(new Option('--into <path>', 'retry, for a job on files: NDJSON file to append to').hideHelp())
        .option('--json', 'Print JSON, one line per record')
    },
    async run(flags, context, [action, id]) {
      const options = readOptions(flags, context.env, action, id)
      const store = await (await load())(options.config)
      try {
        await ACTS[action as Action](store, options, context)
      } finally {
        await store.close()
      }
      return 0
    },
  }
}

const ACTS: Record<Action, (store: DeadLetterStore, options: Options, context: CliContext) => Promise<void>> = {
  list,
  show,
  retry,
}

async function list(store: DeadLetterStore, options: Options, { env, stdout, signal }: CliContext): Promise<void> {
  const shown: NamedLetter[] = []
  const byReason = new Map<string, number>()
  const others = new Map<string, number>()
  const retried = await store.retried()
  for await (const named of store.letters()) {
    if (signal.aborted) throw stopped()
    const isSelected = isWanted(named, options.filter)
    const counts = isSelected ? byReason : others
    counts.set(named.letter.reason, (counts.get(named.letter.reason) ?? 0) + 1)
    if (!isSelected) continue
    if (options.json) stdout.write(`${JSON.stringify(jsonOf(named, retried))}\n`)
    else if (shown.length < options.limit) shown.push(named)
  }
  if (!options.json) stdout.write(letterListText({ shown, retried, byReason, others }, styleOf(stdout, env)))
}

async function show(store: DeadLetterStore, options: Options, { env, stdout }: CliContext): Promise<void> {
  const named = await find(store, options.id)
  const { letter } = named
  const retried = await store.retried()
  const kept = isRecord(letter) ? keptBytes(letter) : null
  const line = kept?.isWhole === true ? lineOf(await store.decode(kept.bytes)) : null
  const text = options.json
    ? `${JSON.stringify({ ...jsonOf(named, retried), line })}\n`
    : letterText(named, line, retried.has(options.id), styleOf(stdout, env))
  stdout.write(text)
}

async function retry(store: DeadLetterStore, options: Options, context: CliContext): Promise<void> {
  const { env, stdout } = context
  if (options.isMany) return retryMany(store, options, context)
  const letter = await find(store, options.id)
  const done = await store.retry({ letter, repair: options.repair, partition: options.partition, into: options.into })
  stdout.write(options.json ? `${JSON.stringify(done)}\n` : retriedText(done, styleOf(stdout, env)))
}

/** Sends all that the filter selects. What was sent is printed even if the command is stopped. */
async function retryMany(store: DeadLetterStore, options: Options, context: CliContext): Promise<void> {
  const { env, stdout, stderr, signal } = context
  let latest = ''
  const look = { lines: () => [latest], plainLine: () => latest }
  const block = new LiveBlock(stderr, look, () => performance.now())
  const done = await store.retryMany({
    letters: selectedIn(store, options.filter),
    into: options.into,
    signal,
    onProgress: (counts) => {
      latest = retryProgressText(counts)
      block.changed()
    },
  })
  if (latest !== '') block.draw()
  stdout.write(options.json ? `${JSON.stringify(done)}\n` : retriedManyText(done, styleOf(stdout, env)))
  if (done.isStopped) throw stopped()
  const { sent, sentBefore, cameBack, read } = done
  if (read === 0 || sent + sentBefore + cameBack > 0) return
  throw new WindrowError(`none of ${read} dead letters can be sent unchanged`, {
    code: 'RETRY_IN_VAIN',
    remedy: 'Correct the setting that they fail by (the fields, the schema registry), or repair each with --record.',
  })
}

async function* selectedIn(store: DeadLetterStore, filter: LetterFilter): AsyncGenerator<NamedLetter> {
  for await (const named of store.letters()) if (isWanted(named, filter)) yield named
}

async function find(store: DeadLetterStore, id: string): Promise<NamedLetter> {
  for await (const named of store.letters()) if (named.id === id) return named
  throw new WindrowError(`there is no dead letter ${id}`, { code: 'NO_SUCH_DEAD_LETTER' })
}

function jsonOf({ id, letter, publishedAtMs }: NamedLetter, retried: ReadonlySet<string>): object {
  return { id, ...letter, ...(publishedAtMs === null ? {} : { publishedAtMs }), retried: retried.has(id) }
}

function styleOf(screen: CliContext['stdout'], env: CliContext['env']): Style {
  return createStyle(wantsColour(screen.isTTY === true, env))
}

function stopped(): WindrowError {
  return new WindrowError('stopped before all dead letters were read', {
    code: 'STOPPED',
    remedy: 'Run the command again.',
  })
}

/** The command's own flags, as commander parses them. The others are settings. */
interface Flags {
  readonly reason?: readonly string[]
  readonly all?: true
  readonly partition?: string
  readonly since?: string
  readonly limit?: string
  readonly record?: string
  readonly file?: string
  readonly asIs?: true
  readonly into?: string
}
type FlagName = keyof Flags

const FLAGS_OF_ACTION: Record<Action, readonly FlagName[]> = {
  list: ['reason', 'partition', 'since', 'limit'],
  show: [],
  retry: ['partition', 'record', 'file', 'asIs', 'into', 'reason', 'all', 'since'],
}

/** Throws a ConfigurationError that lists every problem. */
function readOptions(
  given: Readonly<Record<string, unknown>>,
  env: CliContext['env'],
  action: string | undefined,
  id: string | undefined,
): Options {
  if (!ACTIONS.includes(action as Action)) {
    const remedy = `Give one of ${ACTIONS.join(', ')}.`
    throw new ConfigurationError([{ place: 'action', problem: `there is no dead-letters ${action}`, remedy }])
  }
  // For a retry, --partition is the target; for a list, a filter. Neither is the setting `partitions`.
  const { partition: _partition, ...settingFlags } = given
  const flags = given as Flags
  const {
    values,
    places,
    broken,
    problems: wrong,
  } = readSettings({ flags: settingFlags, env, file: loadConfigFile(given, env) })
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (place: string, problem: string, remedy: string): void => void problems.push({ place, problem, remedy })
  // If neither `source` nor `input` is given, brokers mean Kafka: a job on files has none.
  const source = values.source ?? ((values.brokers?.length ?? 0) > 0 && values.input === undefined ? 'kafka' : 'files')
  const config = withDefaults({ ...values, ...(broken.has('source') ? {} : { source }) }, broken)
  problems.push(...kafkaRules(config, placeIn(places)))
  if (config.deadLetters?.kind === 'kafka' && config.brokers?.length === 0)
    add('--brokers', 'a topic of dead letters requires brokers', 'Give --brokers host:port.')

  const meant = new Set(FLAGS_OF_ACTION[action as Action])
  for (const name of new Set(Object.values(FLAGS_OF_ACTION).flat()))
    if (flags[name] !== undefined && !meant.has(name))
      add(`--${name === 'asIs' ? 'as-is' : name}`, `does not apply to dead-letters ${action}`, 'Leave it out.')
  const isMany = action === 'retry' && (flags.reason !== undefined || flags.all === true)
  if (isMany && id !== undefined) add('id', `${id} does not apply to a retry of many`, 'Leave out --reason and --all.')
  if (action === 'retry' && !isMany && flags.since !== undefined)
    add('--since', 'does not apply to a retry of one', 'Leave it out, or give --reason.')
  for (const name of isMany ? (['record', 'file'] as const) : [])
    if (flags[name] !== undefined)
      add(`--${name}`, 'does not apply to a retry of many, which sends records unchanged', 'Leave it out.')
  if (isMany && flags.partition !== undefined)
    add('--partition', 'does not apply: each record goes to the partition that it was refused in', 'Leave it out.')
  if (action !== 'list' && !isMany && id === undefined)
    add('id', 'is not given', 'Give an id from windrow dead-letters list.')
  if (action === 'list' && id !== undefined) add('id', `${id} does not apply to dead-letters list`, 'Leave it out.')
  const number = (name: 'partition' | 'limit'): number | null => {
    const text = flags[name]
    if (text === undefined) return null
    if (/^\d{1,9}$/.test(text)) return Number(text)
    add(`--${name}`, `${JSON.stringify(text)} is not a whole number`, 'Give one.')
    return null
  }
  const filter = {
    ...EVERYTHING,
    reasons: flags.reason ?? [],
    partition: number('partition'),
    since: readSince(flags.since, config.deadLetters, add),
  }
  const limit = number('limit') ?? DEFAULT_LIMIT
  const repair = action === 'retry' && !isMany ? readRepair(flags, add) : null
  if (problems.length > 0) throw new ConfigurationError(problems)
  return {
    // There is no problem, so every setting is valid: given, or its default.
    config: config as Config,
    json: (config as Config).json,
    id: id ?? '',
    filter,
    limit,
    repair: repair ?? { kind: 'as-is' },
    isMany,
    partition: filter.partition,
    into: flags.into ?? null,
  }
}

type Add = (place: string, problem: string, remedy: string) => void

function readSince(text: string | undefined, where: Config['deadLetters'] | undefined, add: Add): Since | null {
  if (text === undefined) return null
  const place = parseLogPlace(text, Date.now())
  if (place === null)
    add('--since', `${JSON.stringify(text)} is not a position in a log`, `Give ${LOG_PLACE_EXPECTED}.`)
  else if (place.kind === 'offset') return { offset: place.offset }
  else if (place.kind === 'time') {
    if (where?.kind !== 'file') return { atMs: place.atMs }
    add('--since', 'dead letters in a file have no time', 'Give a record number, as in the ids of the dead letters.')
  }
  return null
}

function readRepair(flags: Flags, add: Add): Repair | null {
  const given = (['record', 'file', 'asIs'] as const).filter((name) => flags[name] !== undefined)
  if (given.length !== 1) {
    const problem = given.length === 0 ? 'no record to send is given' : 'more than one record to send is given'
    add('--record', problem, 'Give one of --record LINE, --file PATH, --as-is.')
    return null
  }
  if (flags.asIs === true) return { kind: 'as-is' }
  if (flags.record !== undefined) return { kind: 'line', line: flags.record.trim() }
  const path = flags.file as string
  try {
    const line = readFileSync(path, 'utf8').trim()
    if (!line.includes('\n')) return { kind: 'line', line }
    add('--file', `${path} has several lines`, 'Give a file with only the line to send.')
  } catch (error) {
    add('--file', `cannot read ${JSON.stringify(path)} (${messageOf(error)})`, 'Give a readable file.')
  }
  return null
}
