/**
 * Guesses a mapping from the first records of an input: where the rows are, which field is the time and in which unit, which
 * one identifies the VM, and which are metrics. A guess is for a person to check; the report shows what it is based on.
 */
import { parsePath, valueAt } from '../../adapters/mapping/path.ts'
import type { FieldSource, TimeSource } from '../../adapters/mapping/spec.ts'
import { createTimeReader } from '../../adapters/mapping/time.ts'
import type { WrittenMapping } from '../../config/field-mapping.ts'
import { isNumeric, type SampledCsv } from './rows.ts'

/** What the sample shows of one field. */
export interface FieldFacts {
  readonly path: string
  readonly types: readonly string[]
  readonly examples: readonly string[]
  readonly values: readonly unknown[]
  readonly distinct: number
}

export interface Guess {
  readonly mapping: WrittenMapping
  readonly fields: readonly FieldFacts[]
  readonly needsAnyYear: boolean
  /** What a person should check. */
  readonly notes: readonly string[]
}

/** `null` if no field can be a time. */
export function guessMapping(records: readonly unknown[], csv: SampledCsv | null, file: string | null): Guess | null {
  const found = rowsIn(records, csv)
  if (found === null) return null
  const { rows, path, outer } = found
  const fields = [...factsOf(rows, csv), ...outer]
  const time = timeOf(fields)
  if (time === null) return null
  const notes = [...time.notes]
  const rest = fields.filter((field) => field.path !== time.source.path)
  const seq = rest.find((one) => /^(seq|sequence|seqno|seq_no)$/i.test(lastName(one.path)) && one.values.every(isWhole))
  const named = csv === null ? null : matchedNames(csv.columns)
  const id = named === null ? idOf(rest, csv) : null
  const producer = rest.find((one) => one.path === 'producer')
  const used = [id, seq, producer].filter((one) => one !== undefined && one !== null)
  const metric = metricOf(
    rest.filter((one) => !used.includes(one)),
    fields,
  )
  const value = rest.find((one) => /^(value|val|reading|asDouble)$/i.test(lastName(one.path)) && isMostlyNumeric(one))
  const isCsv = csv !== null
  const vmId: WrittenMapping['vmId'] = id === null ? fileId(file, value !== undefined) : { path: id.path }
  if (named === null && id === null) notes.push('no field names the VM, so its id is taken from the path of the file')
  const labels = labelsOf(rest, id, metric, fields)
  const timestamp: TimeSource = time.source
  const base = { ...(named === null ? { vmId } : {}), timestamp, seq: seq === undefined ? null : { path: seq.path } }
  const decimal = fields.some((one) => one.values.some((v) => typeof v === 'string' && /^-?\d+,\d+$/.test(v)))
    ? (',' as const)
    : null
  const common = {
    ...(path === null ? {} : { records: path }),
    ...base,
    ...(producer === undefined ? { producer: null } : {}),
    ...(decimal === null ? {} : { decimal }),
  }
  if (seq === undefined) notes.push('no field numbers the points, so they are identified by VM, metric and time')
  const result = (mapping: WrittenMapping): Guess => ({ mapping, fields, needsAnyYear: time.needsAnyYear, notes })
  if (named !== null) return result({ ...common, metrics: { match: named } })
  if (value !== undefined) {
    const name = metric === null ? fileMetric(file) : { path: metric.path }
    const withLabels = labels === null ? name : [name, labels]
    return result({ ...common, metric: withLabels, value: { path: value.path } })
  }
  const metrics = rest.filter(
    (one) => !used.includes(one) && one !== metric && isMostlyNumeric(one) && !isTimeLike(one),
  )
  if (metrics.length === 0) return null
  const parent = parentOf(metrics.map((one) => one.path))
  const parts = [...(metric === null ? [] : [{ path: metric.path }]), ...(labels === null ? [] : [labels])]
  return result({
    ...common,
    ...(parts.length === 0 ? {} : { metric: parts }),
    metrics: !isCsv && parent !== null ? [{ in: parent, skipTexts: true }] : metrics.map((one) => one.path),
  })
}

interface FoundRows {
  readonly rows: readonly unknown[]
  /** Path to the arrays of rows; `null`: each record is a row. */
  readonly path: string | null
  /** Fields of what surrounds the rows. */
  readonly outer: readonly FieldFacts[]
}

