/** `windrow inspect`: guesses the settings for a file or topic. */
import type { Inspect, Inspection } from '../app/inspect/inspect.ts'
import { kafkaRules } from '../config/kafka-rules.ts'
import { withDefaults } from '../config/defaults.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import { settings } from '../config/names.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts'
import { inspectText } from '../ui/inspect-text.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addSettingFlags } from './flags.ts'
import { loadConfigFile } from './load-config.ts'

const TOPIC = 'kafka:'
const KAFKA_KEYS: readonly SettingKey[] = settings
  .filter(({ meta, key }) => meta.group === 'Kafka' && key !== 'topic' && key !== 'partitions')
  .map(({ key }) => key)

/** `loadInspect` imports the decoders. Help and usage errors do not need them. */
export function createInspectCommand(loadInspect: () => Promise<Inspect>): CliCommand {
  return {
    name: 'inspect',
    example: {
      line: 'windrow inspect points.csv > windrow.yaml',
      does: 'then: windrow run --config windrow.yaml --input points.csv',
    },
    configure: (command) => {
      command.argument('<input>', 'A file, or kafka:TOPIC')
      addSettingFlags(command, [...KAFKA_KEYS, 'json'], ['brokers', 'schemaRegistry', 'json'])
    },
    async run(flags, context, [input = '']) {
      const config = readKafka(flags, context, input.startsWith(TOPIC))
      const inspect = await loadInspect()
      const topic = input.startsWith(TOPIC) ? input.slice(TOPIC.length) : null
      const inspection = await inspect({ file: topic === null ? input : null, topic, config }, context.signal)
      const { env, stdout, stderr } = context
      const style = createStyle(wantsColour(stderr.isTTY === true, env))
      if (config.json) stderr.write(`${JSON.stringify(reportOf(inspection))}\n`)
      else stderr.write(inspectText(inspection, style, stderr.isTTY === true))
      stdout.write(inspection.settings)
      return 0
    },
  }
}

/** The report with `--json`: without the values of the sample. */
function reportOf({ settings: _settings, fields, facts, ...rest }: Inspection): object {
  const { metrics, ...counts } = facts
  const shown = fields.map(({ path, types, examples, distinct }) => ({ path, types, examples, distinct }))
  return { ...rest, fields: shown, ...counts, metrics: [...metrics.keys()] }
}

/** Throws a ConfigurationError that lists every problem. */
function readKafka(flags: Readonly<Record<string, unknown>>, { env }: CliContext, isTopic: boolean): Config {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const given = withDefaults(values, broken)
  const problems: ConfigurationProblem[] = [...wrong]
  if (isTopic && given.brokers?.length === 0) {
    problems.push({ place: '--brokers', problem: 'no brokers are given', remedy: 'Give --brokers host:port.' })
  }
  if (isTopic) problems.push(...kafkaRules(given, placeIn(places)))
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  return given as Config
}
