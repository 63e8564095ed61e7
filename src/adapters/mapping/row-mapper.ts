/** Compiles a mapping for the rows of one input: the current row in, its entries out. */
import { joinEntries } from '../../core/entries.ts'
import type { DataPoint, Decoded, DecodedEntry } from '../../core/point.ts'
import { checkPoint } from '../../core/shape.ts'
import { quote, undecodable } from './undecodable.ts'
import type { FieldSpec, MetricsSource, RecordMappingSpec, TimeSource, ValueSource, ValueUnit } from './spec.ts'
import {
  compileText,
  isLabels,
  isList,
  MissingColumn,
  nameOf,
  pathsOf,
  type RowAccess,
  type TextGetter,
} from './text.ts'
import { createTimeReader, implausibleTime, isPlausible, type TimeReader, withLikelyUnit } from './time.ts'
import { expectedValue, NOT_A_VALUE, readValue, unitReader, type MetricValueReader } from './value.ts'

export interface RowMapperOptions {
  /** Times whose unit is most likely another one are refused. */
  readonly checkYears: boolean
  /** Text that stands before what is wrong, such as the place of the row in its record. */
  readonly place: () => string
}

/** Maps the current row. */
export interface RowMapper {
  /** The row as a record of its own. */
  decode(): Decoded
  /** Adds the entries of the row to those of its record. */
  addTo(out: DecodedEntry[]): void
}

/** Throws a MissingColumn, or a RangeError for a time format that cannot be used. */
export function compileRow(spec: RecordMappingSpec, access: RowAccess, options: RowMapperOptions): RowMapper {
  if (spec.metrics !== undefined) return compileWideRow(spec, access, options)
  const { place } = options
  const wrong = (detail: string): DecodedEntry => undecodable('invalid', place() + detail)
  const readTime = compileTime(spec.timestamp, access, options)
  const readSeq = compileSeq(spec.seq, access)
  const readVmId = compileText(spec.vmId, access, '/')
  const readProducer = compileProducer(spec.producer, access)
  const readMetric = spec.metric === null ? null : compileText(spec.metric, access, '.')
  const readRaw = compileValue(spec.value, access)
  const unit = unitOf(spec.value)
  const read = valueReader(unit, spec.decimal === ',')
  const isPlain = unit === undefined

  const decode = (): DecodedEntry => {
    const vmId = readVmId()
    if (vmId === null || vmId === '') return wrong(noVmId(spec))
    const timestamp = readTime()
    if (typeof timestamp !== 'number') return timestamp
    const seq = readSeq === null ? null : readSeq()
    if (seq !== null && !Number.isSafeInteger(seq)) return wrong(noSeq(spec))
    const producer = readProducer === null ? '' : readProducer()
    if (producer === null) return wrong(noProducer(spec))
    const metric = readMetric === null ? null : readMetric()
    if (metric === null || metric === '') {
      return wrong(`${spec.metric === null ? 'metric' : nameOf(spec.metric)} is missing or no text, expected a metric`)
    }
    const raw = readRaw()
    if (raw === undefined) return wrong(`${nameOf(spec.value)} is missing, expected a number`)
    const value = isPlain && typeof raw === 'number' && raw - raw === 0 ? raw : read(raw)
    if (typeof value !== 'number') return noNumber({ vmId, producer, metric, timestamp, seq, value: 0 }, value, raw)
    const point = { vmId, producer, metric, timestamp, seq, value }
    const problem = checkPoint(point)
    return problem === null ? { kind: 'point', point } : wrong(problem)
  }
  const noNumber = (point: DataPoint, value: symbol, raw: unknown): DecodedEntry =>
    withoutNumber(point, value, wrong, () => `${nameOf(spec.value)} is ${quote(raw)}, expected ${expectedValue(unit)}`)
  return { decode, addTo: (out) => void out.push(decode()) }
}

