/** The names of a setting as flag, variable and YAML key, all derived from its key. */
import type { z } from 'zod'
import { configSchema, settingMeta, type SettingKey } from './settings.ts'

type Meta = NonNullable<ReturnType<typeof settingMeta.get>>

export interface Setting {
  readonly key: SettingKey
  /** Key in the configuration file, and of the flag's value in the parsed command line. */
  readonly name: string
  /** `--max-in-flight`; `null` for secrets and for settings that only the file can have. */
  readonly flag: string | null
  /** Variables in order of precedence; none for settings that only the file can have. */
  readonly env: readonly string[]
  readonly meta: Meta
  readonly schema: z.ZodType
}

/** The variable that names the configuration file. Like `--config`, it is not a setting: it cannot be in the file. */
export const CONFIG_FILE_VARIABLE = 'WINDROW_CONFIG'

/** All settings, in the order of the table. */
export const settings: readonly Setting[] = Object.entries(configSchema.shape).map(([key, schema]) => {
  const meta = settingMeta.get(schema)
  if (meta === undefined) throw new TypeError(`setting ${key} has no description`)
  const name = key.replace(/Ms$/, '')
  const words = name.split(/(?=[A-Z])/).map((word) => word.toLowerCase())
  const variable = `WINDROW_${words.join('_').toUpperCase()}`
  return {
    key: key as SettingKey,
    name,
    flag: meta.isFileOnly || meta.isSecret ? null : `--${words.join('-')}`,
    env: meta.isFileOnly ? [] : [variable, ...(meta.alsoEnv === undefined ? [] : [meta.alsoEnv])],
    meta,
    schema,
  }
})

export function settingOf(key: SettingKey): Setting {
  const found = settings.find((s) => s.key === key)
  if (found === undefined) throw new TypeError(`there is no setting ${key}`)
  return found
}
