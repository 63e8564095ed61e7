/**
 * Resolves the configuration: flags override variables, variables the file, the file the defaults. Pure: the command line
 * reads `process.env` and the file. Every given value is checked, used or not, and all problems are reported at once.
 */
import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts'
import { withDefaults, type Incomplete } from './defaults.ts'
import { settingOf, settings, type Setting } from './names.ts'
import { checkRelations, type Places } from './relations.ts'
import type { Config, SettingKey } from './settings.ts'
import type { ConfigFile } from './yaml-file.ts'

export interface ConfigSources {
  /** Values by the setting's name, from the command line parser. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: ConfigFile | null
}

/** The complete configuration of a job. Throws a ConfigurationError that lists every problem. */
export function resolveConfig(sources: ConfigSources): Config {
  const { values, places, broken, problems } = readSettings(sources)
  const config = withDefaults(values, broken)
  const related: Places = {
    isGiven: (key) => places.has(key),
    of: placeIn(places),
  }
  const all = sources.file?.isBroken ? problems : [...problems, ...checkRelations(config, related)]
  if (all.length > 0) throw new ConfigurationError(all)
  // There is no problem, so every setting is valid: given, or its default.
  return config as Config
}

/** The place where a setting was given, or its flag if it was not given. */
export function placeIn(places: GivenSettings['places']): (key: SettingKey) => string {
  return (key) => {
    const { flag, env, name } = settingOf(key)
    return places.get(key) ?? flag ?? env[0] ?? name
  }
}

/** The given settings, each checked on its own, for commands that use only some of them. */
export interface GivenSettings {
  readonly values: Incomplete
  /** The place where each value was given. */
  readonly places: ReadonlyMap<SettingKey, string>
  readonly broken: ReadonlySet<SettingKey>
  readonly problems: readonly ConfigurationProblem[]
}

export function readSettings(sources: ConfigSources): GivenSettings {
  const values: Partial<Record<SettingKey, unknown>> = {}
  const places = new Map<SettingKey, string>()
  const broken = new Set<SettingKey>()
  const problems: ConfigurationProblem[] = [...(sources.file?.problems ?? [])]
  for (const setting of settings) {
    for (const { raw, place } of valuesGiven(setting, sources)) {
      if (!places.has(setting.key)) places.set(setting.key, place)
      const parsed = setting.parse(raw)
      if ('problems' in parsed) {
        broken.add(setting.key)
        const remedy = `Give ${setting.meta.expects}.`
        for (const { path, problem } of parsed.problems) {
          problems.push({ place: [place, ...path].join('.'), problem, remedy })
        }
      } else if (!(setting.key in values)) {
        values[setting.key] = parsed.value
      }
    }
  }
  return { values: values as Incomplete, places, broken, problems }
}

/** In order of precedence. An empty variable counts as not set, as in most shell templates. */
function valuesGiven({ name, flag, env }: Setting, sources: ConfigSources): { raw: unknown; place: string }[] {
  const given: { raw: unknown; place: string }[] = []
  const fromFlag = sources.flags[name]
  if (flag !== null && fromFlag !== undefined) given.push({ raw: fromFlag, place: flag })
  for (const variable of env) {
    const text = sources.env[variable]
    if (text !== undefined && text !== '') given.push({ raw: text, place: variable })
  }
  const fromFile = sources.file?.entries.get(name)
  if (fromFile !== undefined) given.push(fromFile)
  return given
}
