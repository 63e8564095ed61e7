/**
 * Guesses a mapping from the first records of an input: where the rows are, which field is the time and in which unit, which
 * one identifies the VM, and which are metrics. A guess is for a person to check; the report shows what it is based on.
 */
import type { FieldSource, FieldSpec, MetricsSource } from '../../adapters/mapping/spec.ts'
import type { WrittenMapping } from '../../config/field-mapping.ts'
import { depthOf, isMostlyNumeric, isNamedLikeNoMetric, lastName, parentPath, type FieldFacts } from './facts.ts'
import type { ScopedRow } from './levels.ts'
import { fieldOf, hasOwnTime, isPartOfTime, rowsIn, type FoundRows } from './rows-in.ts'
import type { SampledCsv } from './rows.ts'
import { isTimeLike, isWhole, timeOf } from './times.ts'
import { guessUnit } from './units.ts'

export interface Guess {
  readonly mapping: WrittenMapping
  readonly fields: readonly FieldFacts[]
  readonly needsAnyYear: boolean
  /** What a person should check. */
  readonly notes: readonly string[]
}

/** `null` if no field can be a time, or none a metric. */
export function guessMapping(records: readonly unknown[], csv: SampledCsv | null, file: string | null): Guess | null {
  const found = rowsIn(records, csv)
  if (found === null) return null
  const fields = [...found.inner, ...found.outer]
  const time = (hasOwnTime(found.inner) ? timeOf(found.inner) : null) ?? timeOf(fields)
  if (time === null) return null
  const notes = [...time.notes]
  const rest = fields.filter((field) => !time.paths.includes(field.path))
  const seq = rest.find((one) => /^(seq|sequence|seqno|seq_no)$/i.test(lastName(one.path)) && one.values.every(isWhole))
  const named = csv === null ? null : matchedNames(csv.columns)
  const id = named === null ? idOf(rest, csv) : null
  const producer = rest.find((one) => one.path === 'producer')
  const used = [id, seq, producer].filter((one) => one !== undefined && one !== null)
  const metric = metricOf(rest.filter((one) => !used.includes(one)))
  const isInner = (field: FieldFacts): boolean => found.inner.includes(field)
  const value = valueOf(rest, isInner)
  const vmId: FieldSpec = id === null ? fileId(file, value !== undefined) : { path: id.path }
  if (named === null && id === null) notes.push('no field names the VM, so its id is taken from the path of the file')
  const labels = labelsOf(found, id, metric, value, fields, csv)
  const withComma = fields.flatMap((one) => one.values.filter(isWithComma))
  // Where commas separate cells, 1,200 in quotes is twelve hundred. As 1.2 it would be wrong silently, as it stands it is rejected.
  const isGrouped = csv?.separator === ',' && withComma.length > 0 && withComma.every((one) => GROUPED.test(one))
  const hasDecimalComma = withComma.length > 0 && !isGrouped
  const common: WrittenMapping = {
    ...(found.path === null ? {} : { records: found.path }),
    ...(named === null ? { vmId } : {}),
    timestamp: time.source,
    seq: seq === undefined ? null : { path: seq.path },
    ...(producer === undefined ? { producer: null } : {}),
    ...(hasDecimalComma ? { decimal: ',' as const } : {}),
  }
  if (seq === undefined) notes.push('no field numbers the points, so they are identified by VM, metric and time')
  const result = (mapping: WrittenMapping): Guess => ({
    ...{ mapping: { ...common, ...mapping }, fields, needsAnyYear: time.needsAnyYear, notes },
  })
  notes.push(...found.texts.map((path) => `the texts in the list ${path} are not read`))
  notes.push(...found.unread.map((path) => `these settings do not read the numbers in ${path}`))
  if (hasDecimalComma)
    notes.push('numbers have a comma, which is taken as the decimal sign; correct fields.decimal if it groups digits')
  if (isGrouped)
    notes.push(
      'commas group the digits of numbers, which no setting reads: such values are rejected; write them without',
    )
  if (named !== null) return result({ metrics: { match: named } })
  const isMetric = (one: FieldFacts): boolean =>
    isMostlyNumeric(one) &&
    !used.includes(one) &&
    one !== metric &&
    !isPartOfTime(one, time.paths) &&
    !isNamedLikeNoMetric(one.path)
  const known = [...used, metric].filter((one) => one !== null).map(({ path }) => path)
  const labelled = labels === null ? [] : rest.map(({ path }) => path).filter((path) => isLabelled(path, labels))
  const series = seriesOf(found, [...time.paths, ...known, ...labelled], [...used, metric, value], rest, csv)
  // Rows with nothing but the time around them would all have that one time.
  const isTimeAround = !time.paths.some((path) => found.inner.some((one) => one.path === path))
  const identity = [...time.paths, ...known, ...labelled, ...series]
  if (isTimeAround && seq === undefined && countOf(found.rows, identity, csv) * 2 < found.rows.length) return null
  if (seq === undefined && series.length > 0)
    notes.push(`${series.join(', ')} distinguishes points of one time, so it is part of the metric`)
  // A measurement has several fields, of which the sample may have the first one only.
  const ofMeasurement = rest.filter((one) => metric !== null && one !== metric && isFieldName(one))
  const parts = [
    ...[...(metric === null ? [] : [metric]), ...ofMeasurement].map(({ path }) => ({ path })),
    ...(seq === undefined
      ? series
          .filter((path) => !ofMeasurement.some((one) => one.path === path))
          .map((path) => ({ path, optional: true }))
      : []),
    ...(labels === null ? [] : [labels]),
  ]
  if (value !== undefined) {
    const name = metric === null && series.length === 0 ? [fileMetric(file), ...parts] : parts
    const { unit, note = null } = value.units.length === 0 ? {} : guessUnit(value.path, value.units)
    if (note !== null) notes.push(note)
    const others = rest.filter((one) => isInner(one) && one !== value && isMetric(one) && !series.includes(one.path))
    if (others.length > 0)
      notes.push(
        `these settings do not read ${others.map(({ path }) => path).join(', ')}; list them in fields.metrics to read them`,
      )
    const source = { path: value.path, ...(unit === undefined ? {} : { unit }) }
    return result({ metric: name.length === 1 ? (name[0] as FieldSpec) : name, value: source })
  }
  const numeric = rest.filter(
    (one) => !used.includes(one) && one !== metric && !series.includes(one.path) && !isPartOfTime(one, time.paths),
  )
  const inRows = numeric.filter((one) => found.inner.includes(one))
  const ofRows = (inRows.some(isMostlyNumeric) ? inRows : numeric).filter(isMostlyNumeric)
  const measured = ofRows.filter(({ path }) => !isNamedLikeNoMetric(path))
  const metrics = measured.length === 0 ? ofRows : measured
  if (metrics.length === 0) return null
  notes.push(...metrics.flatMap(({ path, units }) => (units.length > 1 ? [guessUnit(path, units).note ?? ''] : [])))
  const withTexts = numeric.filter(
    (one) => one.types.some((type) => type.startsWith('number')) && !isMostlyNumeric(one),
  )
  if (withTexts.length > 0)
    notes.push(
      `these settings do not read ${withTexts.map(({ path }) => path).join(', ')}, which have texts among their numbers`,
    )
  const leftOut = ofRows.filter((one) => !metrics.includes(one)).map(({ path }) => path)
  if (leftOut.length > 0) notes.push(`by their names these are no metrics: ${leftOut.join(', ')}`)
  const empty = inRows.filter(({ types }) => types.every((type) => type === 'empty')).map(({ path }) => path)
  if (empty.length > 0)
    notes.push(`the sample has no value of ${empty.join(', ')}; add to fields.metrics what is a metric`)
  return result({ ...(parts.length === 0 ? {} : { metric: parts }), metrics: metricsOf(metrics, csv) })
}

