/**
 * Timestamps: numbers and numeric text in a stated unit, ISO 8601 and RFC 3339 text, and text of a stated pattern with a stated
 * time zone. What is finer than a millisecond is cut off.
 *
 * A wrong unit shifts a time by a factor of a thousand, which leads to 1970 or to the year 58136. So a time before 1990 that
 * would be one of 1990 to 2100 in another unit, and any time after that, is an error. It shows the value, the date that it would
 * mean, and the remedy. It depends on no clock, so that a record means the same whenever it is read.
 */
import type { DecodedEntry, EpochMs } from '../../core/point.ts'
import { isoBytesReader } from './iso-time.ts'
import type { TimeUnit } from './spec.ts'
import type { BytesReader } from './text.ts'

const FIRST_PLAUSIBLE_MS = Date.UTC(1990, 0, 1)
const END_OF_PLAUSIBLE_MS = Date.UTC(2100, 0, 1)
const MAX_DATE_MS = 8.64e15

/** Whether a time needs no closer look by `implausibleTime`. */
export function isPlausible(timestamp: EpochMs): boolean {
  return timestamp >= FIRST_PLAUSIBLE_MS && timestamp < END_OF_PLAUSIBLE_MS
}

const UNIT_NAMES = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' } as const
const MS_PER_UNIT = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const

/**
 * The sentence for a time that has the wrong unit, or `null` if it may be right. `field` names it; `raw` is the value as it was
 * read. `timestamp` may be no date at all.
 */
export function implausibleTime(field: string, raw: unknown, unit: TimeUnit, timestamp: EpochMs): string | null {
  const value = typeof raw === 'string' ? JSON.stringify(raw.slice(0, 60)) : String(raw)
  const as = unit === 'iso' ? '' : ` in ${UNIT_NAMES[unit]}`
  const likely = likelyUnit(field, raw)
  if (timestamp < END_OF_PLAUSIBLE_MS && (unit === 'iso' || likely === null)) return null
  const remedy =
    likely === null
      ? 'If the date is right, set allowAnyYear: true.'
      : `${likely}; if the date is right, set allowAnyYear: true.`
  return `${field} is ${value}, which${as} is ${dateText(timestamp)}. ${remedy}`
}

/** Names the unit in which a value would be a time of 1990 to 2100, and the setting for it. `null`: there is none. */
function likelyUnit(field: string, raw: unknown): string | null {
  const number = Number(raw)
  const unit = (['s', 'ms', 'us', 'ns'] as const).find((one) => isPlausible(number * MS_PER_UNIT[one]))
  if (unit !== undefined) {
    return `It looks like ${UNIT_NAMES[unit]}: set fields.timestamp to {path: ${field}, unit: ${unit}}`
  }
  const isIso = typeof raw === 'string' && !Number.isNaN(parseIso(raw, () => 0))
  return isIso ? `It looks like an ISO 8601 time: set fields.timestamp to {path: ${field}, unit: iso}` : null
}

/** The dead letter of a value that is no time, with the remedy if it would be one in another unit. */
export function withLikelyUnit(wrong: DecodedEntry, field: string, raw: unknown): DecodedEntry {
  const likely = likelyUnit(field, raw)
  return wrong.kind !== 'undecodable' || likely === null ? wrong : { ...wrong, detail: `${wrong.detail}. ${likely}.` }
}

/** A time as messages show it. */
export function dateText(timestamp: EpochMs): string {
  if (!(Math.abs(timestamp) <= MAX_DATE_MS)) return 'no date'
  return new Date(timestamp).toISOString().replace(/\.000Z$/, 'Z')
}

export interface TimeFormat {
  readonly unit: TimeUnit
  readonly pattern: string | null
  readonly zone: string | null
  readonly origin: string | null
}

export interface TimeReader {
  /** Reads the usual forms straight from bytes; NaN for all others, which `ofText` reads. `null`: there is no such reader. */
  readonly ofBytes: BytesReader | null
  /** NaN if the unit is not one of numbers. */
  ofNumber(value: number): EpochMs
  /** NaN if the text is not a time of this format. */
  ofText(text: string): EpochMs
  /** As in "expected …". */
  readonly expected: string
}

