/**
 * The kinds of values that settings accept. A kind parses the text of a flag or variable, or a YAML value. It describes what
 * it expects in words that are used both in remedies and in the reference.
 */
import { TOPIC_NAME } from '../sinks/kafka/sink.ts'
import { parseSink, registeredSinks } from '../sinks/registry.ts'
import type { SinkSetting } from '../sinks/sink.ts'
import { closest } from './closest.ts'
import type { CalendarUnit } from '../core/windowing.ts'
import { durationText, parseDuration } from '../core/durations.ts'
import { parseSize, sizeText } from './sizes.ts'

export interface Kind<T> {
  /** Reads the text of a flag or variable, or a YAML value. */
  readonly parse: (raw: unknown) => Parsed<T>
  /** Completes "Give …". */
  readonly expects: string
  /** The placeholder of the value in usage lines; `null` for switches, whose flag has no value. */
  readonly placeholder: string | null
}

export type Parsed<T> = { readonly value: T } | { readonly problems: readonly ValueProblem[] }

export interface ValueProblem {
  /** Where in an object the problem is; empty for the whole value. */
  readonly path: readonly string[]
  readonly problem: string
}

type Read<T> = { readonly value: T } | { readonly problem: string }

export function kind<T>(placeholder: string | null, expects: string, read: (raw: unknown) => Read<T>): Kind<T> {
  const parse = (raw: unknown): Parsed<T> => {
    const result = read(raw)
    return 'value' in result ? result : { problems: [{ path: [], problem: result.problem }] }
  }
  return { parse, expects, placeholder }
}

/** A value as messages show it: text is quoted, and long values are cut. */
export function show(raw: unknown): string {
  const text = JSON.stringify(raw) ?? String(raw)
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

export function text(placeholder: string, expects: string, pattern: RegExp): Kind<string> {
  return kind(placeholder, expects, (raw) =>
    typeof raw === 'string' && pattern.test(raw) ? { value: raw } : { problem: `${show(raw)} does not fit` },
  )
}

const SECURE_URL = /^(https:\/\/[^\s/]+|http:\/\/(localhost|127\.0\.0\.1)(:\d+)?)(\/\S*)?$/

/** A URL to which a secret may be sent: over TLS, or on this machine only. */
export function secureUrl(): Kind<string> {
  return text('<url>', 'an https:// address, or http:// on this machine', SECURE_URL)
}

/** Problems never show the value. */
export function secret(): Kind<string> {
  return kind('<secret>', 'a text without line breaks', (raw) =>
    typeof raw === 'string' && /^[^\r\n]+$/.test(raw) ? { value: raw } : { problem: 'it is not a single line of text' },
  )
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return kind('<kind>', `one of ${values.join(', ')}`, (raw) => {
    const value = values.find((v) => v === raw)
    if (value !== undefined) return { value }
    const meant = typeof raw === 'string' ? closest(raw, values) : null
    return { problem: `${show(raw)} is not known${meant === null ? '' : ` (did you mean ${meant}?)`}` }
  })
}

export function wholeNumber(min: number, max: number): Kind<number> {
  return kind('<number>', `a whole number from ${min} to ${max}`, (raw) => {
    const value = typeof raw === 'string' && /^-?\d+$/.test(raw) ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isInteger(value)) return { problem: `${show(raw)} is not a whole number` }
    return withinRange(value, min, max, show(raw), String)
  })
}

/** A fraction, from 0 to `max`. */
export function share(max = 1): Kind<number> {
  return kind('<share>', `a number from 0 to ${max}, such as 0.01`, (raw) => {
    const value = typeof raw === 'string' && /^(\d+\.?\d*|\.\d+)$/.test(raw) ? Number(raw) : raw
    if (typeof value !== 'number' || !Number.isFinite(value)) return { problem: `${show(raw)} is not a number` }
    return withinRange(value, 0, max, show(raw), String)
  })
}

export function duration(minMs: number): Kind<number> {
  const bound = minMs === 0 ? '' : ` of ${durationText(minMs)} or more`
  return kind('<duration>', `a duration${bound}, such as 250ms, 30s, 5m, 1h or 1d`, (raw) => {
    const ms = typeof raw === 'string' ? parseDuration(raw) : null
    if (ms !== null) return withinRange(ms, minMs, Infinity, show(raw), durationText)
    return {
      problem:
        typeof raw === 'number' || isBareNumber(raw) ? `${show(raw)} has no unit` : `${show(raw)} is not a duration`,
    }
  })
}

/** A duration, or a unit of the calendar. */
export function windowLength(): Kind<number | CalendarUnit> {
  const fixed = duration(1)
  return kind<number | CalendarUnit>(fixed.placeholder, `${fixed.expects}, or day, week or month`, (raw) => {
    if (raw === 'day' || raw === 'week' || raw === 'month') return { value: raw }
    const parsed = fixed.parse(raw)
    return 'value' in parsed ? parsed : { problem: parsed.problems[0]?.problem ?? `${show(raw)} is not a duration` }
  })
}

/** A name of the time zone database. Offsets such as `+02:00` are refused: Node.js 20 does not know them. */
export function timeZone(): Kind<string> {
  return kind('<zone>', 'a name of the time zone database, such as Europe/Berlin or UTC', (raw) => {
    if (typeof raw !== 'string' || !/^[A-Za-z]/.test(raw)) return { problem: `${show(raw)} is not a time zone` }
    try {
      new Intl.DateTimeFormat('en', { timeZone: raw })
      return { value: raw }
    } catch (error) {
      if (error instanceof RangeError) return { problem: `${show(raw)} is not a time zone that Node.js knows` }
      throw error
    }
  })
}

