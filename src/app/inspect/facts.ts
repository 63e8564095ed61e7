/** The fields of a sample: which paths they have, and what the values of each look like. */
import { parsePath, unwrapped, valueAt } from '../../adapters/mapping/path.ts'
import { isNumeric, type SampledCsv } from './rows.ts'
import { unitsIn } from './units.ts'

/** What the sample shows of one field. */
export interface FieldFacts {
  readonly path: string
  readonly types: readonly string[]
  readonly examples: readonly string[]
  readonly values: readonly unknown[]
  readonly distinct: number
  /** Units behind the numbers, the most frequent one first; empty if the values have none. */
  readonly units: readonly string[]
}

const MAX_FIELDS = 200
const MAX_EXAMPLES = 3
/** Objects in objects, as monitoring agents nest them: `system.cpu.total.norm.pct`. */
const MAX_DEPTH = 8
/** Elements of a list of plain values that are fields: `[0]`, `values[1]`. */
const MAX_LISTED = 10

/** `isOther`: objects whose members are no fields. */
export function factsOf(
  rows: readonly unknown[],
  csv: SampledCsv | null,
  isOther: (object: object) => boolean = () => false,
): FieldFacts[] {
  const values = new Map<string, unknown[]>()
  const add = (path: string, value: unknown): void => {
    const list = values.get(path)
    if (list !== undefined) list.push(value)
    else if (values.size < MAX_FIELDS) values.set(path, [value])
  }
  const walk = (raw: unknown, path: string, depth: number): void => {
    const value = unwrapped(raw)
    if (typeof value !== 'object' || value === null) {
      if (path !== '') add(path, value)
    } else if (Array.isArray(value)) {
      for (const [i, one] of (value as unknown[]).entries()) {
        const pair = one as { readonly key?: unknown; readonly name?: unknown; readonly value?: unknown } | null
        const name = typeof pair === 'object' && pair !== null && 'value' in pair ? (pair.key ?? pair.name) : null
        const isPlain = typeof one !== 'object' || one === null
        if (typeof name === 'string' && Object.keys(one as object).length === 2) {
          add(`${path}["${name}"]`, valueAt(value, [name]))
        } else if (isPlain && i < MAX_LISTED && (depth === 0 || typeof one === 'number')) add(`${path}[${i}]`, one)
      }
    } else if (depth < MAX_DEPTH && !isOther(value))
      for (const [name, one] of Object.entries(value)) walk(one, csv === null ? joinPath(path, name) : name, depth + 1)
  }
  for (const row of rows) walk(row, '', 0)
  return [...values].map(([path, list]) => {
    const examples = new Set(list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))))
    const distinct = new Set(list).size
    // One text alone may be anything, such as an interval.
    const units = distinct > 1 ? unitsIn(list) : []
    const types = units.length > 0 ? ['number with unit'] : [...new Set(list.map(typeOf))]
    return { path, types, examples: [...examples].slice(0, MAX_EXAMPLES), values: list, distinct, units }
  })
}

export function typeOf(value: unknown): string {
  if (value === null || (typeof value === 'string' && /^(\s*|nan)$/i.test(value))) return 'empty'
  if (typeof value === 'string') return isNumeric(value) ? 'number as text' : 'text'
  return typeof value
}

export function isMostlyNumeric({ types, values, units }: FieldFacts): boolean {
  if (units.length > 0) return true
  return (
    types.some((type) => type === 'number' || type === 'number as text' || type === 'boolean') &&
    values.filter((one) => typeOf(one) === 'text').length * 10 < values.length
  )
}

export function joinPath(path: string, name: string): string {
  const isSimple = /^[^.[\]"']+$/.test(name)
  if (path === '') return isSimple ? name : `["${name.replace(/["\\]/g, '\\$&')}"]`
  return isSimple ? `${path}.${name}` : `${path}["${name.replace(/["\\]/g, '\\$&')}"]`
}

function steps(path: string): readonly (string | number)[] {
  return parsePath(path) ?? [path]
}

export function lastName(path: string): string {
  return String(steps(path).at(-1))
}

export function depthOf(path: string): number {
  return steps(path).length
}

export function parentPath(path: string): string {
  const all = steps(path)
  return all.slice(0, -1).reduce<string>((text, step) => joinPath(text, String(step)), '')
}

/** Numbers that are no measurements, by their names: ids, versions, intervals. */
export function isNamedLikeNoMetric(path: string): boolean {
  const name = lastName(path)
  return (
    /(^|[_.\- ])(id|uuid|guid|version|release|port|pid|serial|interval|period|timezone|number-of-cpus|instance)$/i.test(
      name,
    ) ||
    /[a-z](Id|ID|Uuid|Version|Port)$/.test(name) ||
    /^interval[._]?ms$/i.test(name)
  )
}
