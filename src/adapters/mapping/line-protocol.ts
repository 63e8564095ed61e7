/**
 * Parses a line of the line protocol (https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/):
 *
 *   measurement[,tag=value…] field=value[,field=value…] [timestamp]
 *
 * A backslash escapes a comma, a space or an equals sign in names and tags, and a quote or a backslash in texts. The values of
 * fields are numbers, integers (`5i`, `5u`), booleans (`t`, `false`, …) and quoted texts. The line becomes a plain object for the
 * mapping, with the timestamp as text, since nanoseconds exceed 2^53.
 */

export interface ProtocolLine {
  readonly measurement: string
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, string | number | boolean>>
  readonly timestamp?: string
}

const NAME = /((?:[^\\, =]|\\.|\\$)+)/y
const VALUE = /"((?:[^"\\]|\\.)*)"|([^", ]+)/y
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+[iu]$/
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...{ t: true, T: true, true: true, True: true, TRUE: true },
  ...{ f: false, F: false, false: false, False: false, FALSE: false },
}

/** The lines of a text that are neither empty nor comments. */
export function protocolLinesIn(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** Returns what is wrong as a text, with the position of the character. */
export function parseProtocolLine(text: string): ProtocolLine | string {
  let at = 0
  const take = (form: RegExp): RegExpExecArray | null => {
    form.lastIndex = at
    const match = form.exec(text)
    if (match !== null) at += match[0].length
    return match
  }
  const skip = (character: string): boolean => text[at] === character && ++at > 0
  const wrong = (expected: string): string => `expected ${expected} at character ${at + 1}`
  const nameOf = (): string | null => take(NAME)?.[1]?.replace(/\\([, =])/g, '$1') ?? null
  const skipSpaces = (): boolean => {
    const before = at
    while (skip(' '));
    return at > before
  }

  // An equals sign needs no backslash in the name of a measurement.
  const measurement = take(/(?:[^\\, ]|\\.|\\$)+/y)?.[0].replace(/\\([, ])/g, '$1')
  if (measurement === undefined) return wrong('the name of a measurement')
  const tags: [string, string][] = []
  while (skip(',')) {
    const name = nameOf()
    if (name === null || !skip('=')) return wrong('a tag, as name=value')
    const value = nameOf()
    if (value === null) return wrong(`the value of the tag ${name}`)
    tags.push([name, value])
  }
  if (!skipSpaces()) return wrong('a space before the fields')
  const fields: [string, string | number | boolean][] = []
  do {
    const name = nameOf()
    if (name === null || !skip('=')) return wrong('a field, as name=value')
    const start = at
    const value = valueOf(take(VALUE))
    if (value === null) {
      at = start
      return wrong(`a number, a boolean or a quoted text as the value of the field ${name}`)
    }
    fields.push([name, value])
  } while (skip(','))
  const hasMore = skipSpaces()
  const timestamp = hasMore ? take(/-?\d+/y)?.[0] : undefined
  skipSpaces()
  if (at < text.length) return wrong('a timestamp, as a whole number, or the end of the line')
  return {
    // `fromEntries`: a name may be `__proto__`.
    ...{ measurement, tags: Object.fromEntries(tags), fields: Object.fromEntries(fields) },
    ...(timestamp === undefined ? {} : { timestamp }),
  }
}

/** `null` for what is no value. */
function valueOf(match: RegExpExecArray | null): string | number | boolean | null {
  if (match === null) return null
  const [, quoted, word = ''] = match
  if (quoted !== undefined) return quoted.replace(/\\(["\\])/g, '$1')
  if (NUMBER.test(word)) return Number(word)
  if (INTEGER.test(word)) return Number(word.slice(0, -1))
  return Object.hasOwn(BOOLEANS, word) ? (BOOLEANS[word] as boolean) : null
}
