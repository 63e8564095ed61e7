/** Where the rows of a sample are: in its records, or in arrays within them. */
import { parsePath, valueAt } from '../../adapters/mapping/path.ts'
import { factsOf, isMostlyNumeric, isNamedLikeNoMetric, joinPath, parentPath, type FieldFacts } from './facts.ts'
import type { SampledCsv } from './rows.ts'
import { isTimeLike, timeIn, timeOf } from './times.ts'

/** A row with the elements around it, innermost first. */
export type ScopedRow = readonly unknown[]

export interface FoundRows {
  readonly rows: readonly ScopedRow[]
  /** Path to the arrays of rows; `null`: each record is a row. */
  readonly path: string | null
  /** Fields of the rows themselves. */
  readonly inner: readonly FieldFacts[]
  /** Fields of what surrounds the rows. */
  readonly outer: readonly FieldFacts[]
}

const MAX_LEVELS = 5

/**
 * The rows are where a time is: in the records themselves, or in arrays within them. Of several levels with a time it is the
 * innermost, since what surrounds the rows often has a time of its own, such as that of the request. `null`: no level has one.
 */
export function rowsIn(records: readonly unknown[], csv: SampledCsv | null): FoundRows | null {
  let rows: ScopedRow[] = records.flatMap((record) =>
    Array.isArray(record) ? (record as unknown[]).map((row) => [row]) : [[record]],
  )
  let path: string | null = null
  let outer: readonly FieldFacts[] = []
  let found: FoundRows | null = null
  for (let depth = 0; depth < MAX_LEVELS; depth++) {
    const inner = factsOf(
      rows.map(([row]) => row),
      csv,
    )
    const level = { rows, path, inner, outer }
    if (found === null ? timeOf(inner) !== null : hasOwnTime(inner) || (!hasMetrics(found) && hasMetrics(level))) {
      found = level
    }
    const array = csv === null ? arrayIn(rows) : null
    if (array === null) break
    const at = parsePath(array) ?? [array]
    rows = rows.flatMap((scopes) => {
      const list = valueAt(scopes[0], at)
      return Array.isArray(list) ? (list as unknown[]).map((row) => [row, ...scopes]) : []
    })
    path = path === null ? `${array}[]` : `${path}.${array}[]`
    outer = [...outer, ...inner]
  }
  return found
}

/** The value of a field in a row, which may be in an element around the row. */
export function fieldOf(scopes: ScopedRow, path: string, csv: SampledCsv | null): unknown {
  const steps = csv === null ? (parsePath(path) ?? [path]) : [path]
  for (const scope of scopes) {
    const value = valueAt(scope, steps)
    if (value !== undefined) return value
  }
  return undefined
}

function hasOwnTime(fields: readonly FieldFacts[]): boolean {
  const time = fields.find((field) => isTimeLike(field) || (/^\[\d+\]$/.test(field.path) && timeIn(field) !== null))
  return time !== undefined && fields.some((field) => field !== time && isMostlyNumeric(field))
}

function hasMetrics({ inner }: Pick<FoundRows, 'inner'>): boolean {
  const time = timeOf(inner)?.paths ?? []
  return inner.some((field) => isMostlyNumeric(field) && !isPartOfTime(field, time) && !isNamedLikeNoMetric(field.path))
}

/** Whether a field is a time, or a member of an object that holds the time of the points. */
export function isPartOfTime(field: FieldFacts, timePaths: readonly string[]): boolean {
  const parent = parentPath(field.path)
  return isTimeLike(field) || (parent !== '' && timePaths.some((path) => parentPath(path) === parent))
}

/**
 * The path of the first array of objects, or of pairs, in the rows; if there are several, the first whose elements have a time.
 * Lists of names and values are not among them.
 */
function arrayIn(rows: readonly ScopedRow[]): string | null {
  const paths = new Set(rows.slice(0, 20).flatMap(([row]) => arraysAt(row, '', 0)))
  const withTime = [...paths].find((path) => {
    const lists = rows.slice(0, 20).map(([row]) => valueAt(row, parsePath(path) ?? [path]))
    return hasOwnTime(factsOf(lists.filter(Array.isArray).flat(), null))
  })
  return withTime ?? [...paths][0] ?? null
}

function arraysAt(value: unknown, path: string, depth: number): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > 3) return []
  return Object.entries(value).flatMap(([name, one]) => {
    const at = joinPath(path, name)
    if (!Array.isArray(one)) return arraysAt(one, at, depth + 1)
    const first: unknown = (one as unknown[])[0]
    if (typeof first !== 'object' || first === null) return []
    const isPair = 'value' in first && ('name' in first || 'key' in first) && Object.keys(first).length === 2
    return isPair ? [] : [at]
  })
}
