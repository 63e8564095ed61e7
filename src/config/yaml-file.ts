/** Parses the text of a configuration file into raw values with their line numbers. */
import { createRequire } from 'node:module'
import type Yaml from 'yaml'
import type { ConfigurationProblem } from '../errors/index.ts'
import { closest } from './closest.ts'
import { show } from './kinds.ts'
import { settings } from './names.ts'

const require = createRequire(import.meta.url)

export interface ConfigFile {
  /** As the user wrote it. */
  readonly path: string
  readonly entries: ReadonlyMap<string, { readonly raw: unknown; readonly place: string }>
  /** The file could not be parsed, so it is unknown which settings it contains. */
  readonly isBroken: boolean
  /** Syntax errors and unknown keys. The values of known keys are checked later, with all others. */
  readonly problems: readonly ConfigurationProblem[]
}

export function parseConfigFile(path: string, text: string): ConfigFile {
  // Loaded only here: most command lines name no file.
  const { isMap, isScalar, LineCounter, parseDocument } = require('yaml') as typeof Yaml
  const lines = new LineCounter()
  const lineOf = (offset: number) => lines.linePos(offset).line
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const problems: ConfigurationProblem[] = document.errors.map((error) => ({
    place: `${path}:${lineOf(error.pos[0])}`,
    problem: error.message.trim().replace(/\.$/, ''),
    remedy: 'Fix the YAML at this line.',
  }))
  const entries = new Map<string, { raw: unknown; place: string }>()
  const root = document.contents
  if (problems.length > 0) return { path, entries, isBroken: true, problems }
  if (root === null) return { path, entries, isBroken: false, problems }
  if (!isMap(root)) return { path, entries, isBroken: true, problems: [{ place: `${path}:1`, ...NOT_A_MAP }] }

  const given = root.items.map(({ key, value }) => {
    const name = isScalar(key) ? String(key.value) : String(key)
    const line = isScalar(key) && key.range ? lineOf(key.range[0]) : 1
    return { name, raw: document.createNode(value).toJS(document) as unknown, place: `${path}:${line} ${name}` }
  })
  const { entries: known, problems: unknown } = entriesOf(given)
  return { path, entries: known, problems: [...unknown, ...given.flatMap(secretProblems)], isBroken: false }
}

function secretProblems({ name, place }: { readonly name: string; readonly place: string }): ConfigurationProblem[] {
  const setting = settings.find((one) => one.name === name)
  if (setting?.meta.isSecret !== true) return []
  const problem = 'a secret must not be in a settings file, which other users can read'
  return [{ place, problem, remedy: `Give it as the variable ${setting.env[0]}.` }]
}

/** The values of known settings, and a problem for every unknown name. */
export function entriesOf(
  given: readonly { readonly name: string; readonly raw: unknown; readonly place: string }[],
): Pick<ConfigFile, 'entries' | 'problems'> {
  const entries = new Map<string, { raw: unknown; place: string }>()
  const problems: ConfigurationProblem[] = []
  for (const { name, raw, place } of given) {
    if (settings.some((s) => s.name === name)) entries.set(name, { raw, place })
    else problems.push({ place, problem: `there is no setting ${show(name)}`, remedy: remedyForUnknown(name) })
  }
  return { entries, problems }
}

const NOT_A_MAP = {
  problem: 'the file is not a map of settings',
  remedy: 'Write one setting per line, such as window: 1h.',
}

function remedyForUnknown(name: string): string {
  const meant = closest(
    name,
    settings.map((s) => s.name),
  )
  return meant === null ? 'See docs/reference/settings.md for all settings.' : `Did you mean ${meant}?`
}
