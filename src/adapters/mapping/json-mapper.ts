/**
 * Maps JSON records: each is one row, or holds arrays of rows at the paths of `records`. A row can also read what surrounds it:
 * a path that the row itself does not have is looked up in the element around it, and so on up to the whole record.
 */
import { joinEntries } from '../../core/entries.ts'
import type { Decoded, DecodedEntry } from '../../core/point.ts'
import { quote, undecodable } from './undecodable.ts'
import { isPlainName, parsePath, unwrapped, valueAt, type Steps } from './path.ts'
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

/** Paths to arrays, outermost first; the last one holds the rows. */
type Levels = readonly Steps[]

export function createJsonMapper(spec: RecordMappingSpec, checkYears: boolean): JsonMapper {
  const row = new JsonRow()
  const indexes: number[] = []
  let shownPath = ''
  const place = (): string => (indexes.length === 0 ? '' : `${placeOf(shownPath, indexes)}: `)
  const map = compileRow(spec, row, { checkYears, place })
  const mayBeRow = spec.records?.includes('.') === true
  const paths = (spec.records ?? []).filter((path) => path !== '.').map((path) => ({ path, levels: levelsOf(path) }))

  const visit = (levels: Levels, depth: number, out: DecodedEntry[]): boolean => {
    const steps = levels[depth]
    if (steps === undefined) {
      if (out.length < MAX_ENTRIES) map.addTo(out)
      return true
    }
    const around = row.scopes[row.scopes.length - 1]
    const list = steps.length === 0 ? around : valueAt(around, steps)
    if (list === undefined || list === null) return false
    if (!Array.isArray(list)) {
      out.push(undecodable('invalid', `${place()}${steps.join('.')} is ${quote(list)}, expected an array`))
      return true
    }
    for (let i = 0; i < list.length; i++) {
      indexes.push(i)
      row.scopes.push((list as unknown[])[i])
      visit(levels, depth + 1, out)
      row.scopes.pop()
      indexes.pop()
    }
    return true
  }

  const mapElement = (element: unknown, { around, path, index }: ElementPlace): Decoded => {
    const out: DecodedEntry[] = []
    shownPath = path
    row.scopes.push(around, element)
    indexes.push(index)
    visit(paths.find((one) => one.path === path)?.levels ?? [], 1, out)
    if (out.length === 0) out.push(undecodable('invalid', `${place()}the element holds no point`))
    indexes.pop()
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
      for (const { path, levels } of paths) {
        shownPath = path
        if (visit(levels, 0, out)) isFound = true
      }
      if (!isFound && mayBeRow) map.addTo(out)
      else if (!isFound)
        return undecodable('invalid', `there is no array at ${paths.map(({ path }) => path).join(' or ')}`)
    } else if (Array.isArray(parsed)) {
      shownPath = '[]'
      visit([[]], 0, out)
    } else if (typeof parsed !== 'object' || parsed === null) {
      return undecodable('invalid', `expected an object, got ${quote(parsed)}`)
    } else map.addTo(out)
    return out.length === 0 ? undecodable('invalid', 'the record holds no point') : joinEntries(out)
  }
}

/** Throws a RangeError for what is not a path to arrays. */
export function levelsOf(path: string): Levels {
  const parts = path.split('[]')
  // `records[]` and `records` are the same.
  if (parts.at(-1) === '' && parts.length > 1) parts.pop()
  return parts.map((part) => {
    const text = part.replace(/^\./, '')
    const steps = text === '' ? [] : parsePath(text)
    if (steps === null) throw new RangeError(`${JSON.stringify(path)} is not a path to an array such as records[]`)
    return steps
  })
}

/** `metrics[].samples[]` and the indexes 1, 0 to `metrics[1].samples[0]`. */
export function placeOf(path: string, indexes: readonly number[]): string {
  const parts = path.endsWith('[]') ? path.split('[]') : [...path.split('[]'), '']
  return indexes.map((index, level) => `${parts[level] ?? ''}[${index}]`).join('')
}