/**
 * The field of the only value in a row: the only one with such a name, or the other one of a pair with the time. A value around
 * the rows is theirs only if they have no numbers themselves.
 */
function valueOf(fields: readonly FieldFacts[], isInner: (field: FieldFacts) => boolean): FieldFacts | undefined {
  const named = fields.filter(
    (one) => /^_?(values?|val|reading|asDouble)$/i.test(lastName(one.path)) && isMostlyNumeric(one),
  )
  const inner = named.filter(isInner)
  const around = fields.some((one) => isInner(one) && isMostlyNumeric(one)) ? [] : named
  const candidates = inner.length > 0 ? inner : around
  if (candidates.length > 0) return candidates.length === 1 ? candidates[0] : undefined
  const places = fields.filter(({ path }) => /^\[\d+\]$/.test(path))
  return places.length === 1 && places[0] !== undefined && isMostlyNumeric(places[0]) ? places[0] : undefined
}

/** The metrics as they are listed, or the objects that have all of them as members. */
function metricsOf(metrics: readonly FieldFacts[], csv: SampledCsv | null): readonly (string | MetricsSource)[] {
  const withUnit = metrics.filter(({ units }) => units.length > 0)
  if (withUnit.length > 0) {
    const others = metrics.filter((one) => !withUnit.includes(one))
    return [...(others.length === 0 ? [] : metricsOf(others, csv)), ...withUnit.map((one) => metricWithUnit(one, csv))]
  }
  const paths = metrics.map(({ path }) => path)
  const parents = [...new Set(paths.map(parentPath))]
  const isUnique = new Set(paths.map(lastName)).size === paths.length
  const areObjects = csv === null && !paths.some((path) => path.endsWith(']')) && !parents.includes('')
  const isQuoted = paths.some((path) => path.endsWith('"]')) && !parents.includes('')
  if (parents.length > (isQuoted ? 4 : 1) || !isUnique || !(areObjects || isQuoted)) return paths
  return parents.map((parent) => ({ in: parent, skipTexts: true }))
}

