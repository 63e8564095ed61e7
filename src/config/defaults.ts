/** Defaults that depend on other settings. The fixed defaults are in the table of settings (settings.ts). */
import { fileSetting } from '../sinks/files/setting.ts'
import { topicSetting } from '../sinks/kafka/setting.ts'
import { CALENDAR_MS } from '../core/calendar-windows.ts'
import { companionsOf } from '../sinks/outputs.ts'
import { settings } from './names.ts'
import type { Config, SettingKey } from './settings.ts'

/** A configuration that is not resolved yet: an absent value was invalid, or depends on one that was. */
export type Incomplete = { -readonly [K in SettingKey]?: Config[K] }

/** Fills in values that were not given. Settings in `broken` stay absent, so that they cause no further problems. */
export function withDefaults(given: Incomplete, broken: ReadonlySet<SettingKey>): Incomplete {
  const config: Incomplete = { ...given }
  const fill = <K extends SettingKey>(key: K, value: Config[K] | undefined) => {
    if (config[key] === undefined && value !== undefined && !broken.has(key)) config[key] = value
  }
  for (const { key, meta, parse } of settings) {
    if (meta.default === undefined) continue
    const parsed = parse(meta.default)
    if ('problems' in parsed) throw new TypeError(`the default of ${key} is wrong: ${parsed.problems[0]?.problem}`)
    fill(key, parsed.value as Config[typeof key])
  }
  fill('fields', IDENTITY)
  const { input, dataDir, window } = config
  if (window !== undefined) {
    const usualMs = typeof window === 'number' ? window : CALENDAR_MS[window]
    fill('closeWithinMs', Math.min(60_000, Math.max(1_000, Math.round(usualMs / 20))))
  }
  if (input !== undefined) fill('source', input.length > 0 ? 'files' : 'kafka')
  if (config.source !== undefined) fill('once', config.source === 'files')
  const { kafkaCaFile, kafkaCertFile, kafkaKeyFile } = config
  fill(
    'kafkaTls',
    [kafkaCaFile, kafkaCertFile, kafkaKeyFile].some((file) => typeof file === 'string'),
  )
  const { source, job } = config
  if (source === 'kafka' && job !== undefined) fill('results', [topicSetting(`${job}-results`)])
  if (dataDir !== undefined) fill('results', [fileSetting(`${dataDir}/results.ndjson`)])
  if (config.results !== undefined && job !== undefined && dataDir !== undefined) {
    const companions = companionsOf(config.results, { job, dataDir })
    fill('deadLetters', companions?.deadLetters)
    fill('certificates', companions?.certificates)
  }
  return config
}

const IDENTITY: Config['fields'] = {
  vmId: 'vmId',
  producer: 'producer',
  metric: 'metric',
  timestamp: 'timestamp',
  seq: 'seq',
  value: 'value',
}
