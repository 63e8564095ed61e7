/** Presets: settings files in presets/ for the formats of well-known tools. `--format NAME` picks one. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { closest } from '../config/closest.ts'
import { FORMATS } from '../config/settings.ts'
import type { ConfigSources } from '../config/resolve.ts'
import { parseConfigFile } from '../config/yaml-file.ts'
import type { ConfigurationProblem } from '../errors/index.ts'

/** The same from `src/cli` and from `dist/cli`. */
export const PRESET_FOLDER = fileURLToPath(new URL('../../presets/', import.meta.url))

export function presetNames(): string[] {
  return readdirSync(PRESET_FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort()
}

/**
 * The sources with the preset that `format` names, if it names one. What the preset sets has the lowest precedence: the settings
 * file, variables and flags override it.
 */
export function withPreset({ flags, env, file }: ConfigSources): ConfigSources {
  const given = file?.entries.get('format')
  const name = flags['format'] ?? (env['WINDROW_FORMAT'] || given?.raw)
  if (typeof name !== 'string' || (FORMATS as readonly string[]).includes(name)) return { flags, env, file }
  const own = new Map(file?.entries ?? [])
  own.delete('format')
  const { format: flag, ...otherFlags } = flags
  const { WINDROW_FORMAT: variable, ...otherEnv } = env
  const path = `${PRESET_FOLDER}${name}.yaml`
  const place = flag !== undefined ? '--format' : variable ? 'WINDROW_FORMAT' : (given?.place ?? 'format')
  const preset = presetNames().includes(name)
    ? parseConfigFile(path, readFileSync(path, 'utf8'))
    : { entries: [], problems: [unknownFormat(name, place)] }
  return {
    flags: otherFlags,
    env: otherEnv,
    file: {
      path: file?.path ?? path,
      entries: new Map([...preset.entries, ...own]),
      isBroken: file?.isBroken ?? false,
      problems: [...preset.problems, ...(file?.problems ?? [])],
    },
  }
}

function unknownFormat(name: string, place: string): ConfigurationProblem {
  const meant = closest(name, [...FORMATS, ...presetNames()])
  const problem = `${JSON.stringify(name)} is not known${meant === null ? '' : ` (did you mean ${meant}?)`}`
  return { place, problem, remedy: `Give one of ${FORMATS.join(', ')}, or a preset: ${presetNames().join(', ')}.` }
}
