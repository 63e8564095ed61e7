/** Guesses which field of a sample is the time of its points, and in which unit, pattern and zone it is. */
import type { TimeSource } from '../../adapters/mapping/spec.ts'
import { createTimeReader } from '../../adapters/mapping/time.ts'
import { lastName, parentPath, type FieldFacts } from './facts.ts'
import { isNumeric } from './rows.ts'

export interface TimeGuess {
  readonly source: TimeSource
  /** The fields that it reads. */
  readonly paths: readonly string[]
  readonly score: number
  readonly needsAnyYear: boolean
  /** What a person should check. */
  readonly notes: readonly string[]
}

const TIME_NAME =
  /^(@?timestamp.*|_?time|ts|t|date|datetime|clock|epoch|timeunixnano|time_?stamp.*|.*[_. ]?time|when|at)$/i
const PATTERNS = [
  ...['MM/dd/yyyy HH:mm:ss.SSS', 'M/d/yyyy H:mm:ss', 'd/M/yyyy H:mm:ss', 'd.M.yyyy H:mm:ss', 'd.M.yyyy H:mm'],
  ...['yyyy/MM/dd HH:mm:ss', 'yyyyMMddHHmmss', 'M/d/yyyy h:mm:ss a', 'M/d/yyyy h:mm a', 'dd MMM yyyy HH:mm:ss'],
  ...['M/d/yyyy H:mm', 'd/M/yyyy H:mm', 'dd/MMM/yyyy:HH:mm:ss', 'yyyy-MM-dd-HH.mm.ss'],
]
const UNITS = ['s', 'ms', 'us', 'ns'] as const
const FROM = Date.UTC(2000, 0, 1)
const TO = Date.UTC(2100, 0, 1)

export function isTimeLike(field: FieldFacts): boolean {
  return TIME_NAME.test(lastName(field.path)) && timeIn(field) !== null
}

/** The best guess; `null` if no field can be a time. */
export function timeOf(fields: readonly FieldFacts[]): TimeGuess | null {
  const guesses = [...fields.map(timeIn), dateAndTime(fields)].filter((one) => one !== null)
  const best = guesses.sort((a, b) => b.score - a.score)[0]
  return best ?? relativeTime(fields)
}

export function timeIn({ path, values: all }: FieldFacts): TimeGuess | null {
  const values = all.filter((one) => one !== null && one !== '')
  if (values.length === 0) return null
  const name = lastName(path)
  // Of an interval, the end is the time of what was measured in it.
  const named = TIME_NAME.test(name) ? (/start|begin|first/i.test(name) ? 2 : 3) : 0
  for (const unit of UNITS) {
    if (!values.every(isNumeric) || !mostlyFits(values, unit)) continue
    const score = 2 + named + (isRising(values) ? 1 : 0)
    return { source: { path, unit }, paths: [path], score, needsAnyYear: false, notes: [] }
  }
  const text = textTime(values, path)
  return text === null
    ? null
    : { ...text, source: { path, ...text.source }, paths: [path], score: 4 + named, needsAnyYear: false }
}

/** Whether all texts are times, such as the keys of an object. */
export function areTimes(texts: readonly string[]): boolean {
  return texts.every(isNumeric)
    ? UNITS.some((unit) => fits(texts, { unit }))
    : fits(texts, { unit: 'iso', zone: 'UTC' })
}

type TextTime = Pick<TimeGuess, 'source' | 'notes'>

/** The form and zone of times in text. `name` is that of their field: headers such as `(PDH-CSV 4.0) (…)(-60)` end with their zone. */
function textTime(values: readonly unknown[], name: string): TextTime | null {
  if (fits(values, { unit: 'iso' })) return { source: { unit: 'iso' }, notes: [] }
  const named = zoneIn(name)
  const zone = named ?? 'UTC'
  const notes = named === null ? [`${name} names no time zone; UTC is assumed, correct fields.timestamp.zone`] : []
  if (fits(values, { unit: 'iso', zone })) return { source: { unit: 'iso', zone }, notes }
  const [pattern, other] = PATTERNS.filter((one) => fits(values, { pattern: one, zone }))
  if (pattern === undefined) return null
  const isAmbiguous = /^M+\/d/.test(pattern) && other !== undefined && /^d+\/M/.test(other)
  const order = `${name} may have the day first; month first is assumed, correct fields.timestamp.pattern`
  return { source: { pattern, zone }, notes: isAmbiguous ? [...notes, order] : notes }
}