function metricWithUnit({ path, units }: FieldFacts, csv: SampledCsv | null): MetricsSource {
  const { unit } = guessUnit(path, units)
  const parent = csv === null ? parentPath(path) : ''
  return { ...(parent === '' ? {} : { in: parent }), only: [csv === null ? lastName(path) : path], unit }
}

const GROUPED = /^\s*-?[1-9]\d{0,2},\d{3}\s*$/

function isWithComma(value: unknown): value is string {
  return typeof value === 'string' && /^\s*-?\d+,\d+\s*$/.test(value)
}

/** Of a field, or of a field within an object: `host.name`. */
const ID_NAMES = [
  ...[/^vm[._]?id$/i, /^(vm|vm[._ ]?name)$/i, /^host([._ ]?name|[._ ]?id)?$/i],
  /^(instance|node|machine|server|device|entity|computer)([._ ]?id|[._ ]?name)?$/i,
  ...[/^(pod|container)([._]?name)?$/i, /^resource_?id$/i, /^instanceid$/i, /^(item|object)_?id$/i, /^id$/i],
]

function idOf(fields: readonly FieldFacts[], csv: SampledCsv | null): FieldFacts | null {
  for (const name of ID_NAMES) {
    const isNamedSo = (path: string): boolean =>
      name.test(lastName(path)) || (depthOf(path) > 1 && name.test(`${lastName(parentPath(path))}.${lastName(path)}`))
    const found = fields.find(({ path, values }) => isNamedSo(path) && values.some((one) => one !== null && one !== ''))
    if (found !== undefined) return found
  }
  if (csv?.hasHeader !== false) return null
  return fields.find(({ types }) => types.every((type) => type === 'text')) ?? null
}

const METRIC_NAMES = [
  ...[
    /^metric(_?(name|id))?$/i,
    /^(__name__|name|label|target|measurement|_measurement|counter|key_?|kind)$/i,
    /^_field$/,
  ],
]
/** Names within objects, where `name` alone may be that of anything. */
const NESTED_METRICS = /^(?:.*\.)?(?:metric\.(?:name|type)|(?:tags|labels)\.(?:name|metric)|name\.value)$/i

function metricOf(fields: readonly FieldFacts[]): FieldFacts | null {
  const texts = fields.filter(({ types }) => types.includes('text') && types.every((type) => type === 'text'))
  for (const name of METRIC_NAMES) {
    const found = texts.find(({ path }) => name.test(lastName(path)) && depthOf(path) === 1)
    if (found !== undefined) return found
  }
  const isNested = ({ path }: FieldFacts): boolean =>
    /^(__name__|metric(_?(name|id))?)$/i.test(lastName(path)) || NESTED_METRICS.test(path)
  return texts.find(isNested) ?? null
}

function isFieldName({ path, types }: FieldFacts): boolean {
  return /^_?field(_?name|_?key)?$/i.test(lastName(path)) && types.every((type) => type === 'text')
}

interface Labels {
  readonly labels: string
  readonly except: string[]
}

function isLabelled(path: string, { labels, except }: Labels): boolean {
  return parentPath(path) === labels && !except.includes(lastName(path))
}

