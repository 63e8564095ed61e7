/** `windrow produce`: writes points and manifests from files to a topic. */
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
import { loadConfigFile } from './load-config.ts'

type Flags = Readonly<Record<string, unknown>>

interface Options {
  readonly request: ProduceRequest
  readonly json: boolean
  readonly failOnDeadLetters: boolean
}

/** `loadProduce` brings in Kafka's client, which help and usage errors do without. */
export function createProduceCommand(loadProduce: () => Promise<ProduceFiles>): CliCommand {
  return {
    name: 'produce',
    example: {
      line: 'windrow produce --input day.csv --brokers kafka:9092 --topic vm --partitions 8',
      does: 'makes the topic first if it is not there',
    },
    // Settings of a run, read in the same way; what they mean here is worded here.
    configure: (command) => {
      command
        .option('--config <file>', 'Read settings from this YAML file, such as names of fields')
        .option('--input <path...>', 'Files to read, - for standard input')
        .option('--brokers <list>', 'Kafka brokers, as host:port,host:port')
        .option('--topic <name>', 'Topic to write')
        .option('--partitions <number>', 'Create the topic with so many, if it is not there')
        .option('--format <kind>', 'auto, ndjson, csv or avro; gzip is seen by itself (auto)')
        .option('--fail-on-dead-letters', 'End with exit code 1 when lines cannot be read')
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

/** Throws with all that is wrong. */
function readOptions(flags: Flags, env: CliContext['env']): Options {
  const file = loadConfigFile(flags, env)
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const given = withDefaults(values, broken)
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (key: SettingKey, problem: string, remedy: string): void => {
    problems.push({ place: places.get(key) ?? settingOf(key).flag ?? settingOf(key).name, problem, remedy })
  }
  if (file?.isBroken !== true) {
    if (given.input?.length === 0) add('input', 'there is nothing to read', 'Give --input PATH, - for standard input.')
    if (given.brokers?.length === 0) add('brokers', 'there are no brokers to write to', 'Give --brokers host:port.')
    problems.push(...kafkaRules(given, placeIn(places)))
    if (given.topic === null) add('topic', 'there is no topic to write to', 'Give --topic NAME.')
    if (given.fields?.seq === null)
      add('fields', 'points without a seq cannot be produced', 'Name the field that numbers the points of a VM.')
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // Without a problem nothing is broken, so every setting was given or has its default.
  const kafka = given as Config
  const { input, format, fields, topic, partitions, json, failOnDeadLetters } = kafka
  // The default number is for runs on files: who wants a topic made says how many partitions it shall have.
  const wanted = places.has('partitions') ? partitions : null
  const request = { inputs: input, format, fields, kafka, topic: topic as string, partitions: wanted }
  return { request, json, failOnDeadLetters }
}

function exitCodeAfter({ undecodable }: ProduceSummary, options: Options, signal: AbortSignal): ExitCode {
  if (signal.aborted) {
    throw new WindrowError('stopped before the end of the input', {
      code: 'STOPPED',
      remedy: 'Run it again: what is stored already is known by its seq and counted as duplicate.',
    })
  }
  if (options.failOnDeadLetters && undecodable > 0) {
    throw new WindrowError(`${undecodable} records could not be read`, {
      code: 'DEAD_LETTERS',
      remedy: 'The first of them are named above; mend them, or leave --fail-on-dead-letters out.',
    })
  }
  return 0
}
