/**
 * Maps JSON records: each is one row, or holds arrays of rows at the paths of `records`. A row can also read what surrounds it:
 * a path that the row itself does not have is looked up in the element around it, and so on up to the whole record.
 */
import { joinEntries } from '../../core/entries.ts'
import type { Decoded, DecodedEntry } from '../../core/point.ts'
import { quote, undecodable } from './undecodable.ts'
import { isPlainName, parsePath, unwrapped, valueAt } from './path.ts'
import { levelsOf, namedCells, placeOf, rowsAt, UnreadableRows, type RowLevel } from './record-levels.ts'
import { compileRow } from './row-mapper.ts'
import type { RecordContext, RecordMappingSpec } from './spec.ts'
import type { RowAccess } from './text.ts'

/** Maps a record; with `place`, an element of an array in a record that is too long to be parsed as a whole. */
export type JsonMapper = (parsed: unknown, context: RecordContext, place?: ElementPlace) => Decoded

/** Where an element is in its record. */
export interface ElementPlace {
  /** The record, as far as it was read before the array. */
  readonly around: unknown
  /** One of the paths of `records`, whose first array has the element. */
  readonly path: string
  readonly index: number
}

/** Entries of one record: a bound for one that is made to exhaust the memory. A record has at most 1 MiB. */
const MAX_ENTRIES = 100_000

class JsonRow implements RowAccess {
  readonly columns = null
  context: RecordContext = {}
  /** The record, and the elements down to the row. */
  readonly scopes: unknown[] = []

  bind(path: string): () => unknown {
    const { scopes } = this
    if (path === '') return () => scopes[scopes.length - 1]
    const isPlain = isPlainName(path)
    const steps = isPlain ? [path] : parsePath(path)
    if (steps === null)
      throw new RangeError(`${JSON.stringify(path)} is not a path such as tags.host or labels["instance"]`)
    return () => {
      for (let i = scopes.length - 1; i >= 0; i--) {
        const value = isPlain ? ownMember(scopes[i], path) : (ownMember(scopes[i], path) ?? valueAt(scopes[i], steps))
        if (value !== undefined) return unwrapped(value)
      }
      return undefined
    }
  }

  bindNumber(path: string): () => number {
    const get = this.bind(path)
    return () => {
      const value = get()
      return typeof value === 'number' ? value : Number.NaN
    }
  }

  bindObject(path: string): () => unknown {
    return this.bind(path)
  }

  bindBytes(): null {
    return null
  }
}

function ownMember(from: unknown, name: string): unknown {
  if (typeof from !== 'object' || from === null) return undefined
  const value = (from as Record<string, unknown>)[name]
  // What every object inherits is not in the record.
  return typeof value === 'function' ? undefined : value
}

/** A path of `records`, with its levels. */
interface RowsPath {
  readonly path: string
  readonly levels: readonly RowLevel[]
}

function rowsPath(path: string): RowsPath {
  return { path, levels: levelsOf(path) }
}

export function createJsonMapper(spec: RecordMappingSpec, checkYears: boolean): JsonMapper {
  const row = new JsonRow()
  const places: (number | string)[] = []
  let shownPath = ''
  const place = (): string => (places.length === 0 ? '' : `${placeOf(shownPath, places)}: `)
  const map = compileRow(spec, row, { checkYears, place })
  const mayBeRow = spec.records?.includes('.') === true
  const paths = (spec.records ?? []).filter((path) => path !== '.').map(rowsPath)
  // An element of a record that is an array is read like a record, unless a path begins with that array.
  const inElements = paths.map(({ path, levels }) => {
    const [first] = levels
    return first?.kind === 'array' && first.steps.length === 0 ? { path, levels } : rowsPath(`[].${path}`)
  })

  const addRow = (levels: readonly RowLevel[], depth: number, element: unknown, out: DecodedEntry[]): void => {
    if (element instanceof UnreadableRows) return void out.push(undecodable('invalid', place() + element.detail))
    row.scopes.push(element)
    visit(levels, depth + 1, out)
    row.scopes.pop()
  }

  const visit = (levels: readonly RowLevel[], depth: number, out: DecodedEntry[]): boolean => {
    const level = levels[depth]
    if (level === undefined) {
      if (out.length < MAX_ENTRIES) map.addTo(out)
      return true
    }
    const rows = rowsAt(level, row.scopes)
    if (rows === null) return false
    if (rows instanceof UnreadableRows) {
      out.push(undecodable('invalid', place() + rows.detail))
      return true
    }
    for (let i = 0; i < rows.length; i++) {
      places.push(rows.placeAt(i))
      if (rows.keyAt !== undefined) row.scopes.push(rows.keyAt(i))
      addRow(levels, depth, rows.at(i), out)
      if (rows.keyAt !== undefined) row.scopes.pop()
      places.pop()
    }
    return true
  }

  const mapElement = (element: unknown, { around, path, index }: ElementPlace): Decoded => {
    const out: DecodedEntry[] = []
    shownPath = path
    row.scopes.push(around)
    places.push(index)
    const levels = paths.find((one) => one.path === path)?.levels ?? []
    const [first] = levels
    const names = first?.kind === 'array' ? first.names : null
    addRow(levels, 0, names === null ? element : namedCells(element, names, row.scopes), out)
    if (out.length === 0) out.push(undecodable('invalid', `${place()}the element holds no point`))
    places.pop()
    return joinEntries(out)
  }

  return (parsed, context, elementPlace) => {
    row.context = context
    row.scopes.length = 0
    if (elementPlace !== undefined) return mapElement(parsed, elementPlace)
    row.scopes.push(parsed)
    if (spec.records === undefined && typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return map.decode()
    }
    const out: DecodedEntry[] = []
    if (paths.length > 0) {
      let isFound = false
      for (const { path, levels } of Array.isArray(parsed) ? inElements : paths) {
        shownPath = path
        if (visit(levels, 0, out)) isFound = true
      }
      if (!isFound && mayBeRow) map.addTo(out)
      else if (!isFound)
        return undecodable('invalid', `there is no array at ${paths.map(({ path }) => path).join(' or ')}`)
    } else if (Array.isArray(parsed)) {
      shownPath = '[]'
      visit(ELEMENTS, 0, out)
    } else if (typeof parsed !== 'object' || parsed === null) {
      return undecodable('invalid', `expected an object, got ${quote(parsed)}`)
    } else map.addTo(out)
    return out.length === 0 ? undecodable('invalid', 'the record holds no point') : joinEntries(out)
  }
}

/** The elements of a record that is an array. */
const ELEMENTS = levelsOf('[]')
