/**
 * Finds the levels that lead from the elements of a sample to the rows in them, by the form of the elements: arrays of objects,
 * lists of cells with a list of their names, arrays side by side, and objects whose keys are times.
 */
import { parsePath, valueAt } from '../../adapters/mapping/path.ts'
import { levelsOf, nameOfCell, rowsAt, UnreadableRows } from '../../adapters/mapping/record-levels.ts'
import { factsOf, joinPath } from './facts.ts'
import { areTimes, timeIn } from './times.ts'

/** A row with the elements around it, innermost first. */
export type ScopedRow = readonly unknown[]

/** Levels that may follow, as they are written in a path. */
export interface NextLevels {
  /** In order of preference. */
  readonly paths: readonly string[]
  /** Of the arrays side by side: they are not fields of the element itself. */
  readonly parallel: readonly string[]
}

/** Elements whose form is considered. */
const MAX_SAMPLED = 20
const MAX_DEPTH = 3
/** Names of the keys of objects, from the innermost outwards. */
const KEY_NAMES = ['time', 'metric', 'vmId'] as const

export function nextLevels(rows: readonly ScopedRow[]): NextLevels {
  const sampled = rows.slice(0, MAX_SAMPLED)
  const arrays: string[] = []
  const keyed: string[] = []
  const parallel: (readonly string[])[] = []
  for (const [row] of sampled) {
    walkObjects(row, '', 0, (object, path) => {
      const levels = keyedLevels(object)
      if (levels !== null) {
        keyed.push(path + levels)
        return false
      }
      const lists = parallelLists(object)
      if (lists.length > 0) parallel.push([path, ...lists])
      for (const [name, one] of Object.entries(object)) if (holdsRows(one)) arrays.push(joinPath(path, name))
      return true
    })
  }
  const isInAll = ([path = '', ...lists]: readonly string[]): boolean =>
    sampled.every(([row]) => {
      const object = path === '' ? row : valueAt(row, parsePath(path) ?? [path])
      const [first, ...others] = lists.map((list) => (object as Record<string, unknown> | undefined)?.[list])
      return Array.isArray(first) && others.every((one) => Array.isArray(one) && one.length === first.length)
    })
  const side = parallel.find(isInAll)
  const distinct = [...new Set(arrays)]
  return {
    paths: [
      ...new Set(keyed),
      ...(side === undefined
        ? []
        : [
            `${side[0]}(${side
              .slice(1)
              .map((name) => joinPath('', name))
              .join(',')})`,
          ]),
      ...distinct.map((path) => path + (namesOf(path, sampled) ?? '[]')),
    ],
    parallel: side === undefined ? [] : side.slice(1).map((name) => joinPath(side[0] as string, name)),
  }
}

/** The rows of a level in these rows. */
export function rowsBelow(rows: readonly ScopedRow[], path: string): ScopedRow[] {
  const [level] = levelsOf(path)
  return rows.flatMap((scopes) => {
    const found = level === undefined ? null : rowsAt(level, [...scopes].reverse())
    if (found === null || found instanceof UnreadableRows) return []
    return Array.from({ length: found.length }, (_, i): ScopedRow => {
      const key = found.keyAt === undefined ? [] : [{ ...found.keyAt(i), [IS_KEY]: true }]
      return [found.at(i), ...key, ...scopes]
    }).filter(([row]) => !(row instanceof UnreadableRows))
  })
}

const IS_KEY = Symbol('the key of the row before it')

/** The elements that hold the fields of rows: the rows, and their keys. */
export function elementsOf(rows: readonly ScopedRow[]): unknown[] {
  const isKey = (scope: unknown): boolean => typeof scope === 'object' && scope !== null && IS_KEY in scope
  return rows.flatMap(([row, around]) => (isKey(around) ? [around, row] : [row]))
}

/** `visit` says whether the members of the object are visited too. */
function walkObjects(
  value: unknown,
  path: string,
  depth: number,
  visit: (object: object, path: string) => boolean,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > MAX_DEPTH) return
  if (!visit(value, path)) return
  for (const [name, one] of Object.entries(value)) walkObjects(one, joinPath(path, name), depth + 1, visit)
}