/** A header that ends with minutes in parentheses names how far UTC is ahead of its times. */
function zoneIn(name: string): string | null {
  const minutes = Number(/\)\((-?\d{1,3})\)$/.exec(name)?.[1] ?? Number.NaN)
  if (Number.isNaN(minutes) || minutes % 15 !== 0) return null
  if (minutes === 0) return 'UTC'
  const [ahead, two] = [Math.abs(minutes), (n: number) => String(n).padStart(2, '0')]
  return `${minutes < 0 ? '+' : '-'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`
}

function fits(
  values: readonly unknown[],
  { unit = 'ms', pattern, zone }: Pick<TimeSource, 'unit' | 'pattern' | 'zone'>,
): boolean {
  const reader = createTimeReader({ unit, pattern: pattern ?? null, zone: zone ?? null, origin: null })
  return values.every((one) => {
    const at =
      typeof one === 'number' ? reader.ofNumber(one) : typeof one === 'string' ? reader.ofText(one) : Number.NaN
    return at >= FROM && at < TO
  })
}

/** A few records may have a time of another unit, or none such as 0: they become dead letters. */
function mostlyFits(values: readonly unknown[], unit: (typeof UNITS)[number]): boolean {
  return values.filter((one) => fits([one], { unit })).length * 10 >= values.length * 9
}

/** A date and the time of the day in fields beside each other. */
function dateAndTime(fields: readonly FieldFacts[]): TimeGuess | null {
  for (const date of fields.filter(({ path }) => /(^|_)date$/i.test(lastName(path)))) {
    const time = fields.find(
      ({ path, values }) =>
        /(^|_)time$/i.test(lastName(path)) &&
        parentPath(path) === parentPath(date.path) &&
        values.length === date.values.length &&
        values.every((one) => typeof one === 'string' && /^\s*\d{1,2}:\d\d/.test(one)),
    )
    if (time === undefined) continue
    const text = textTime(
      date.values.map((one, i) => `${String(one)} ${String(time.values[i])}`),
      `${date.path} with ${time.path}`,
    )
    if (text === null) continue
    const source = { join: [date.path, time.path], by: ' ', ...text.source }
    return { source, notes: text.notes, paths: [date.path, time.path], score: 9, needsAnyYear: false }
  }
  return null
}

/** Numbers that never fall, such as seconds since the beginning of a trace. A field that is named like a time comes before others. */
function relativeTime(fields: readonly FieldFacts[]): TimeGuess | null {
  const named = fields.filter(({ path }) => TIME_NAME.test(lastName(path)))
  const field = (named.length > 0 ? named : fields).find(
    ({ values, distinct }) =>
      values.length > 1 && distinct > 1 && values.every(isWhole) && isRising(values) && !areMixedTimes(values),
  )
  if (field === undefined) return null
  const { path } = field
  const note = `${path} counts from its own beginning; seconds since 1970 are assumed. Set fields.timestamp.origin to its date`
  return { source: { path, unit: 's' }, paths: [path], score: 0, needsAnyYear: true, notes: [note] }
}

/** Times since 1970 in several units. No unit reads all of them. */
function areMixedTimes(values: readonly unknown[]): boolean {
  return values.filter((one) => UNITS.some((unit) => fits([one], { unit }))).length * 2 > values.length
}

function isRising(values: readonly unknown[]): boolean {
  return values.every((one, i) => i === 0 || Number(one) >= Number(values[i - 1]))
}

export function isWhole(value: unknown): boolean {
  return isNumeric(value) && Number.isInteger(Number(value))
}
