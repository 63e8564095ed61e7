/**
 * Paths to the rows in a record, such as `series[].points[]`. Each level of a path leads from an element to the rows in it:
 *
 *   a[]        the elements of the array `a`
 *   a{time}    the members of the object `a`: a row is the member, or has it as `value`; it also has its key, as `time`
 *   a(t,v)     the arrays `t` and `v` of the object `a`, side by side: a row has one element of each, under their names
 *   a[names]   the elements of the array `a`, which are lists of cells; the array `names` around them names the cells
 *
 * What stands before the brackets may be empty, at the beginning of a path and after another level.
 */
import { quote } from './undecodable.ts'
import { lastStep, parsePath, unwrapped, valueAt, type Steps } from './path.ts'

export type RowLevel = ArrayLevel | MembersLevel | ParallelLevel

interface ArrayLevel {
  readonly kind: 'array'
  readonly steps: Steps
  /** Path to the names of the cells; `null`: the elements are rows as they are. */
  readonly names: Steps | null
}

interface MembersLevel {
  readonly kind: 'members'
  readonly steps: Steps
  /** Under this name a row has its key. */
  readonly key: string
}

interface ParallelLevel {
  readonly kind: 'parallel'
  readonly steps: Steps
  readonly lists: readonly { readonly name: string; readonly steps: Steps }[]
}

/** The rows of one level in one element. */
export interface LevelRows {
  readonly length: number
  /** A row, or why there is none. */
  at(index: number): unknown
  /** What surrounds the row beside the elements that lead to it. */
  readonly keyAt?: (index: number) => object
  /** How messages show the place of a row: its index, or its key. */
  placeAt(index: number): number | string
}

/** Why rows cannot be read. */
export class UnreadableRows {
  readonly detail: string

  constructor(detail: string) {
    this.detail = detail
  }
}