/** Several metrics per row. */
function compileWideRow(spec: RecordMappingSpec, access: RowAccess, options: RowMapperOptions): RowMapper {
  const { place } = options
  const wrong = (detail: string): DecodedEntry => undecodable('invalid', place() + detail)
  const readTime = compileTime(spec.timestamp, access, options)
  const readSeq = compileSeq(spec.seq, access)
  const readVmId = isMatchedVmId(spec) ? null : compileText(spec.vmId, access, '/')
  const readProducer = compileProducer(spec.producer, access)
  const readEach = compileMetrics(spec, access)

  const addTo = (out: DecodedEntry[]): void => {
    const rowVmId = readVmId === null ? '' : readVmId()
    if (rowVmId === null || (readVmId !== null && rowVmId === '')) return void out.push(wrong(noVmId(spec)))
    const timestamp = readTime()
    if (typeof timestamp !== 'number') return void out.push(timestamp)
    const seq = readSeq === null ? null : readSeq()
    if (seq !== null && !Number.isSafeInteger(seq)) return void out.push(wrong(noSeq(spec)))
    const producer = readProducer === null ? '' : readProducer()
    if (producer === null) return void out.push(wrong(noProducer(spec)))
    const before = out.length
    const visit: Visit = (metric, ofVm, raw, { read, unit }) => {
      const vmId = ofVm ?? rowVmId
      const value = unit === undefined && typeof raw === 'number' && raw - raw === 0 ? raw : read(raw)
      if (typeof value !== 'number') {
        const point = { vmId, producer, metric, timestamp, seq, value: 0 }
        out.push(
          withoutNumber(point, value, wrong, () => `${metric} is ${quote(raw)}, expected ${expectedValue(unit)}`),
        )
        return
      }
      const point = { vmId, producer, metric, timestamp, seq, value }
      const problem = checkPoint(point)
      out.push(problem === null ? { kind: 'point', point } : wrong(problem))
    }
    readEach(visit, out, wrong)
    if (out.length === before) out.push(wrong('the record has none of the metrics of the mapping'))
  }
  const decode = (): Decoded => {
    const out: DecodedEntry[] = []
    addTo(out)
    return joinEntries(out)
  }
  return { decode, addTo }
}

/** The entry of a metric whose value is no number: no reading, or a problem. `point.value` is still to be set. */
function withoutNumber(
  point: DataPoint,
  value: symbol,
  wrong: (detail: string) => DecodedEntry,
  problemOfValue: () => string,
): DecodedEntry {
  if (value === NOT_A_VALUE) return wrong(problemOfValue())
  const problem = checkPoint(point)
  return problem === null ? { kind: 'no-reading', point: { ...point, value: Number.NaN } } : wrong(problem)
}

function noVmId({ vmId }: RecordMappingSpec): string {
  return `${nameOf(vmId)} is missing or no text, expected the id of the VM`
}

function noSeq({ seq }: RecordMappingSpec): string {
  return `${nameOf(seq ?? '')} is missing or not a whole number`
}

function noProducer({ producer }: RecordMappingSpec): string {
  return `${nameOf(producer ?? '')} is no text, expected the name of the producer`
}

/** Whether the name of a metric says which VM it is of. */
export function isMatchedVmId({ metrics = [] }: RecordMappingSpec): boolean {
  return (
    metrics.length > 0 && metrics.every((one) => typeof one !== 'string' && one.match?.includes('(?<vmId>') === true)
  )
}

/** A producer may be absent: the record is of the producer "". */
export function compileProducer(spec: FieldSpec | null, access: RowAccess): TextGetter | null {
  if (spec === null) return null
  if (typeof spec === 'string') {
    if (access.bind(spec) === null) return null
    return compileText({ path: spec, optional: true }, access, '/')
  }
  return compileText(spec, access, '/')
}

function compileTime(
  spec: string | TimeSource,
  access: RowAccess,
  { checkYears, place }: RowMapperOptions,
): () => number | DecodedEntry {
  const source: TimeSource = typeof spec === 'string' ? { path: spec } : spec
  const { unit = 'ms', pattern = null, zone = null, origin = null } = source
  const reader = createTimeReader({ unit, pattern, zone, origin })
  const field = nameOf(source)
  const readUsual = usualTime(source, access, reader)
  const raw = rawTime(source, access)
  return () => {
    let timestamp = readUsual === null ? Number.NaN : readUsual()
    // NaN compares as unequal to itself.
    if (timestamp !== timestamp) timestamp = timeOf(raw(), reader)
    if (isPlausible(timestamp)) return timestamp
    if (!Number.isSafeInteger(timestamp)) return noTime(place() + field, field, raw(), timestamp, reader)
    if (!checkYears) return timestamp
    const problem = implausibleTime(field, raw(), pattern === null ? unit : 'iso', timestamp)
    return problem === null ? timestamp : undecodable('implausible-time', place() + problem)
  }
}

