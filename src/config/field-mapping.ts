/**
 * The setting `fields`: maps the records of an input to points. A field is the name of the record's field, or a source with
 * options; docs/reference/input.md describes all of them.
 */
import { parsePath } from '../adapters/mapping/path.ts'
import type { MetricsSource, RecordMappingSpec, TimeSource } from '../adapters/mapping/spec.ts'
import { levelsOf } from '../adapters/mapping/record-levels.ts'
import { createTimeReader } from '../adapters/mapping/time.ts'
import { closest } from './closest.ts'
import { show, type Kind, type Parsed, type ValueProblem } from './kinds.ts'

type Checked = (raw: unknown) => string | null

const SOURCE_KEYS = ['path', 'labels', 'file', 'key', 'header', 'const', 'any', 'join'] as const
const OPTION_KEYS = ['except', 'by', 'match', 'lower', 'optional'] as const
const TIME_KEYS = ['unit', 'pattern', 'zone', 'origin'] as const
const METRIC_KEYS = ['in', 'only', 'except', 'match', 'skipTexts', 'unit'] as const
const UNITS = ['s', 'ms', 'us', 'ns', 'iso']

/** What is wrong with a field, or `null`. */
const checkField: Checked = (raw) => {
  if (typeof raw === 'string') return raw === '' ? 'a field name is empty' : null
  if (Array.isArray(raw)) return raw.length === 0 ? 'the list of parts is empty' : firstProblem(raw, checkField)
  if (!isMap(raw)) return `${show(raw)} is not a field name`
  return checkSource(raw, [])
}

const checkTime: Checked = (raw) => {
  if (typeof raw === 'string') return checkField(raw)
  if (!isMap(raw)) return `${show(raw)} is not a field name`
  const problem = checkSource(raw, TIME_KEYS)
  if (problem !== null) return problem
  const { unit = 'ms', pattern = null, zone = null, origin = null } = raw as TimeSource
  if (!UNITS.includes(unit)) return `unit ${show(unit)} is not one of ${UNITS.join(', ')}`
  return thrownBy(() => createTimeReader({ unit, pattern, zone, origin }))
}

const checkValue: Checked = (raw) => {
  if (!isMap(raw)) return checkField(raw)
  const { unit, ...source } = raw
  return checkUnit(unit) ?? checkSource(source, [])
}

/** A unit, or several with their factors. */
function checkUnit(unit: unknown): string | null {
  if (unit === undefined || (typeof unit === 'string' && unit !== '')) return null
  const factors = isMap(unit) ? Object.values(unit) : []
  if (factors.length > 0 && factors.every((one) => typeof one === 'number' && Number.isFinite(one) && one !== 0))
    return null
  return `unit is ${show(unit)}, expected a text such as "%", or units with their factors such as {ms: 1, s: 1000}`
}

function checkSource(raw: Readonly<Record<string, unknown>>, more: readonly string[]): string | null {
  const unknown = checkKeys(raw, [...SOURCE_KEYS, ...OPTION_KEYS, ...more])
  if (unknown !== null) return unknown
  const given = SOURCE_KEYS.filter((key) => raw[key] !== undefined)
  if (given.length !== 1) return `a field has exactly one of ${SOURCE_KEYS.join(', ')}`
  const { path, labels, file, header, const: constant, key, any, join, match, by, except } = raw
  for (const text of [path, labels, file, header, constant, match, by, ...more.map((one) => raw[one])]) {
    if (text !== undefined && typeof text !== 'string') return `${show(text)} is not text`
  }
  if (key !== undefined && key !== true) return `key is ${show(key)}, expected true`
  if (except !== undefined && !isTexts(except)) return `except is ${show(except)}, expected a list of names`
  for (const flag of ['lower', 'optional'] as const) {
    if (raw[flag] !== undefined && typeof raw[flag] !== 'boolean')
      return `${flag} is ${show(raw[flag])}, expected true or false`
  }
  for (const list of [any, join]) {
    if (list !== undefined && (!Array.isArray(list) || list.length === 0))
      return `${show(list)} is not a list of fields`
    const problem = firstProblem((list ?? []) as unknown[], checkField)
    if (problem !== null) return problem
  }
  return checkPattern(file) ?? checkPattern(match)
}

const checkMetrics: Checked = (raw) => {
  const list = Array.isArray(raw) ? (raw as unknown[]) : [raw]
  if (list.length === 0) return 'the list of metrics is empty'
  return firstProblem(list, (one) => {
    if (typeof one === 'string') return one === '' ? 'the name of a metric is empty' : null
    if (!isMap(one)) return `${show(one)} is neither the name of a metric nor {${METRIC_KEYS.join(', ')}}`
    const { in: path, only, except, match, skipTexts } = one
    if (path !== undefined && (typeof path !== 'string' || parsePath(path) === null))
      return `in is ${show(path)}, which is no path`
    if (only !== undefined && !isTexts(only)) return `only is ${show(only)}, expected a list of names`
    if (except !== undefined && !isTexts(except)) return `except is ${show(except)}, expected a list of names`
    if (match !== undefined && typeof match !== 'string')
      return `match is ${show(match)}, expected a regular expression`
    if (skipTexts !== undefined && typeof skipTexts !== 'boolean')
      return `skipTexts is ${show(skipTexts)}, expected true or false`
    return checkKeys(one, METRIC_KEYS) ?? checkPattern(match) ?? checkUnit(one['unit'])
  })
}