/** Throws a RangeError that says what is wrong with the format. */
export function createTimeReader({ unit, pattern, zone, origin }: TimeFormat): TimeReader {
  const offsetAt = zone === null ? null : zoneOffsets(zone)
  if (pattern !== null) return patternReader(pattern, offsetAt)
  if (unit === 'iso') {
    return {
      ofBytes: isoBytesReader(offsetAt === null ? null : (local) => toUtc(local, offsetAt)),
      ofNumber: () => Number.NaN,
      ofText: (text) => parseIso(text, offsetAt),
      expected:
        offsetAt === null ? 'an ISO 8601 time with its zone (or set fields.timestamp.zone)' : 'an ISO 8601 time',
    }
  }
  const from = origin === null ? 0 : parseIso(origin, zoneOffsets('UTC'))
  if (Number.isNaN(from)) throw new RangeError(`origin ${JSON.stringify(origin)} is not an ISO 8601 time`)
  return {
    ofBytes: null,
    ofNumber: from === 0 ? NUMBER_TO_MS[unit] : (value) => from + NUMBER_TO_MS[unit](value),
    ofText: (text) => from + numericTextToMs(text, unit),
    expected: `a number of ${UNIT_NAMES[unit]}`,
  }
}

/** Doubles have an error of a quarter of a microsecond here, which must not cut off a whole millisecond. */
const TOLERANCE_MS = 5e-4

const NUMBER_TO_MS: Readonly<Record<Exclude<TimeUnit, 'iso'>, (value: number) => EpochMs>> = {
  s: (value) => Math.floor(value * 1000 + TOLERANCE_MS),
  ms: (value) => (Number.isInteger(value) ? value : Math.floor(value + TOLERANCE_MS)),
  us: (value) => Math.floor(value / 1000 + TOLERANCE_MS),
  ns: (value) => Math.floor(value / 1e6 + TOLERANCE_MS),
}

const NUMERIC = /^\s*([+-]?)(\d{1,20})(?:[.,](\d*))?\s*$/
const EXPONENT = /^\s*[+-]?\d+(?:\.\d*)?[eE][+-]?\d+\s*$/
/** Digits that stand behind a whole number of milliseconds. */
const DIGITS_BELOW_MS = { s: -3, ms: 0, us: 3, ns: 6 } as const

/** Exact, also for nanoseconds, which no double holds. */
function numericTextToMs(text: string, unit: Exclude<TimeUnit, 'iso'>): EpochMs {
  const match = NUMERIC.exec(text)
  if (match === null) return EXPONENT.test(text) ? NUMBER_TO_MS[unit](Number(text)) : Number.NaN
  const [, sign, whole = '', fraction = ''] = match
  const below = DIGITS_BELOW_MS[unit]
  const digits =
    below < 0 ? whole + fraction.slice(0, -below).padEnd(-below, '0') : whole.slice(0, whole.length - below)
  const ms = digits === '' ? 0 : Number(digits)
  return sign === '-' ? 0 - ms : ms
}

const ISO =
  /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?\s*$/

/** `offsetAt` is the zone of texts that have none; `null`: such texts are not accepted. */
function parseIso(text: string, offsetAt: OffsetAt | null): EpochMs {
  const match = ISO.exec(text)
  if (match === null) return Number.NaN
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = match
  const local = utc(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second), fraction)
  if (zone !== undefined) return local - fixedOffset(zone)
  return offsetAt === null ? Number.NaN : toUtc(local, offsetAt)
}

/** Milliseconds of a calendar time; NaN if there is no such time. */
function utc(y: number, m: number, d: number, h: number, min: number, s: number, fraction: string): EpochMs {
  if (m < 1 || m > 12 || d < 1 || h > 23 || min > 59 || s > 59) return Number.NaN
  const ms = fraction === '' ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0'))
  const at = Date.UTC(y, m - 1, d, h, min, s, ms)
  // Date.UTC turns 30 February into 2 March.
  return d > 28 && new Date(at).getUTCDate() !== d ? Number.NaN : at
}

/** Milliseconds that a zone such as `Z` or `+01:30` is ahead of UTC. */
function fixedOffset(zone: string): number {
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  if (match === null) return 0
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0)
  return (match[1] === '-' ? -minutes : minutes) * 60_000
}

/** How far a zone is ahead of UTC at an instant, in milliseconds. */
type OffsetAt = (at: EpochMs) => number

const QUARTER_MS = 15 * 60_000
/** A year has 35,000 quarters of an hour. */
const MAX_KNOWN_OFFSETS = 10_000

