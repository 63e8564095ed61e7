/** Settings as flags of a command. */
import { Option, type Command } from 'commander'
import { settings, type Setting } from '../config/names.ts'
import type { SettingKey } from '../config/settings.ts'

/**
 * Adds `--config` and the flags of these settings; all settings unless told. Only common ones show in `--help`, unless it is
 * told which. Values and defaults are left to the configuration, so that one place judges them wherever they come from.
 */
export function addSettingFlags(
  command: Command,
  keys: readonly SettingKey[] = settings.map((s) => s.key),
  shown: readonly SettingKey[] = settings.filter((s) => s.meta.isCommon === true).map((s) => s.key),
): void {
  command.option('--config <file>', 'Read settings from this YAML file')
  addFlagsOf(command, keys, shown)
}

/** Flags of settings alone, for commands that word their other flags themselves. Shown in `--help` are none unless told. */
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
  const isWorthSaying = meta.default !== undefined && meta.default !== null && meta.default !== false
  const text = isWorthSaying ? String(meta.default) : ''
  return text === '' ? meta.help : `${meta.help} (${text})`
}