const MAX_LEVELS = 5

/** The rows are where a time is: in the records themselves, or in arrays within them. */
function rowsIn(records: readonly unknown[], csv: SampledCsv | null): FoundRows | null {
  const flat = records.flatMap((record) => (Array.isArray(record) ? (record as unknown[]) : [record]))
  let level: FoundRows = { rows: flat, path: null, outer: [] }
  for (let depth = 0; depth < MAX_LEVELS; depth++) {
    const facts = factsOf(level.rows, csv)
    if (timeOf(facts) !== null) return level
    const path = arrayIn(level.rows)
    if (path === null) return null
    const steps = parsePath(path) ?? [path]
    const inner = level.rows.flatMap((row) => {
      const list = valueAt(row, steps)
      return Array.isArray(list) ? (list as unknown[]) : []
    })
    level = {
      rows: inner,
      path: level.path === null ? `${path}[]` : `${level.path}.${path}[]`,
      outer: [...level.outer, ...facts],
    }
  }
  return null
}

/** The path of the first array of objects, or of pairs, in the rows; lists of names and values are not among them. */
function arrayIn(rows: readonly unknown[]): string | null {
  for (const row of rows.slice(0, 20)) {
    const found = arrayAt(row, '', 0)
    if (found !== null) return found
  }
  return null
}

function arrayAt(value: unknown, path: string, depth: number): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > 3) return null
  for (const [name, one] of Object.entries(value)) {
    const at = joinPath(path, name)
    if (Array.isArray(one)) {
      const first: unknown = (one as unknown[])[0]
      const isPair =
        typeof first === 'object' && first !== null && 'value' in first && ('name' in first || 'key' in first)
      if (typeof first === 'object' && first !== null && !isPair) return at
    } else {
      const found = arrayAt(one, at, depth + 1)
      if (found !== null) return found
    }
  }
  return null
}

function joinPath(path: string, name: string): string {
  const isSimple = /^[^.[\]"']+$/.test(name)
  if (path === '') return isSimple ? name : `["${name.replace(/["\\]/g, '\\$&')}"]`
  return isSimple ? `${path}.${name}` : `${path}["${name.replace(/["\\]/g, '\\$&')}"]`
}

const MAX_FIELDS = 200
const MAX_EXAMPLES = 3

export function factsOf(rows: readonly unknown[], csv: SampledCsv | null): FieldFacts[] {
  const values = new Map<string, unknown[]>()
  const add = (path: string, value: unknown): void => {
    const list = values.get(path)
    if (list !== undefined) list.push(value)
    else if (values.size < MAX_FIELDS) values.set(path, [value])
  }
  const walk = (value: unknown, path: string, depth: number): void => {
    if (typeof value !== 'object' || value === null) {
      if (path !== '') add(path, value)
    } else if (Array.isArray(value)) {
      for (const [i, one] of (value as unknown[]).entries()) {
        const pair = one as { readonly key?: unknown; readonly name?: unknown; readonly value?: unknown } | null
        const name = typeof pair === 'object' && pair !== null && 'value' in pair ? (pair.key ?? pair.name) : null
        if (typeof name === 'string') add(`${path}["${name}"]`, valueAt(value, [name]))
        else if (depth === 0 && (typeof one !== 'object' || one === null) && i < 10) add(`[${i}]`, one)
      }
    } else if (depth < 4)
      for (const [name, one] of Object.entries(value)) walk(one, csv === null ? joinPath(path, name) : name, depth + 1)
  }
  for (const row of rows) walk(row, '', 0)
  return [...values].map(([path, list]) => ({
    path,
    types: [...new Set(list.map(typeOf))],
    examples: [...new Set(list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))))].slice(
      0,
      MAX_EXAMPLES,
    ),
    values: list,
    distinct: new Set(list).size,
  }))
}

function typeOf(value: unknown): string {
  if (value === null || value === '' || (typeof value === 'string' && /^nan$/i.test(value))) return 'empty'
  if (typeof value === 'string') return isNumeric(value) ? 'number as text' : 'text'
  return typeof value
}

const TIME_NAME =
  /^(@?timestamp.*|time|ts|t|date|datetime|clock|epoch|timeunixnano|time_?stamp.*|.*[_. ]?time|when|at)$/i
