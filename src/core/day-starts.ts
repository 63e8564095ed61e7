/**
 * The moments at which the days of a time zone begin, by the polyfill of Temporal, which reads the time zone database of
 * Node.js. It is loaded when the first border is computed: most jobs have windows of one length and never need it.
 */
// Loading code is no input of the fold: the same database gives the same borders (docs/concepts.md, "Calendar windows").
// eslint-disable-next-line no-restricted-imports
import { createRequire } from 'node:module'
import type * as Polyfill from 'temporal-polyfill'
import type { EpochMs } from './point.ts'

/** Start of a day, by its number since 1970-01-01. */
export type DayStarts = (day: number) => EpochMs

const DAY_MS = 86_400_000
/** The range of ECMAScript's Date, less two days: beyond it, days are those of UTC. */
const MAX_DAY = 8.64e15 / DAY_MS - 2

export function dayStartsIn(timeZone: string): DayStarts {
  return (day) => {
    if (Math.abs(day) > MAX_DAY) return day * DAY_MS
    const { Temporal } = loadPolyfill()
    const date = new Date(day * DAY_MS)
    const plain = new Temporal.PlainDate(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())
    return plain.toZonedDateTime(timeZone).epochMilliseconds
  }
}

let loaded: typeof Polyfill | null = null

function loadPolyfill(): typeof Polyfill {
  loaded ??= createRequire(import.meta.url)('temporal-polyfill') as typeof Polyfill
  return loaded
}