/** `timestamp` is what the unit makes of `raw`: NaN, or a number beyond all dates. */
function noTime(placed: string, field: string, raw: unknown, timestamp: number, reader: TimeReader): DecodedEntry {
  const text = raw === undefined || raw === null ? 'missing' : quote(raw)
  const problem = timestamp !== timestamp ? `expected ${reader.expected}` : 'beyond all dates'
  return withLikelyUnit(undecodable('invalid', `${placed} is ${text}, ${problem}`), field, raw)
}

/** Reads the time where it is written in the usual form; NaN for any other form. */
function usualTime(source: TimeSource, access: RowAccess, reader: TimeReader): (() => number) | null {
  const { path, match, unit, pattern } = source
  if (path === undefined || match !== undefined || pattern !== undefined) return null
  if (reader.ofBytes !== null) return access.bindBytes(path, reader.ofBytes)
  if (unit === 'iso') return null
  const readNumber = access.bindNumber(path)
  return () => reader.ofNumber(readNumber())
}

function rawTime(source: TimeSource, access: RowAccess): () => unknown {
  const { path, match, any } = source
  if (path !== undefined && match === undefined) {
    const get = access.bind(path)
    if (get === null) throw new MissingColumn(path)
    return get
  }
  if (any === undefined) return compileText(source, access, ' ')
  const getters = any.map((one) => compileText(one, access, ' '))
  return () => getters.reduce<string | null>((found, get) => found ?? get(), null)
}

function timeOf(raw: unknown, reader: TimeReader): number {
  if (typeof raw === 'number') return reader.ofNumber(raw)
  return typeof raw === 'string' ? reader.ofText(raw) : Number.NaN
}

/** NaN for what is no whole number. */
function compileSeq(spec: FieldSpec | null, access: RowAccess): (() => number) | null {
  if (spec === null) return null
  if (typeof spec === 'string') {
    if (access.bind(spec) === null) throw new MissingColumn(spec)
    const number = access.bindNumber(spec)
    const text = compileText(spec, access, '')
    return () => {
      const plain = number()
      return plain === plain ? plain : Number(text() ?? Number.NaN)
    }
  }
  const text = compileText(spec, access, '')
  return () => Number(text() ?? Number.NaN)
}

function valueReader(unit: ValueUnit | undefined, hasDecimalComma: boolean): MetricValueReader {
  return unit === undefined ? (raw) => readValue(raw, hasDecimalComma) : unitReader(unit, hasDecimalComma)
}

function unitOf(spec: FieldSpec | ValueSource): ValueUnit | undefined {
  return typeof spec === 'string' || isList(spec) || !('unit' in spec) ? undefined : spec.unit
}

function compileValue(spec: FieldSpec, access: RowAccess): () => unknown {
  if (typeof spec === 'string') {
    const get = access.bind(spec)
    if (get === null) throw new MissingColumn(spec)
    const number = access.bindNumber(spec)
    return () => {
      const plain = number()
      return plain === plain ? plain : get()
    }
  }
  if (!isList(spec) && spec.any !== undefined) {
    const getters = spec.any.flatMap((one) => pathsOf(one)).map((path) => access.bind(path))
    return () => getters.reduce<unknown>((found, get) => (found === undefined ? get?.() : found), undefined)
  }
  if (!isList(spec) && spec.path !== undefined && spec.match === undefined) return compileValue(spec.path, access)
  const text = compileText(spec, access, '')
  return () => text() ?? undefined
}

/** How the values of some metrics are read. */
interface MetricValues {
  readonly read: MetricValueReader
  readonly unit: ValueUnit | undefined
}

type Visit = (metric: string, vmId: string | null, raw: unknown, values: MetricValues) => void
type VisitMetrics = (visit: Visit, out: DecodedEntry[], wrong: (detail: string) => DecodedEntry) => void

/** Names of metrics are few; names that never repeat must not fill the memory. */
const MAX_KNOWN_NAMES = 10_000

interface Selected {
  /** Name of the metric, without what stands before and after it. */
  readonly metric: string
  readonly vmId: string | null
}