const PATTERNS = [
  ...[
    'MM/dd/yyyy HH:mm:ss.SSS',
    'MM/dd/yyyy HH:mm:ss',
    'dd/MM/yyyy HH:mm:ss',
    'dd.MM.yyyy HH:mm:ss',
    'dd.MM.yyyy HH:mm',
  ],
  ...['yyyy/MM/dd HH:mm:ss', 'yyyyMMddHHmmss', 'MM/dd/yyyy h:mm:ss a', 'dd MMM yyyy HH:mm:ss', 'MM/dd/yyyy HH:mm'],
]
const FROM = Date.UTC(2000, 0, 1)
const TO = Date.UTC(2100, 0, 1)

interface TimeGuess {
  readonly source: TimeSource & { readonly path: string }
  readonly score: number
  readonly needsAnyYear: boolean
  readonly notes: readonly string[]
}

function isTimeLike(field: FieldFacts): boolean {
  return timeIn(field) !== null && TIME_NAME.test(lastName(field.path))
}

function timeOf(fields: readonly FieldFacts[]): TimeGuess | null {
  const guesses = fields.map(timeIn).filter((one) => one !== null)
  const best = guesses.sort((a, b) => b.score - a.score)[0]
  return best ?? relativeTime(fields)
}

function timeIn(field: FieldFacts): TimeGuess | null {
  const { path } = field
  const values = field.values.filter((one) => one !== null && one !== '')
  if (values.length === 0) return null
  const named = TIME_NAME.test(lastName(path)) ? 3 : 0
  const fits = (source: TimeSource): boolean => {
    const { unit = 'ms', pattern = null, zone = null } = source
    const reader = createTimeReader({ unit, pattern, zone, origin: null })
    return values.every((one) => {
      const at =
        typeof one === 'number' ? reader.ofNumber(one) : typeof one === 'string' ? reader.ofText(one) : Number.NaN
      return at >= FROM && at < TO
    })
  }
  for (const unit of ['s', 'ms', 'us', 'ns'] as const) {
    if (!values.every(isNumeric) || !fits({ path, unit })) continue
    return { source: { path, unit }, score: 2 + named + (isRising(values) ? 1 : 0), needsAnyYear: false, notes: [] }
  }
  const guess = (source: TimeSource & { readonly path: string }, note?: string): TimeGuess => ({
    ...{ source, score: 4 + named, needsAnyYear: false, notes: note === undefined ? [] : [note] },
  })
  if (fits({ path, unit: 'iso' })) return guess({ path, unit: 'iso' })
  const zoneNote = `${path} names no time zone; UTC is assumed, correct fields.timestamp.zone`
  if (fits({ path, unit: 'iso', zone: 'UTC' })) return guess({ path, unit: 'iso', zone: 'UTC' }, zoneNote)
  const pattern = PATTERNS.find((one) => fits({ path, pattern: one, zone: 'UTC' }))
  return pattern === undefined ? null : guess({ path, pattern, zone: 'UTC' }, zoneNote)
}

/** Numbers that never fall, such as seconds since the beginning of a trace. */
function relativeTime(fields: readonly FieldFacts[]): TimeGuess | null {
  const candidates = fields.filter(
    ({ values, distinct }) => values.length > 1 && distinct > 1 && values.every(isWhole) && isRising(values),
  )
  const field = candidates.find(({ path }) => TIME_NAME.test(lastName(path))) ?? candidates[0]
  if (field === undefined) return null
  const note = `${field.path} counts from its own beginning; seconds since 1970 are assumed. Set fields.timestamp.origin to its date`
  return { source: { path: field.path, unit: 's' }, score: 0, needsAnyYear: true, notes: [note] }
}

function isRising(values: readonly unknown[]): boolean {
  return values.every((one, i) => i === 0 || Number(one) >= Number(values[i - 1]))
}

function isWhole(value: unknown): boolean {
  return isNumeric(value) && Number.isInteger(Number(value))
}

const ID_NAMES = [
  ...[
    /^vm_?id$/i,
    /^(vm|vm_?name)$/i,
    /^host(\.?name|_?id|\.id)?$/i,
    /^(instance|node|machine|server|device)(_?id|_?name)?$/i,
  ],
  ...[/^resource_?id$/i, /^instanceid$/i, /^(item|object|entity)_?id$/i, /^id$/i],
]

