/** Rules between settings. A rule is checked only if every setting that it uses is valid on its own. */
import type { ConfigurationProblem } from '../errors/index.ts'
import { fileSetting } from '../sinks/files/setting.ts'
import { topicSetting } from '../sinks/kafka/setting.ts'
import { destinationOf, formsOfSinks, sinkOf } from '../sinks/registry.ts'
import type { SinkSetting } from '../sinks/sink.ts'
import type { Incomplete } from './defaults.ts'
import type { CalendarUnit } from '../core/windowing.ts'
import { durationText } from '../core/durations.ts'
import { kafkaRules } from './kafka-rules.ts'
import type { SettingKey } from './settings.ts'

/** daprd 1.18 can deadlock if more than 100 instances deactivate at once. Parent workflows count too. */
const MAX_IN_FLIGHT_DAPRD = 90

/** The places where values were given, for messages. */
export interface Places {
  isGiven(key: SettingKey): boolean
  /** The place where the setting was given, or its flag if it was not given. */
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
    add('input', 'no input is given', 'Give --input PATH for files, or --brokers LIST and --topic NAME for Kafka.')
    return problems
  }
  if (source === 'kafka') {
    if (brokers?.length === 0) add('brokers', 'Kafka requires brokers', 'Give --brokers host:port.')
    if (topic === null) add('topic', 'Kafka requires a topic', 'Give --topic NAME.')
    if (input !== undefined && input.length > 0) {
      add('input', 'the source is Kafka, but an input is given too', 'Leave out --input, or give --source files.')
    }
    if (format === 'csv') add('format', 'csv is read from files only', 'Give avro, ndjson (JSON) or auto.')
  }
  if (source === 'files') {
    if (input?.length === 0) add('input', 'the source is files, but none is given', 'Give --input PATH.')
    if (once === false) add('once', 'files are always read once', 'Leave it out, or read from Kafka.')
  }
  if (input !== undefined && input.filter((path) => path === '-').length > 1) {
    add('input', 'standard input is named more than once', 'Give - once.')
  }
  return problems
}

function windowRules(
  { window, offsetMs, timeZone, graceMs, deadlineMs, expectEveryMs }: Incomplete,
  places: Places,
): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string) =>
    problems.push({ place: places.of(key), problem, remedy })
  if (graceMs !== undefined && deadlineMs !== undefined && deadlineMs < graceMs) {
    problems.push({
      place: places.of('deadlineMs'),
      problem: `the deadline of ${durationText(deadlineMs)} is below the grace of ${durationText(graceMs)}`,
      remedy: `Give a deadline of ${durationText(graceMs)} or more, or a shorter grace.`,
    })
  }
  if (window === undefined) return problems
  const isCalendar = typeof window !== 'number'
  const shortestMs = isCalendar ? SHORTEST_MS[window] : window
  if (typeof expectEveryMs === 'number' && expectEveryMs > shortestMs) {
    const shown = isCalendar ? `a ${window}, which may have ${durationText(shortestMs)}` : durationText(window)
    add(
      'expectEveryMs',
      `${durationText(expectEveryMs)} is longer than the window of ${shown}`,
      `Give ${isCalendar ? durationText(shortestMs) : 'the window'} or less, so that every window expects a point.`,
    )
  }
  if (!isCalendar && offsetMs !== undefined && offsetMs >= window) {
    const problem = `the offset of ${durationText(offsetMs)} is not below the window of ${durationText(window)}`
    add('offsetMs', problem, 'Give an offset below the window.')
  }
  if (isCalendar && offsetMs !== undefined && offsetMs > 0) {
    const problem = `windows of a ${window} begin where the ${window} begins in their time zone`
    add('offsetMs', problem, 'Leave out the offset, or give a window such as 1d.')
  }
  if (isCalendar && timeZone === null) {
    const problem = `windows of a ${window} require a time zone`
    add('timeZone', problem, 'Give --time-zone, such as Europe/Berlin or UTC.')
  }
  if (!isCalendar && typeof timeZone === 'string') {
    const problem = `windows of ${durationText(window)} have no time zone`
    add('timeZone', problem, 'Leave it out, or give the window day, week or month.')
  }
  if (window !== 'week' && places.isGiven('weekStart')) {
    add('weekStart', 'only the window week has a first day', 'Leave it out, or give the window week.')
  }
  return problems
}