/** Throws a RangeError for a zone that is not known. */
function zoneOffsets(zone: string): OffsetAt {
  if (/^(Z|z|UTC|GMT|[+-]\d\d(:?\d\d)?)$/.test(zone)) {
    const offset = fixedOffset(zone)
    return () => offset
  }
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const known = new Map<number, number>()
  return (at) => {
    // Zones change at a quarter of an hour.
    const quarter = Math.floor(at / QUARTER_MS)
    const before = known.get(quarter)
    if (before !== undefined) return before
    const start = quarter * QUARTER_MS
    const part = Object.fromEntries(format.formatToParts(start).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - start
    if (known.size === MAX_KNOWN_OFFSETS) known.clear()
    known.set(quarter, offset)
    return offset
  }
}

/** A local time that comes twice, when the clock is set back, is the first of the two. */
function toUtc(local: EpochMs, offsetAt: OffsetAt): EpochMs {
  if (Number.isNaN(local)) return local
  const before = offsetAt(local - 24 * 3_600_000)
  const first = local - before
  return offsetAt(first) === before ? first : local - offsetAt(local - offsetAt(first))
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Regular expression of each field of a pattern. */
const FIELDS: Readonly<Record<string, string>> = {
  ...{ yyyy: '(\\d{4})', yy: '(\\d\\d)', MMM: '([A-Za-z]{3})', MM: '(\\d\\d)', M: '(\\d{1,2})' },
  ...{ dd: '(\\d\\d)', d: '(\\d{1,2})', HH: '(\\d\\d)', H: '(\\d{1,2})', hh: '(\\d\\d)', h: '(\\d{1,2})' },
  ...{ mm: '(\\d\\d)', m: '(\\d{1,2})', ss: '(\\d\\d)', s: '(\\d{1,2})', S: '(\\d{1,9})', a: '([AaPp][Mm])' },
  X: '(Z|[+-]\\d\\d(?::?\\d\\d)?)',
}

function patternReader(pattern: string, offsetAt: OffsetAt | null): TimeReader {
  const names: string[] = []
  const source = pattern.replace(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']/g, (token: string, literal?: string) => {
    if (literal !== undefined) return literal.replace(/[^\w]/g, '\\$&')
    if (!/[A-Za-z]/.test(token)) return token === ' ' ? '\\s+' : token.replace(/[^\w]/g, '\\$&')
    if (token === 'T') return 'T'
    const name = token.startsWith('S') ? 'S' : token.startsWith('X') || token.startsWith('Z') ? 'X' : token
    const field = FIELDS[name]
    if (field === undefined) throw new RangeError(`pattern ${JSON.stringify(pattern)} has the unknown field ${token}`)
    names.push(name)
    return field
  })
  if (offsetAt === null && !names.includes('X')) {
    throw new RangeError(`pattern ${JSON.stringify(pattern)} has no zone; give zone, such as UTC or Europe/Berlin`)
  }
  // A fraction may be left out.
  const form = new RegExp(`^\\s*${source.replace('\\.(\\d{1,9})', '(?:[.,](\\d{1,9}))?')}\\s*$`)
  const ofText = (text: string): EpochMs => {
    const match = form.exec(text)
    if (match === null) return Number.NaN
    const fields: Record<string, string> = {}
    names.forEach((name, i) => (fields[name[0] === 'M' ? 'M' : name] = match[i + 1] as string))
    const { yyyy, yy, M = '1', a, X } = fields
    const month = /^\d/.test(M) ? Number(M) : MONTHS.indexOf(M.toLowerCase()) + 1
    const hour12 = fields['hh'] ?? fields['h']
    const half = a?.toLowerCase() === 'pm' ? 12 : 0
    const hour = hour12 === undefined ? Number(fields['HH'] ?? fields['H'] ?? 0) : (Number(hour12) % 12) + half
    const day = Number(fields['dd'] ?? fields['d'] ?? 1)
    const minute = Number(fields['mm'] ?? fields['m'] ?? 0)
    const second = Number(fields['ss'] ?? fields['s'] ?? 0)
    const year = yyyy === undefined ? 2000 + Number(yy) : Number(yyyy)
    const local = utc(year, month, day, hour, minute, second, fields['S'] ?? '')
    return X === undefined ? toUtc(local, offsetAt as OffsetAt) : local - fixedOffset(X)
  }
  return {
    ofBytes: null,
    ofNumber: (value) => ofText(String(value)),
    ofText,
    expected: `a time of the form ${pattern}`,
  }
}
