/** The setting `csv`: how files in CSV are written. */
import type { CsvDialect } from '../adapters/mapping/spec.ts'
import { closest } from './closest.ts'
import { kind, show, type Kind } from './kinds.ts'

const KEYS = ['separator', 'trim', 'columns', 'comment', 'skip', 'tables'] as const

export function csvDialect(): Kind<CsvDialect> {
  return kind('<object>', `an object with any of ${KEYS.join(', ')}`, (raw) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
      return { problem: `${show(raw)} is not an object` }
    const given = raw as Readonly<Record<string, unknown>>
    const unknown = Object.keys(given).find((key) => !(KEYS as readonly string[]).includes(key))
    if (unknown !== undefined) {
      const meant = closest(unknown, KEYS)
      return { problem: `there is no option ${show(unknown)}${meant === null ? '' : ` (did you mean ${meant}?)`}` }
    }
    const { separator, trim, columns, comment, skip, tables } = given
    const character = separator === 'tab' ? '\t' : separator
    if (
      character !== undefined &&
      !(typeof character === 'string' && /^[^"\r\n]$/.test(character) && character < '\x7f')
    ) {
      return { problem: `separator is ${show(separator)}, expected one ASCII character or tab` }
    }
    for (const [name, flag] of Object.entries({ trim, tables })) {
      if (flag !== undefined && typeof flag !== 'boolean')
        return { problem: `${name} is ${show(flag)}, expected true or false` }
    }
    const areNames = Array.isArray(columns) && columns.length > 0 && columns.every((name) => typeof name === 'string')
    if (columns !== undefined && !areNames) return { problem: `columns is ${show(columns)}, expected a list of names` }
    if (comment !== undefined && (typeof comment !== 'string' || comment === ''))
      return { problem: `comment is ${show(comment)}, expected text such as "#"` }
    if (skip !== undefined && !(Number.isInteger(skip) && (skip as number) >= 0 && (skip as number) <= 1000))
      return { problem: `skip is ${show(skip)}, expected a number of lines` }
    if (tables === true && columns !== undefined)
      return { problem: 'tables needs headers in the file, but columns says that it has none' }
    return { value: { ...given, ...(character === undefined ? {} : { separator: character }) } }
  })
}
