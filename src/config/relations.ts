/** What settings demand of each other. Each rule is judged only when all that it speaks of is valid in itself. */
import { normalize } from 'node:path'
import type { ConfigurationProblem } from '../errors/index.ts'
import type { Incomplete } from './defaults.ts'
import { durationText } from '../core/durations.ts'
import { kafkaRules } from './kafka-rules.ts'
import type { Output } from './kinds.ts'
import type { SettingKey } from './settings.ts'

/** daprd 1.18 can deadlock when over 100 instances deactivate at once; parents and stragglers count too. */
const MAX_IN_FLIGHT_DAPRD = 90

/** Where the values come from, for messages. */
export interface Places {
  isGiven(key: SettingKey): boolean
  /** Where the setting was given, or its flag when it was not. */
  of(key: SettingKey): string
}

export function checkRelations(config: Incomplete, places: Places): ConfigurationProblem[] {
  return [
    ...inputRules(config, places),
    ...kafkaRules(config, (key) => places.of(key)),
    ...windowRules(config, places),
    ...outputRules(config, places),
    ...sidecarRules(config, places),
  ]
}

function inputRules(
  { source, input, brokers, topic, once, format }: Incomplete,
  places: Places,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string) =>
    problems.push({ place: places.of(key), problem, remedy })
  const isNothingGiven = input?.length === 0 && topic === null && brokers?.length === 0
  if (isNothingGiven && !places.isGiven('source')) {
    add(
      'input',
      'there is nothing to read',
      'Give --input PATH for files, or --brokers LIST and --topic NAME for Kafka.',
    )
    return problems
  }
  if (source === 'kafka') {
    if (brokers?.length === 0) add('brokers', 'Kafka needs brokers', 'Give --brokers host:port.')
    if (topic === null) add('topic', 'Kafka needs a topic', 'Give --topic NAME.')
    if (input !== undefined && input.length > 0) {
      add('input', 'Kafka is the source, and an input is given too', 'Leave out --input, or give --source files.')
    }
    if (format === 'csv') add('format', 'csv is read from files only', 'Give avro, ndjson (JSON) or auto.')
  }
  if (source === 'files') {
    if (input?.length === 0) add('input', 'files are the source, and none is given', 'Give --input PATH.')
    if (once === false) add('once', 'false does not go with files, which end', 'Leave it out, or read from Kafka.')
  }
  if (input !== undefined && input.filter((path) => path === '-').length > 1) {
    add('input', 'standard input is named more than once', 'Give - once.')
  }
  return problems
}

function windowRules(
  { windowMs, graceMs, deadlineMs, expectEveryMs }: Incomplete,
  places: Places,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  if (graceMs !== undefined && deadlineMs !== undefined && deadlineMs < graceMs) {
    problems.push({
      place: places.of('deadlineMs'),
      problem: `the deadline of ${durationText(deadlineMs)} is below the grace of ${durationText(graceMs)}`,
      remedy: `Give a deadline of ${durationText(graceMs)} or more, or a shorter grace.`,
    })
  }
  if (windowMs !== undefined && typeof expectEveryMs === 'number' && windowMs % expectEveryMs !== 0) {
    problems.push({
      place: places.of('expectEveryMs'),
      problem: `${durationText(expectEveryMs)} does not divide the window of ${durationText(windowMs)} evenly`,
      remedy: 'Give one that does, so that every window expects the same count.',
    })
  }
  return problems
}

const OUTPUTS = [
  ['results', 'results'],
  ['deadLetters', 'dead letters'],
  ['certificates', 'certificates'],
] as const

function outputRules(config: Incomplete, places: Places): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  /** Everything that is read or written, by a text that is equal for equal places. */
  const taken = new Map<string, string>()
  for (const path of config.input ?? []) taken.set(`file ${normalize(path)}`, 'the input')
  if (config.source === 'kafka' && typeof config.topic === 'string') taken.set(`topic ${config.topic}`, 'the input')
  if (config.job !== undefined) {
    taken.set(`topic ${config.job}-published`, 'the marker of what is published')
    taken.set(`topic ${config.job}-retried`, 'where retries of dead letters are noted')
  }

  for (const [key, called] of OUTPUTS) {
    const output = config[key]
    if (output === undefined) continue
    const id = idOf(output)
    const other = taken.get(id)
    if (other !== undefined) {
      problems.push({
        place: places.of(key),
        problem: `${id} is ${other} already`,
        remedy: 'Name another file or topic.',
      })
    }
    taken.set(id, `where ${called} go`)
  }
  const { results } = config
  if (results?.kind === 'kafka' && config.source === 'files') {
    const problem = 'results of files go to files'
    problems.push({
      place: places.of('results'),
      problem,
      remedy: 'Give FILE.ndjson, or bring the files into a topic first: windrow produce.',
    })
    return problems
  }
  for (const [key, called] of OUTPUTS) {
    const output = config[key]
    if (results === undefined || output === undefined || output.kind === results.kind) continue
    const problem = `results and ${called} are published in one step, and cannot go one to a file and one to Kafka`
    problems.push({ place: places.of(key), problem, remedy: 'Give both FILE.ndjson or both kafka:TOPIC.' })
  }
  return problems
}

function idOf(output: Output): string {
  return output.kind === 'kafka' ? `topic ${output.topic}` : `file ${normalize(output.path)}`
}

function sidecarRules({ sidecar, maxInFlight }: Incomplete, places: Places): ConfigurationProblem[] {
  if (sidecar !== 'dapr' || maxInFlight === undefined || maxInFlight <= MAX_IN_FLIGHT_DAPRD) return []
  const problem = `${maxInFlight} workflows in flight can deadlock a daprd`
  return [{ place: places.of('maxInFlight'), problem, remedy: `Give ${MAX_IN_FLIGHT_DAPRD} or fewer.` }]
}