const checkRecords: Checked = (raw) => {
  const list = Array.isArray(raw) ? (raw as unknown[]) : [raw]
  if (list.length === 0 || !isTexts(list)) return `${show(raw)} is not a path such as records[], or a list of them`
  return firstProblem(list, (path) => thrownBy(() => levelsOf(path as string)))
}

const checkDecimal: Checked = (raw) =>
  raw === ',' || raw === '.' ? null : `decimal is ${show(raw)}, expected "," or "."`

/** Only `producer` and `seq` can be `null`: the records have no such field. */
const nullable =
  (check: Checked): Checked =>
  (raw) =>
    raw === null ? null : check(raw)

/** What may be given, and how each is checked. */
const SHAPE: Readonly<Record<keyof WrittenMapping, Checked>> = {
  vmId: checkField,
  producer: nullable(checkField),
  metric: checkField,
  timestamp: checkTime,
  seq: nullable(checkField),
  value: checkValue,
  metrics: checkMetrics,
  records: checkRecords,
  decimal: checkDecimal,
}

const BY_NAME = { vmId: 'vmId', producer: 'producer', timestamp: 'timestamp', seq: 'seq', value: 'value' } as const

function parse(raw: unknown): Parsed<FieldMapping> {
  if (!isMap(raw)) return { problems: [{ path: [], problem: `${show(raw)} is not an object` }] }
  const problems: ValueProblem[] = []
  const given: Record<string, unknown> = {}
  for (const [key, check] of Object.entries(SHAPE)) {
    if (raw[key] === undefined) continue
    const problem = check(raw[key])
    if (problem !== null) problems.push({ path: [key], problem })
    given[key] = raw[key]
  }
  const unknown = Object.keys(raw).filter((key) => !Object.hasOwn(SHAPE, key))
  if (unknown.length > 0) problems.push({ path: [], problem: unknownKeys(unknown) })
  return problems.length > 0 ? { problems } : { value: mappingOf(given) }
}

function mappingOf({ metric, metrics, records, decimal, ...fields }: WrittenMapping): FieldMapping {
  return {
    ...BY_NAME,
    ...fields,
    // Several metrics per record are named by their fields; what stands before them is given explicitly.
    metric: metric ?? (metrics === undefined ? 'metric' : null),
    ...(metrics === undefined ? {} : { metrics: listOf(metrics) }),
    ...(records === undefined ? {} : { records: listOf(records) }),
    ...(decimal === undefined ? {} : { decimal }),
  }
}

/** For each field of a point, where the record has it. `null`: the records have no such field. */
export type FieldMapping = RecordMappingSpec

/** The setting as users write it. */
export type WrittenMapping = Partial<Omit<RecordMappingSpec, 'metrics' | 'records'>> & {
  readonly metrics?: string | MetricsSource | readonly (string | MetricsSource)[]
  readonly records?: string | readonly string[]
}

export function fieldMapping(): Kind<FieldMapping> {
  return { parse, expects: `an object with any of ${Object.keys(SHAPE).join(', ')}`, placeholder: '<object>' }
}

function unknownKeys(keys: readonly string[]): string {
  return keys
    .map((key) => {
      const meant = closest(key, Object.keys(SHAPE))
      return `there is no field ${show(key)}${meant === null ? '' : ` (did you mean ${meant}?)`}`
    })
    .join('; ')
}

function checkKeys(raw: Readonly<Record<string, unknown>>, known: readonly string[]): string | null {
  const unknown = Object.keys(raw).find((key) => !known.includes(key))
  if (unknown === undefined) return null
  const meant = closest(unknown, known)
  return `there is no option ${show(unknown)}${meant === null ? '' : ` (did you mean ${meant}?)`}`
}

function checkPattern(pattern: unknown): string | null {
  return typeof pattern === 'string' ? thrownBy(() => new RegExp(pattern)) : null
}

function thrownBy(act: () => unknown): string | null {
  try {
    act()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function firstProblem(list: readonly unknown[], check: Checked): string | null {
  for (const one of list) {
    const problem = check(one)
    if (problem !== null) return problem
  }
  return null
}

function listOf<T>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? (one as readonly T[]) : [one as T]
}

function isTexts(raw: unknown): raw is string[] {
  return Array.isArray(raw) && raw.every((one) => typeof one === 'string' && one !== '')
}

function isMap(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw)
}