/** Paths to lists of texts that hold numbers among other characters. */
export function textLists(rows: readonly unknown[]): string[] {
  const found = new Set<string>()
  const isText = (one: unknown): boolean => typeof one === 'string' && /[^\s=:]+[=:]\s*[+-]?\.?\d/.test(one)
  for (const row of rows)
    walkObjects(row, '', 0, (object, path) => {
      for (const [name, one] of Object.entries(object))
        if (Array.isArray(one) && one.length > 0 && one.every(isText)) found.add(joinPath(path, name))
      return true
    })
  return [...found]
}

/** Whether it is an array of objects or of lists. Lists of names and values are not among them. */
function holdsRows(value: unknown): boolean {
  const first: unknown = Array.isArray(value) ? (value as unknown[])[0] : null
  if (typeof first !== 'object' || first === null) return false
  return !('value' in first && ('name' in first || 'key' in first) && Object.keys(first).length === 2)
}

/** The levels of an object that is keyed by times, or whose members all are: `{metric}{time}`. `null` for any other. */
function keyedLevels(object: object): string | null {
  let members: unknown[] = [object]
  for (let depth = 0; depth < KEY_NAMES.length; depth++) {
    if (!members.every(isObject)) return null
    if (members.every(hasTimeKeys))
      return KEY_NAMES.slice(0, depth + 1)
        .reverse()
        .map((name) => `{${name}}`)
        .join('')
    members = members.flatMap((one) => Object.values(one as object) as unknown[])
    if (members.length === 0) return null
  }
  return null
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function hasTimeKeys(value: unknown): boolean {
  const keys = Object.keys(value as object)
  return keys.length > 0 && areTimes(keys)
}

/** Arrays of one length, of which one has times, or one has names and another one has numbers. */
function parallelLists(object: object): string[] {
  const lists = (Object.entries(object) as [string, unknown][]).filter(
    (entry): entry is [string, unknown[]] => Array.isArray(entry[1]) && entry[1].length > 0,
  )
  const plain = lists.filter(([, list]) => list.every((one) => typeof one !== 'object' || one === null))
  const ofTime = plain.find(([name, list]) => {
    const [field] = factsOf(
      list.map((one) => ({ [name]: one })),
      null,
    )
    return field !== undefined && timeIn(field) !== null
  })
  const ofNames = plain.find(
    ([, list]) => list.every((one) => typeof one === 'string' && one !== '') && new Set(list).size === list.length,
  )
  const [, { length } = []] = ofTime ?? ofNames ?? []
  const same = (ofTime === undefined ? plain : lists).filter(([, list]) => list.length === length)
  const hasNumbers = same.some(
    ([name, list]) => name !== ofTime?.[0] && list.flat().some((one) => typeof one === 'number'),
  )
  return same.length > 1 && hasNumbers ? same.map(([name]) => name) : []
}

/** `[columns]` if the elements of the array are lists of cells, and an array in the same object or around it names the cells. */
function namesOf(path: string, rows: readonly ScopedRow[]): string | null {
  const steps = parsePath(path) ?? [path]
  const lists = rows.flatMap(([row]) => valueAt(row, steps)).filter((one) => one !== undefined)
  const [first] = lists
  if (!lists.every((one): one is unknown[] => Array.isArray(one) && one.length === (first as unknown[]).length))
    return null
  const { length } = first as unknown[]
  const found = new Set<string>()
  for (const scopes of rows)
    for (const scope of scopes)
      walkObjects(scope, '', 0, (object, at) => {
        for (const [name, one] of Object.entries(object)) if (areNames(one, length)) found.add(joinPath(at, name))
        return true
      })
  const [names] = found
  return names === undefined || length < 2 || names.includes('[') ? null : `[${names}]`
}

function areNames(value: unknown, length: number): boolean {
  if (!Array.isArray(value) || value.length !== length) return false
  const names = (value as unknown[]).map((one) => nameOfCell(one, -1))
  return names.every((name) => name !== '' && Number.isNaN(Number(name))) && new Set(names).size === length
}
