/** Settings as flags of a command. */
import { Option, type Command } from 'commander'
import { settings, type Setting } from '../config/names.ts'
import type { SettingKey } from '../config/settings.ts'

/**
 * Adds `--config` and the flags of the settings `keys`. `--help` shows only those in `shown`; the others work but are hidden.
 * Commander neither checks values nor fills in defaults: the configuration does, for flags, variables and file alike.
 */
export function addSettingFlags(
  command: Command,
  keys: readonly SettingKey[] = settings.map((s) => s.key),
  shown: readonly SettingKey[] = settings.filter((s) => s.meta.isCommon === true).map((s) => s.key),
): void {
  command.option('--config <file>', 'Read settings from this YAML file')
  addFlagsOf(command, keys, shown)
}

/** Adds the flags of the settings `keys` without `--config`. `--help` shows only those in `shown`. */
export function addFlagsOf(command: Command, keys: readonly SettingKey[], shown: readonly SettingKey[] = []): void {
  for (const setting of settings) {
    if (setting.flag === null || !keys.includes(setting.key)) continue
    const { flag, meta } = setting
    const isSwitch = meta.placeholder === null
    const option = new Option(isSwitch ? flag : `${flag} ${meta.placeholder}`, helpOf(setting))
    command.addOption(option.hideHelp(!shown.includes(setting.key)))
    if (isSwitch) command.addOption(new Option(flag.replace('--', '--no-')).hideHelp())
  }
}

function helpOf({ meta }: Setting): string {
  const hasShownDefault = meta.default !== undefined && meta.default !== null && meta.default !== false
  const text = hasShownDefault ? String(meta.default) : ''
  return text === '' ? meta.help : `${meta.help} (${text})`
}