/** The shortest regular window, where a clock is set forward by two hours. */
const SHORTEST_MS: Readonly<Record<CalendarUnit, number>> = {
  day: 22 * 3_600_000,
  week: (7 * 24 - 2) * 3_600_000,
  month: (28 * 24 - 2) * 3_600_000,
}

const COMPANIONS = [
  ['deadLetters', 'dead letters'],
  ['certificates', 'certificates'],
] as const

function outputRules(config: Incomplete, places: Places): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string) =>
    problems.push({ place: places.of(key), problem, remedy })
  /** Every destination that is already read or written, with its use. */
  const taken = new Map<string, string>()
  for (const path of config.input ?? []) taken.set(destinationOf(fileSetting(path)), 'the input')
  const topic = (name: string): string => destinationOf(topicSetting(name))
  if (config.source === 'kafka' && typeof config.topic === 'string') taken.set(topic(config.topic), 'the input')
  if (config.job !== undefined) {
    taken.set(topic(`${config.job}-published`), 'the marker of published commits')
    taken.set(topic(`${config.job}-retried`), 'the topic of dead-letter retries')
  }
  const take = (key: SettingKey, setting: SinkSetting, called: string): void => {
    const destination = destinationOf(setting)
    const other = taken.get(destination)
    if (other !== undefined) add(key, `${destination} is already ${other}`, 'Name another destination.')
    taken.set(destination, `where ${called} go`)
  }

  const { results, brokers, sidecar } = config
  for (const setting of results ?? []) take('results', setting, 'results')
  for (const [key, called] of COMPANIONS) if (config[key] !== undefined) take(key, config[key], called)
  if (results === undefined) return problems

  const kinds = new Set<string>()
  for (const setting of results) {
    const sink = sinkOf(setting)
    const { form, needsBrokers, allowsSeveral } = sink
    if (needsBrokers && brokers?.length === 0 && config.source !== 'kafka') {
      add('brokers', `${destinationOf(setting)} requires brokers`, 'Give --brokers host:port.')
    }
    if (sink.needsDaprd?.(setting) === true && sidecar === 'embedded') {
      add('sidecar', `${destinationOf(setting)} requires a component of a daprd`, 'Give --sidecar dapr.')
    }
    if (kinds.has(setting.kind) && allowsSeveral !== true) {
      add('results', `a job publishes to one ${form} only`, 'Leave out all but one.')
    }
    kinds.add(setting.kind)
  }
  const forms = formsOfSinks((sink) => sink.companions !== undefined)
  if (results.every((setting) => sinkOf(setting).companions === undefined)) {
    const problem = 'no destination stores dead letters and certificates'
    add('results', problem, `Give ${forms} as well.`)
    return problems
  }
  for (const [key, called] of COMPANIONS) {
    const setting = config[key]
    if (setting === undefined) continue
    if (sinkOf(setting).companions === undefined) {
      add(key, `a ${sinkOf(setting).form} does not store ${called}`, `Give ${forms}.`)
      continue
    }
    if (kinds.has(setting.kind)) continue
    const problem = `results and ${called} are published in one step, and no results go to a ${sinkOf(setting).form}`
    add(key, problem, 'Give destinations of the same kind, such as both kafka:TOPIC.')
  }
  return problems
}

function sidecarRules({ sidecar, maxInFlight }: Incomplete, places: Places): ConfigurationProblem[] {
  if (sidecar !== 'dapr' || maxInFlight === undefined || maxInFlight <= MAX_IN_FLIGHT_DAPRD) return []
  const problem = `${maxInFlight} workflows in flight can deadlock a daprd`
  return [{ place: places.of('maxInFlight'), problem, remedy: `Give ${MAX_IN_FLIGHT_DAPRD} or fewer.` }]
}