function idOf(fields: readonly FieldFacts[], csv: SampledCsv | null): FieldFacts | null {
  for (const name of ID_NAMES) {
    const found = fields.find(
      ({ path, values }) => name.test(lastName(path)) && values.some((one) => one !== null && one !== ''),
    )
    if (found !== undefined) return found
  }
  if (csv?.hasHeader !== false) return null
  return fields.find(({ types }) => types.every((type) => type === 'text')) ?? null
}

const METRIC_NAMES = [/^metric(_?name)?$/i, /^(__name__|name|measurement|counter|key_?|kind)$/i]

function metricOf(fields: readonly FieldFacts[], all: readonly FieldFacts[]): FieldFacts | null {
  const texts = fields.filter(({ types }) => types.includes('text') && types.every((type) => type === 'text'))
  for (const name of METRIC_NAMES) {
    const found =
      texts.find(({ path }) => name.test(lastName(path)) && depthOf(path) === 1) ??
      texts.find(({ path }) => name.test(lastName(path)))
    if (found !== undefined) return all.find(({ path }) => path === found.path) ?? found
  }
  return null
}

/** Labels beside the id or the name that differ within the sample, so that they are part of a metric's identity. */
function labelsOf(
  fields: readonly FieldFacts[],
  id: FieldFacts | null,
  metric: FieldFacts | null,
  all: readonly FieldFacts[],
): { readonly labels: string; readonly except: string[] } | null {
  const parent = [id, metric]
    .map((one) => (one === null ? null : parentPath(one.path)))
    .find((one) => one !== null && one !== '')
  const object =
    parent ??
    ['tags', 'labels', 'attributes', 'dimensions'].find((name) => fields.some(({ path }) => parentPath(path) === name))
  if (object === undefined || object === null) return null
  const members = all.filter(({ path }) => parentPath(path) === object)
  const varying = members.filter(
    (one) => one !== id && one !== metric && one.distinct > 1 && lastName(one.path) !== '__name__',
  )
  if (varying.length === 0) return null
  return { labels: object, except: members.filter((one) => !varying.includes(one)).map(({ path }) => lastName(path)) }
}

function isMostlyNumeric({ types, values }: FieldFacts): boolean {
  return (
    types.some((type) => type === 'number' || type === 'number as text' || type === 'boolean') &&
    values.filter((one) => typeOf(one) === 'text').length * 10 < values.length
  )
}

/** Names of columns such as `\\host\counter`. */
function matchedNames(columns: readonly string[]): string | null {
  const pattern = '^\\\\\\\\(?<vmId>[^\\\\]+)\\\\(?<metric>.+)$'
  const form = new RegExp(pattern)
  return columns.length > 1 && columns.filter((name) => form.test(name)).length >= columns.length - 1 ? pattern : null
}

/** A file of one metric is named after it and lies in a folder of its VM; any other is named after its VM. */
function fileId(file: string | null, isOneMetric: boolean): FieldSource {
  if (file === null) return { key: true }
  const isInFolder = file.replaceAll('\\', '/').includes('/')
  return { file: isOneMetric && isInFolder ? '([^/]+)/[^/]+$' : '([^/]+?)(?:\\.[a-z]+)*$' }
}

function fileMetric(file: string | null): FieldSource {
  return file === null ? { const: 'value' } : { file: '([^/]+?)(?:-\\d{4}-\\d\\d-\\d\\d)?(?:\\.[a-z]+)*$' }
}

function steps(path: string): readonly (string | number)[] {
  return parsePath(path) ?? [path]
}

function lastName(path: string): string {
  return String(steps(path).at(-1))
}

function depthOf(path: string): number {
  return steps(path).length
}

function parentPath(path: string): string {
  const all = steps(path)
  return all.slice(0, -1).reduce<string>((text, step) => joinPath(text, String(step)), '')
}

/** The object that all of the metrics are members of; `null` if they are in the row itself, or in several objects. */
function parentOf(paths: readonly string[]): string | null {
  const parents = new Set(paths.map(parentPath))
  const [only = ''] = parents
  return parents.size === 1 && only !== '' ? only : null
}