const SUFFIX = /\[\]|\{([^{}]+)\}|\(([^()]+)\)|\[([^\]\d"'][^\]]*)\]/y
const QUOTED_STEP = /\["(?:[^"\\]|\\.)*"\]|\['(?:[^'\\]|\\.)*'\]|\[\d+\]/y

interface Part {
  /** What stands before the brackets. */
  readonly text: string
  readonly suffix: RegExpExecArray | null
}

function partsOf(path: string): Part[] {
  const parts: Part[] = []
  let text = ''
  for (let at = 0; at < path.length;) {
    SUFFIX.lastIndex = at
    const suffix = SUFFIX.exec(path)
    QUOTED_STEP.lastIndex = at
    const step = suffix === null ? (QUOTED_STEP.exec(path)?.[0] ?? path.charAt(at)) : suffix[0]
    at += step.length
    if (suffix === null) text += step
    else {
      parts.push({ text, suffix })
      text = ''
    }
  }
  // `records[]` and `records` are the same.
  if (text !== '' || parts.length === 0) parts.push({ text, suffix: null })
  return parts
}

/** The levels of a path, outermost first. Throws a RangeError for what is not a path to rows. */
export function levelsOf(path: string): readonly RowLevel[] {
  const stepsIn = (text: string): Steps => {
    const trimmed = text.trim().replace(/^\./, '')
    const steps = trimmed === '' ? [] : parsePath(trimmed)
    if (steps === null) throw new RangeError(`${JSON.stringify(path)} is not a path to rows such as records[]`)
    return steps
  }
  return partsOf(path).map(({ text, suffix }): RowLevel => {
    const steps = stepsIn(text)
    const [, key, lists, names] = suffix ?? []
    if (key !== undefined) return { kind: 'members', steps, key: key.trim() }
    if (lists === undefined) return { kind: 'array', steps, names: names === undefined ? null : stepsIn(names) }
    const all = lists.split(',').map((list) => ({ name: String(lastStep(stepsIn(list))), steps: stepsIn(list) }))
    if (all.some(({ steps: list }) => list.length === 0) || new Set(all.map(({ name }) => name)).size < all.length)
      throw new RangeError(`${JSON.stringify(path)} does not name different arrays in (${lists})`)
    return { kind: 'parallel', steps, lists: all }
  })
}

/** `metrics[].samples[]` and the places 1, 0 to `metrics[1].samples[0]`. */
export function placeOf(path: string, places: readonly (number | string)[]): string {
  const parts = partsOf(path)
  return places
    .map((place, i) => `${parts[i]?.text ?? ''}[${typeof place === 'number' ? place : JSON.stringify(place)}]`)
    .join('')
}

/**
 * The rows of a level. `scopes` are the elements around them, the innermost last. `null`: the element has nothing at the path.
 */
export function rowsAt(level: RowLevel, scopes: readonly unknown[]): LevelRows | UnreadableRows | null {
  const around = scopes[scopes.length - 1]
  const found = level.steps.length === 0 ? around : valueAt(around, level.steps)
  if (found === undefined || found === null) return null
  if (level.kind === 'array') return arrayRows(level, found, scopes)
  if (typeof found !== 'object' || (level.kind === 'members' && Array.isArray(found)))
    return new UnreadableRows(`${shownSteps(level.steps)} is ${quote(found)}, expected an object`)
  return level.kind === 'members' ? memberRows(level, found) : parallelRows(level, found)
}

function arrayRows(
  { steps, names }: ArrayLevel,
  list: unknown,
  scopes: readonly unknown[],
): LevelRows | UnreadableRows {
  if (!Array.isArray(list)) return new UnreadableRows(`${shownSteps(steps)} is ${quote(list)}, expected an array`)
  const rows = list as readonly unknown[]
  const at = names === null ? (index: number) => rows[index] : (index: number) => namedCells(rows[index], names, scopes)
  return { length: rows.length, at, placeAt: (index) => index }
}

/** The cells of a list as an object. */
export function namedCells(row: unknown, names: Steps, scopes: readonly unknown[]): unknown {
  let list: unknown
  for (let i = scopes.length - 1; i >= 0 && list === undefined; i--) list = valueAt(scopes[i], names)
  if (!Array.isArray(list))
    return new UnreadableRows(`${shownSteps(names)} is ${quote(list)}, expected a list of names`)
  if (!Array.isArray(row))
    return new UnreadableRows(`the row is ${quote(row)}, expected a list of ${list.length} cells`)
  if (row.length !== list.length)
    return new UnreadableRows(`the row has ${row.length} cells, ${shownSteps(names)} ${list.length} names`)
  return Object.fromEntries((list as unknown[]).map((one, i) => [nameOfCell(one, i), (row as unknown[])[i]]))
}

/** A column is named by a text, or by an object that has a name. */
export function nameOfCell(one: unknown, index: number): string {
  if (typeof one === 'string') return one
  const { name, text } = (typeof one === 'object' && one !== null ? one : {}) as Readonly<Record<string, unknown>>
  return typeof name === 'string' ? name : typeof text === 'string' ? text : String(index)
}

function memberRows({ key }: MembersLevel, object: object): LevelRows {
  const entries = Object.entries(object) as [string, unknown][]
  const nameAt = (index: number): string => (entries[index] as [string, unknown])[0]
  return {
    length: entries.length,
    at(index) {
      const value = unwrapped((entries[index] as [string, unknown])[1])
      return typeof value === 'object' && value !== null ? value : { value }
    },
    keyAt: (index) => ({ [key]: nameAt(index) }),
    placeAt: nameAt,
  }
}

/** Which elements belong together is unknown if the arrays are of different lengths. */
function parallelRows({ lists }: ParallelLevel, object: object): LevelRows | UnreadableRows | null {
  const given: { readonly name: string; readonly list: readonly unknown[] }[] = []
  for (const { name, steps } of lists) {
    const list = valueAt(object, steps)
    if (list === undefined || list === null) continue
    if (!Array.isArray(list)) return new UnreadableRows(`${shownSteps(steps)} is ${quote(list)}, expected an array`)
    given.push({ name, list })
  }
  const [first] = given
  if (first === undefined) return null
  const other = given.find(({ list }) => list.length !== first.list.length)
  if (other !== undefined)
    return new UnreadableRows(
      `${first.name} has ${first.list.length} elements and ${other.name} ${other.list.length}, so which belong together is unknown`,
    )
  return {
    length: first.list.length,
    at: (index) => Object.fromEntries(given.map(({ name, list }) => [name, list[index]])),
    placeAt: (index) => index,
  }
}

function shownSteps(steps: Steps): string {
  return steps.length === 0 ? 'the element' : steps.join('.')
}
