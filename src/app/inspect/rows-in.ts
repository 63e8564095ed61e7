/** Where the rows of a sample are: in its records, or in arrays within them. */
import { parsePath, valueAt } from '../../adapters/mapping/path.ts'
import { factsOf, isMostlyNumeric, isNamedLikeNoMetric, parentPath, type FieldFacts } from './facts.ts'
import { elementsOf, hasTimeKeys, nextLevels, rowsBelow, textLists, type NextLevels, type ScopedRow } from './levels.ts'
import type { SampledCsv } from './rows.ts'
import { isTimeLike, timeIn, timeOf } from './times.ts'

export interface FoundRows {
  readonly rows: readonly ScopedRow[]
  /** Path to the arrays of rows; `null`: each record is a row. */
  readonly path: string | null
  /** Fields of the rows themselves. */
  readonly inner: readonly FieldFacts[]
  /** Fields of what surrounds the rows. */
  readonly outer: readonly FieldFacts[]
  /** Paths to other rows with numbers, which are not among these. */
  readonly unread: readonly string[]
  /** Lists of texts with numbers, such as `load=0.5;5;10`. */
  readonly texts: readonly string[]
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
  const others: string[] = []
  for (let depth = 0; depth < MAX_LEVELS; depth++) {
    const { paths, parallel } = csv === null ? nextLevels(rows) : NO_LEVELS
    const all = factsOf(elementsOf(rows), csv, hasTimeKeys)
    const inner = all.filter((field) => !parallel.some((list) => field.path.startsWith(`${list}[`)))
    const next = bestLevel(rows, paths)
    const level = { rows, path, inner, outer, unread: [], texts: [] }
    if (found === null ? timeOf(inner) !== null : hasOwnTime(inner) || (!hasMetrics(found) && hasMetrics(level))) {
      found = level
    }
    if (next === null) break
    const below = (to: string): string =>
      path === null ? to : to.startsWith('(') || to.startsWith('{') ? path + to : `${path}.${to}`
    others.push(...paths.filter((one) => one !== next && hasNumbers(rows, one)).map(below))
    // Of levels such as `{metric}{time}`, the first one comes first.
    const [first = next] = /^.*?(?:\[\]|\[[^\]"']+\]$|\)|\}(?=\{|$))/.exec(next) ?? []
    rows = rowsBelow(rows, first)
    path = below(first)
    outer = [...outer, ...inner]
  }
  if (found === null) return null
  const below = found.path === path ? [] : [path]
  const unread = [...others, ...below].filter((one) => one !== null && !(found.path ?? '').startsWith(one))
  const texts = textLists(found.rows.slice(0, 20).map(([row]) => row))
  return { ...found, unread: unread as string[], texts }
}

const NO_LEVELS: NextLevels = { paths: [], parallel: [] }

/** The first level whose rows have a time of their own, else the first one. */
function bestLevel(rows: readonly ScopedRow[], paths: readonly string[]): string | null {
  const sampled = rows.slice(0, 20)
  const hasTime = (path: string): boolean => hasOwnTime(factsOf(elementsOf(rowsBelow(sampled, path)), null))
  return paths.find((path) => path.endsWith('{time}') || hasTime(path)) ?? paths[0] ?? null
}

/** Whether the rows of a level have numbers. */
function hasNumbers(rows: readonly ScopedRow[], path: string): boolean {
  const below = elementsOf(rowsBelow(rows.slice(0, 20), path))
  return factsOf(below, null).some((field) => isMostlyNumeric(field) && !isNamedLikeNoMetric(field.path))
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

/** Whether these fields have a time, by its name, its place or its form, and a number. */
export function hasOwnTime(fields: readonly FieldFacts[]): boolean {
  const time = fields.find((field) => isTimeLike(field) || isTimeByForm(field))
  return time !== undefined && fields.some((field) => field !== time && isMostlyNumeric(field))
}

function isTimeByForm(field: FieldFacts): boolean {
  const time = timeIn(field)
  return time !== null && (/^\[\d+\]$/.test(field.path) || time.source.unit === 'iso')
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
