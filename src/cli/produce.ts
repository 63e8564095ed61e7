/** `windrow produce`: writes the points and manifests of files to a topic. */
import { decodeOptionsOf } from '../app/decode-options.ts'
import type { ProduceFiles, ProduceRequest, ProduceSummary } from '../app/produce/produce.ts'
import { withDefaults } from '../config/defaults.ts'
import { settingOf } from '../config/names.ts'
import { KAFKA_SECURITY, kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { ConfigurationError, WindrowError, type ConfigurationProblem } from '../errors/index.ts'
import { createProduceDisplay, produceSummaryText } from '../ui/produce-display.ts'
import type { Screen } from '../ui/live-block.ts'
import { createStyle, wantsColour, type Style } from '../ui/style.ts'
import type { CliCommand, CliContext, ExitCode } from './command.ts'
import { addFlagsOf } from './flags.ts'
import { withPreset } from './presets.ts'
import { loadConfigFile } from './load-config.ts'
import { uselessRunError } from './useless-run.ts'

type Flags = Readonly<Record<string, unknown>>

interface Options {
  readonly request: ProduceRequest
  readonly json: boolean
  readonly failOnDeadLetters: boolean
}

/** `loadProduce` imports the Kafka client. Help and usage errors do not need it. */
export function createProduceCommand(loadProduce: () => Promise<ProduceFiles>): CliCommand {
  return {
    name: 'produce',
    example: {
      line: 'windrow produce --input day.csv --brokers kafka:9092 --topic vm --partitions 8',
      does: 'creates the topic first if it does not exist',
    },
    // The same settings as those of a run, with help texts for this command.
    configure: (command) => {
      command
        .option('--config <file>', 'Read settings from this YAML file, such as field names')
        .option('--input <path...>', 'Files to read, - for standard input')
        .option('--brokers <list>', 'Kafka brokers, as host:port,host:port')
        .option('--topic <name>', 'Topic to write')
        .option('--partitions <number>', 'Create a missing topic with this many partitions')
        .option('--format <kind>', 'auto, ndjson, csv or avro; gzip is detected (auto)')
        .option('--fail-on-dead-letters', 'Exit with code 1 if a line cannot be read')
        .option('--allow-any-year', 'Accept input whose timestamps are all implausible')
        .option('--json', 'Print the summary as one JSON line')
      addFlagsOf(command, KAFKA_SECURITY)
    },
    async run(flags, context) {
      const options = readOptions(flags, context.env)
      const summary = await produceWithDisplay(await loadProduce(), options, context)
      const text = produceSummaryText(summary, options.request.topic, styleOn(context.stdout, context.env))
      context.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : text)
      return exitCodeAfter(summary, options, context.signal)
    },
  }
}

async function produceWithDisplay(
  produce: ProduceFiles,
  { request }: Options,
  { env, stderr, signal }: CliContext,
): Promise<ProduceSummary> {
  const display = createProduceDisplay(stderr, styleOn(stderr, env), () => performance.now())
  try {
    return await produce(request, display, signal)
  } finally {
    display.end()
  }
}

function styleOn(screen: Screen, env: CliContext['env']): Style {
  return createStyle(wantsColour(screen.isTTY === true, env))
}

/** Throws a ConfigurationError that lists every problem. */
function readOptions(flags: Flags, env: CliContext['env']): Options {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings(withPreset({ flags, env, file }))
  const given = withDefaults(values, broken)
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (key: SettingKey, problem: string, remedy: string): void => {
    problems.push({ place: places.get(key) ?? settingOf(key).flag ?? settingOf(key).name, problem, remedy })
  }
  if (file?.isBroken !== true) {
    if (given.input?.length === 0) add('input', 'no input is given', 'Give --input PATH, - for standard input.')
    if (given.brokers?.length === 0) add('brokers', 'no brokers are given', 'Give --brokers host:port.')
    problems.push(...kafkaRules(given, placeIn(places)))
    if (given.topic === null) add('topic', 'no topic is given', 'Give --topic NAME.')
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  const kafka = given as Config
  const { input, format, topic, partitions, json, failOnDeadLetters, allowAnyYear } = kafka
  // The default number is for runs on files. A topic is created only with an explicit number of partitions.
  const wanted = places.has('partitions') ? partitions : null
  const decode = decodeOptionsOf(kafka)
  const request = { inputs: input, format, decode, kafka, topic: topic as string, partitions: wanted, allowAnyYear }
  return { request, json, failOnDeadLetters }
}

function exitCodeAfter({ undecodable, useless }: ProduceSummary, options: Options, signal: AbortSignal): ExitCode {
  if (signal.aborted) {
    throw new WindrowError('stopped before the end of the input', {
      code: 'STOPPED',
      remedy: 'Run the command again: records that are already stored count as duplicates.',
    })
  }
  if (useless !== null) throw uselessRunError(useless)
  if (options.failOnDeadLetters && undecodable > 0) {
    throw new WindrowError(`${undecodable} records could not be read`, {
      code: 'DEAD_LETTERS',
      remedy: 'Fix the lines; the first ones are listed above. Or leave out --fail-on-dead-letters.',
    })
  }
  return 0
}