export function size(minBytes: number, maxBytes: number): Kind<number> {
  return kind('<size>', `a size from ${sizeText(minBytes)} to ${sizeText(maxBytes)}, such as 64KiB or 1MiB`, (raw) => {
    const bytes = typeof raw === 'string' ? parseSize(raw) : null
    if (bytes !== null) return withinRange(bytes, minBytes, maxBytes, show(raw), sizeText)
    return {
      problem: typeof raw === 'number' || isBareNumber(raw) ? `${show(raw)} has no unit` : `${show(raw)} is not a size`,
    }
  })
}

function isBareNumber(raw: unknown): boolean {
  return typeof raw === 'string' && /^\d+$/.test(raw)
}

function withinRange(
  value: number,
  min: number,
  max: number,
  shown: string,
  format: (n: number) => string,
): Read<number> {
  if (value < min) return { problem: `${shown} is below ${format(min)}` }
  if (value > max) return { problem: `${shown} is above ${format(max)}` }
  return { value }
}

/** A switch. Variables may also be `1` or `0`, as in many container templates. */
export function yesOrNo(): Kind<boolean> {
  return kind(null, 'true or false', (raw) => {
    if (raw === true || raw === 'true' || raw === '1') return { value: true }
    if (raw === false || raw === 'false' || raw === '0') return { value: false }
    return { problem: `${show(raw)} is neither true nor false` }
  })
}

/** Paths are never split at commas, because file names may contain them: repeat the flag, or write a YAML list. */
export function paths(): Kind<readonly string[]> {
  return kind('<path...>', 'a path, - for standard input, or several', (raw) => {
    const value = Array.isArray(raw) ? (raw as unknown[]) : [raw]
    const wrong = value.find((path) => typeof path !== 'string' || path === '')
    return wrong === undefined ? { value: value as string[] } : { problem: `${show(wrong)} is not a path` }
  })
}

/** Splits at commas. */
export function names(): Kind<readonly string[]> {
  return kind('<list>', 'a name, or several separated by commas', (raw) => {
    const items = Array.isArray(raw) ? (raw as unknown[]) : typeof raw === 'string' ? raw.split(',') : [raw]
    const trimmed = items.map((item) => (typeof item === 'string' ? item.trim() : item))
    const wrong = trimmed.find((item) => typeof item !== 'string' || item === '')
    return wrong === undefined ? { value: trimmed as string[] } : { problem: `${show(wrong)} is not a name` }
  })
}

/** Splits at commas, as Kafka's own tools do. */
export function brokerList(): Kind<readonly string[]> {
  const broker = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:,[\]]+):(\d{1,5})$/
  return kind('<list>', 'host:port, or several separated by commas', (raw) => {
    const items = Array.isArray(raw)
      ? (raw as unknown[])
      : typeof raw === 'string'
        ? raw.split(',').map((s) => s.trim())
        : [raw]
    for (const item of items) {
      const port = typeof item === 'string' ? broker.exec(item)?.[1] : undefined
      if (port === undefined || Number(port) < 1 || Number(port) > 65_535)
        return { problem: `${show(item)} is not host:port` }
    }
    return { value: items as string[] }
  })
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export function listenAddress(): Kind<ListenAddress> {
  return kind<ListenAddress>('<host:port>', 'host:port, such as 127.0.0.1:8080 or [::1]:8080', (raw) => {
    const [, bracketed, plain, port] =
      (typeof raw === 'string' ? /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(raw) : null) ?? []
    const host = bracketed ?? plain
    if (host === undefined || Number(port) > 65_535) return { problem: `${show(raw)} is not host:port` }
    return { value: { host, port: Number(port) } }
  })
}

export function topicName(): Kind<string> {
  return text('<name>', 'a topic name of letters, digits, dots, dashes and underscores', TOPIC_NAME)
}

/** A destination that one of the registered sinks recognizes. */
export function sink(): Kind<SinkSetting> {
  return kind('<output>', expectedOfSinks(), readSink)
}

/** One destination or several. Like paths, they are never split at commas. */
export function sinks(): Kind<readonly SinkSetting[]> {
  return kind('<output...>', expectedOfSinks(), (raw) => {
    const values: SinkSetting[] = []
    for (const one of Array.isArray(raw) ? (raw as unknown[]) : [raw]) {
      const read = readSink(one)
      if ('problem' in read) return read
      values.push(read.value)
    }
    return values.length === 0 ? { problem: 'the list is empty' } : { value: values }
  })
}

function expectedOfSinks(): string {
  return registeredSinks()
    .map(({ expects }) => expects)
    .join(', or ')
}

function readSink(raw: unknown): Read<SinkSetting> {
  const parsed = typeof raw === 'string' ? parseSink(raw) : null
  const masked = typeof raw === 'string' ? raw.replace(/(\/\/[^/@:]*):[^/@]*@/, '$1:***@') : raw
  if (parsed === null) return { problem: `${show(masked)} is not a destination that Windrow knows` }
  return 'problem' in parsed ? parsed : { value: parsed }
}

/** A value, or the word `auto`. */
export function orAuto<T>(of: Kind<T>): Kind<T | 'auto'> {
  return kind<T | 'auto'>(of.placeholder, `auto, or ${of.expects}`, (raw) => {
    if (raw === 'auto') return { value: 'auto' }
    const parsed = of.parse(raw)
    return 'value' in parsed ? parsed : { problem: parsed.problems[0]?.problem ?? `${show(raw)} does not fit` }
  })
}

export function optional<T>(of: Kind<T>): Kind<T | null> {
  return { ...of, parse: (raw) => (raw === null ? { value: null } : of.parse(raw)) }
}
