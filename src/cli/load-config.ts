/** Loads the configuration from flags, environment variables and the file. */
import { readFileSync } from 'node:fs'
import { CONFIG_FILE_VARIABLE } from '../config/names.ts'
import { resolveConfig, type ConfigSources } from '../config/resolve.ts'
import type { Config } from '../config/settings.ts'
import { parseConfigFile, type ConfigFile } from '../config/yaml-file.ts'
import { withPreset } from './presets.ts'
import { ConfigurationError, messageOf } from '../errors/index.ts'

type Env = ConfigSources['env']

export function loadConfig(flags: ConfigSources['flags'], env: Env): Config {
  return resolveConfig(withPreset({ flags, env, file: loadConfigFile(flags, env) }))
}

/** The file named by `--config` or WINDROW_CONFIG; `null` if there is none. */
export function loadConfigFile(flags: ConfigSources['flags'], env: Env): ConfigFile | null {
  const fromFlag = flags['config']
  const path = typeof fromFlag === 'string' ? fromFlag : env[CONFIG_FILE_VARIABLE]
  if (path === undefined || path === '') return null
  try {
    return parseConfigFile(path, readFileSync(path, 'utf8'))
  } catch (error) {
    const place = typeof fromFlag === 'string' ? '--config' : CONFIG_FILE_VARIABLE
    throw new ConfigurationError([
      {
        place,
        problem: `cannot read ${JSON.stringify(path)} (${messageOf(error)})`,
        remedy: 'Give a readable file.',
      },
    ])
  }
}
