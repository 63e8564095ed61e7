/** The names of a setting as flag, variable and YAML key, all derived from its key. */
import type { Kind } from './kinds.ts'
import { settingTable, type SettingKey, type SettingMeta } from './settings.ts'

export interface Setting {
  readonly key: SettingKey
  /** Key in the configuration file, and of the flag's value in the parsed command line. */
  readonly name: string
  /** `--max-in-flight`; `null` for secrets and for settings that only the file can have. */
  readonly flag: string | null
  /** Variables in order of precedence; none for settings that only the file can have. */
  readonly env: readonly string[]
  readonly meta: SettingMeta & Pick<Kind<unknown>, 'expects' | 'placeholder'>
  readonly parse: Kind<unknown>['parse']
}

/** The variable that names the configuration file. Like `--config`, it is not a setting: it cannot be in the file. */
export const CONFIG_FILE_VARIABLE = 'WINDROW_CONFIG'

/** All settings, in the order of the table. */
export const settings: readonly Setting[] = Object.entries(settingTable).map(([key, { kind, meta }]) => {
  const name = key.replace(/Ms$/, '')
  const words = name.split(/(?=[A-Z])/).map((word) => word.toLowerCase())
  const variable = `WINDROW_${words.join('_').toUpperCase()}`
  return {
    key: key as SettingKey,
    name,
    flag: meta.isFileOnly || meta.isSecret ? null : `--${words.join('-')}`,
    env: meta.isFileOnly ? [] : [variable, ...(meta.alsoEnv === undefined ? [] : [meta.alsoEnv])],
    meta: { ...meta, expects: kind.expects, placeholder: kind.placeholder },
    parse: (raw) => kind.parse(raw),
  }
})

export function settingOf(key: SettingKey): Setting {
  const found = settings.find((s) => s.key === key)
  if (found === undefined) throw new TypeError(`there is no setting ${key}`)
  return found
}