function compileMetrics(spec: RecordMappingSpec, access: RowAccess): VisitMetrics {
  const parts = spec.metric === null ? [] : isList(spec.metric) ? spec.metric : [spec.metric]
  const prefix = compileText(
    parts.filter((part) => !isLabels(part)),
    access,
    '.',
  )
  const labels = compileText(parts.filter(isLabels), access, '')
  const used = new Set([spec.vmId, spec.producer, spec.metric, spec.timestamp, spec.seq].flatMap((one) => pathsOf(one)))
  const sources = (spec.metrics ?? []).map((one) => {
    const unit = typeof one === 'string' ? undefined : one.unit
    return {
      visitAll: compileSource(one, access, used),
      values: { read: valueReader(unit, spec.decimal === ','), unit },
    }
  })
  const names = new Map<string, string>()
  return (visit, out, wrong) => {
    const before = parts.length === 0 ? '' : prefix()
    const after = parts.length === 0 ? '' : labels()
    if (before === null || after === null) {
      out.push(
        wrong(`${nameOf(spec.metric ?? '')} is missing or no text, expected the first part of the name of a metric`),
      )
      return
    }
    for (const { visitAll, values } of sources) {
      visitAll(({ metric, vmId }, raw) => {
        if (before === '' && after === '') return visit(metric, vmId, raw, values)
        const key = `${before}\0${metric}\0${after}`
        let name = names.get(key)
        if (name === undefined) {
          if (names.size >= MAX_KNOWN_NAMES) names.clear()
          names.set(key, (name = (before === '' ? metric : `${before}.${metric}`) + after))
        }
        visit(name, vmId, raw, values)
      })
    }
  }
}

type VisitSource = (visit: (selected: Selected, raw: unknown) => void) => void

function compileSource(one: string | MetricsSource, access: RowAccess, used: ReadonlySet<string>): VisitSource {
  if (typeof one === 'string' && !one.includes('*')) return namedMetric(one, access)
  const source: MetricsSource = typeof one === 'string' ? { only: [one] } : one
  const select = selector(source, used)
  // Columns that other fields name by their position are no metrics either.
  const usedColumns = new Set([...used].map((path) => /^\[(\d+)\]$/.exec(path)?.[1]))
  const { in: path, skipTexts = false, unit } = source
  // With a unit, a text that begins with a number is a value, perhaps of another unit.
  const isOtherText = (raw: string): boolean =>
    readValue(raw, false) === NOT_A_VALUE && (unit === undefined || !/^\s*[+-]?[\d.]/.test(raw))
  const isSkipped = (raw: unknown): boolean =>
    (skipTexts && typeof raw === 'string' && isOtherText(raw)) || (typeof raw === 'object' && raw !== null)
  if (access.columns !== null) {
    const columns = access.columns.flatMap((name, position) => {
      const selected = usedColumns.has(String(position)) ? null : select(name)
      const get = selected === null ? null : access.bind(name)
      return selected === null || get === null ? [] : [{ selected, get, number: access.bindNumber(name) }]
    })
    return (visit) => {
      for (const { selected, get, number } of columns) {
        const plain = number()
        const raw = plain === plain ? plain : get()
        if (!isSkipped(raw)) visit(selected, raw)
      }
    }
  }
  const members = access.bindObject(path ?? '')
  const known = new Map<string, Selected | null>()
  return (visit) => {
    const object = members?.()
    if (typeof object !== 'object' || object === null) return
    for (const [name, raw] of Object.entries(object as Record<string, unknown>)) {
      let selected = known.get(name)
      if (selected === undefined) {
        if (known.size >= MAX_KNOWN_NAMES) known.clear()
        known.set(name, (selected = select(name)))
      }
      if (selected !== null && !isSkipped(raw)) visit(selected, raw)
    }
  }
}

/** Rows of JSON may lack a metric; then the row has no entry of it. */
function namedMetric(path: string, access: RowAccess): VisitSource {
  const get = access.bind(path)
  if (get === null) throw new MissingColumn(path)
  const number = access.bindNumber(path)
  const selected = { metric: path, vmId: null }
  return (visit) => {
    const plain = number()
    const raw = plain === plain ? plain : get()
    if (raw !== undefined) visit(selected, raw)
  }
}

function selector({ in: path, only, except = [], match }: MetricsSource, used: ReadonlySet<string>) {
  const wanted = only?.map(globOf)
  const unwanted = except.map(globOf)
  const pattern = match === undefined ? null : new RegExp(match)
  return (name: string): Selected | null => {
    if (path === undefined && used.has(name)) return null
    if (wanted !== undefined && !wanted.some((glob) => glob.test(name))) return null
    if (unwanted.some((glob) => glob.test(name))) return null
    if (pattern === null) return { metric: name, vmId: null }
    const found = pattern.exec(name)
    if (found === null) return null
    return { metric: found.groups?.['metric'] ?? found[1] ?? name, vmId: found.groups?.['vmId'] ?? null }
  }
}

function globOf(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
}