/** Labels beside the id or the name that differ within a VM and metric, so that they are part of a metric's identity. */
function labelsOf(
  { rows }: FoundRows,
  id: FieldFacts | null,
  metric: FieldFacts | null,
  value: FieldFacts | undefined,
  all: readonly FieldFacts[],
  csv: SampledCsv | null,
): Labels | null {
  const parent = [id, metric]
    .map((one) => (one === null ? null : parentPath(one.path)))
    .find((one) => one !== null && one !== '')
  const object =
    parent ??
    ['tags', 'labels', 'attributes', 'dimensions'].find((name) => all.some(({ path }) => parentPath(path) === name))
  if (object === undefined || object === null) return null
  const members = all.filter(({ path }) => parentPath(path) === object)
  const known = [id, metric].filter((one) => one !== null).map(({ path }) => path)
  const varying = members.filter(
    (one) =>
      !known.includes(one.path) &&
      one !== value &&
      one.distinct > 1 &&
      lastName(one.path) !== '__name__' &&
      countOf(rows, [...known, one.path], csv) > countOf(rows, known, csv),
  )
  if (varying.length === 0) return null
  return { labels: object, except: members.filter((one) => !varying.includes(one)).map(({ path }) => lastName(path)) }
}

/** Number of different combinations of these fields. */
function countOf(rows: readonly ScopedRow[], paths: readonly string[], csv: SampledCsv | null): number {
  return new Set(rows.map((row) => JSON.stringify(paths.map((path) => fieldOf(row, path, csv) ?? null)))).size
}

const MAX_SERIES_FIELDS = 4

/**
 * Fields that distinguish rows of the same VM, metric and time, such as the name of a disk: the fewest, texts before numbers. None
 * if the rows differ already, or if no field makes a difference.
 */
function seriesOf(
  { rows: all }: FoundRows,
  identity: readonly string[],
  used: readonly (FieldFacts | null | undefined)[],
  fields: readonly FieldFacts[],
  csv: SampledCsv | null,
): string[] {
  const paths = fields.map(({ path }) => path)
  // Rows that are equal in all fields are duplicates.
  const rows = [...new Map(all.map((row) => [JSON.stringify(paths.map((p) => fieldOf(row, p, csv))), row])).values()]
  const chosen: string[] = []
  let count = countOf(rows, identity, csv)
  const candidates = fields.filter(
    (one) => !used.includes(one) && one.distinct > 1 && !identity.includes(one.path) && !isTimeLike(one),
  )
  const isText = ({ types }: FieldFacts): boolean => types.includes('text')
  const isCode = ({ values, distinct }: FieldFacts): boolean => values.every(isWhole) && distinct * 4 <= values.length
  for (const kind of [isText, isCode]) {
    while (count < rows.length && chosen.length < MAX_SERIES_FIELDS) {
      const counted = candidates
        .filter((one) => kind(one) && !chosen.includes(one.path))
        .map(({ path }) => ({ path, count: countOf(rows, [...identity, ...chosen, path], csv) }))
      const best = counted.sort((a, b) => b.count - a.count)[0]
      // A number must distinguish all rows, or it is more likely a value that changes.
      if (best === undefined || best.count <= count || (kind === isCode && best.count < rows.length)) break
      chosen.push(best.path)
      count = best.count
    }
  }
  return chosen
}

/** Names of columns such as `\\host\counter`. */
function matchedNames(columns: readonly string[]): string | null {
  const pattern = '^\\\\\\\\(?<vmId>[^\\\\]+)\\\\(?<metric>.+)$'
  const form = new RegExp(pattern)
  return columns.length > 1 && columns.filter((name) => form.test(name)).length >= columns.length - 1 ? pattern : null
}

/** A file of one metric is named after it and is in a folder of its VM; any other is named after its VM. */
function fileId(file: string | null, isOneMetric: boolean): FieldSource {
  if (file === null) return { key: true }
  const isInFolder = file.replaceAll('\\', '/').includes('/')
  return { file: isOneMetric && isInFolder ? '([^/]+)/[^/]+$' : '([^/]+?)(?:\\.[a-z]+)*$' }
}

function fileMetric(file: string | null): FieldSource {
  return file === null ? { const: 'value' } : { file: '([^/]+?)(?:-\\d{4}-\\d\\d-\\d\\d)?(?:\\.[a-z]+)*$' }
}
