/** Settings of a program: the keys of the configuration file as an object, validated by the same schema. */
import type { WrittenMapping } from '../config/field-mapping.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { entriesOf } from '../config/yaml-file.ts'
import type { SinkSetting } from '../sinks/sink.ts'

/** Users write `grace` for what the resolved configuration calls `graceMs`. */
type NameOf<K extends SettingKey> = K extends `${infer Name}Ms` ? Name : K

/** Durations, sizes and destinations are written as texts: `5m`, `1MiB`, `results.ndjson`, `kafka:TOPIC`. */
type Written<K extends SettingKey> = K extends
  `${string}Ms` | `${string}Bytes` | 'deadLetters' | 'certificates' | 'listen' | 'window'
  ? string | (null extends Config[K] ? null : never)
  : K extends 'fields'
    ? WrittenMapping
    : Config[K] extends readonly string[] | readonly SinkSetting[]
      ? string | readonly string[]
      : Config[K]

/**
 * Settings of a job: every key of the configuration file, all of them optional, with the values that the file accepts.
 * docs/reference/settings.md describes each. Paths are relative to the working directory of the process. Neither
 * environment variables nor a configuration file are read.
 */
export type Settings = { readonly [K in SettingKey as NameOf<K>]?: Written<K> }

/** Throws a ConfigurationError that lists every problem, each at its place `settings.KEY`. */
export function resolveSettings(settings: Settings): Config {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const { entries, problems } = entriesOf(given.map(([name, raw]) => ({ name, raw, place: `settings.${name}` })))
  return resolveConfig({ flags: {}, env: {}, file: { path: 'settings', entries, isBroken: false, problems } })
}
