/** Finds units behind the numbers of a field, such as `1.5 %`, and how several units of one kind convert to each other. */
import type { ValueUnit } from '../../adapters/mapping/spec.ts'

const NUMBER_AND_UNIT = /^\s*[+-]?\d+(?:[.,]\d+)?\s*([%‰°]|°?[A-Za-zµμΩ]{1,12}(?:\s?\/\s?[A-Za-z]{1,12})?)\s*$/
/** More different endings are no units. */
const MAX_UNITS = 6

/** Units that convert to each other, with their factors. */
const FAMILIES: readonly Readonly<Record<string, number>>[] = [
  { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, min: 60_000, h: 3_600_000 },
  { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
  { 'b/s': 1, 'kb/s': 1e3, 'Mb/s': 1e6, 'Gb/s': 1e9 },
  { 'B/s': 1, 'kB/s': 1e3, 'MB/s': 1e6, 'GB/s': 1e9 },
  { 'B/s': 1, 'KiB/s': 2 ** 10, 'MiB/s': 2 ** 20, 'GiB/s': 2 ** 30 },
]

/** The units of all values, the most frequent one first; none if some value is no number with a unit. */
export function unitsIn(values: readonly unknown[]): string[] {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value === null || (typeof value === 'string' && /^\s*(nan|null)?\s*$/i.test(value))) continue
    const unit = typeof value === 'string' ? NUMBER_AND_UNIT.exec(value)?.[1] : undefined
    if (unit === undefined) return []
    counts.set(unit, (counts.get(unit) ?? 0) + 1)
  }
  const units = [...counts].sort(([, a], [, b]) => b - a).map(([unit]) => unit)
  return units.length <= MAX_UNITS ? units : []
}

export interface GuessedUnit {
  readonly unit: ValueUnit
  /** What a person should check; `null` if there is one unit. */
  readonly note: string | null
}

/** Of one unit or more; several that do not convert to each other are no guess beyond the first. */
export function guessUnit(path: string, units: readonly string[]): GuessedUnit {
  const [first = ''] = units
  if (units.length === 1) return { unit: first, note: null }
  const shown = units.join(', ')
  const family = FAMILIES.find((one) => units.every((unit) => Object.hasOwn(one, unit)))
  if (family === undefined)
    return { unit: first, note: `${path} has the units ${shown}; only ${first} is read, the others are dead letters` }
  const factors = units.map((unit) => [unit, family[unit] as number] as const).sort(([, a], [, b]) => a - b)
  const [[smallest, base]] = factors as [readonly [string, number]]
  const unit = Object.fromEntries(factors.map(([name, factor]) => [name, factor / base]))
  return { unit, note: `${path} has the units ${shown}, which are converted to ${smallest}` }
}
