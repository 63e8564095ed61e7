/** Defaults that follow from other settings. The others stand in the table of settings. */
import { fileSetting } from '../sinks/files/setting.ts'
import { topicSetting } from '../sinks/kafka/setting.ts'
import { companionsOf } from '../sinks/outputs.ts'
import { settings } from './names.ts'
import type { Config, SettingKey } from './settings.ts'

/** A configuration on the way: what is absent was given wrongly, or follows from what was. */
export type Incomplete = { -readonly [K in SettingKey]?: Config[K] }

/** Fills in what was not given. Settings in `broken` stay absent, so that no further problem is made up from them. */
export function withDefaults(given: Incomplete, broken: ReadonlySet<SettingKey>): Incomplete {
  const config: Incomplete = { ...given }
  const fill = <K extends SettingKey>(key: K, value: Config[K] | undefined) => {
    if (config[key] === undefined && value !== undefined && !broken.has(key)) config[key] = value
  }
  for (const { key, meta, schema } of settings) {
    if (meta.default !== undefined) fill(key, schema.parse(meta.default) as Config[typeof key])
  }
  fill('fields', IDENTITY)
  const { input, dataDir } = config
  if (input !== undefined) fill('source', input.length > 0 ? 'files' : 'kafka')
  if (input !== undefined) fill('order', input.length > 1 || input.some(isSeveral) ? 'any' : 'time')
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

/** Whether one path may stand for several files, whose order of time nobody promised. */
function isSeveral(path: string): boolean {
  return /[*?[{]/.test(path) || /[/\\]$/.test(path) || path === '.' || path === '..'
}
