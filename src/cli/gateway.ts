/** `windrow gateway`: an HTTP server that writes points to a Kafka topic and serves results. */
import type { GatewayObserver, RunGateway } from '../app/gateway/gateway.ts'
import { KAFKA_SECURITY } from '../config/kafka-rules.ts'
import type { SettingKey } from '../config/settings.ts'
import { messageOf } from '../errors/index.ts'
import { createLog } from '../telemetry/log.ts'
import { gatewaySummaryText } from '../ui/gateway-summary.ts'
import { createStyle, wantsColour } from '../ui/style.ts'
import type { CliCommand, CliContext } from './command.ts'
import { addFlagsOf, addSettingFlags } from './flags.ts'
import { readGatewayOptions, type GatewayCliOptions } from './gateway-options.ts'

/** Settings whose help text in the table fits a gateway. The other flags have their own text below. */
const SETTINGS: readonly SettingKey[] = [
  ...(['listen', 'tokensFile', 'openToAll', 'pointsPerSecond', 'maxBodyBytes', 'maxItems'] as const),
  ...(['maxPendingBytes', 'requestTimeoutMs', 'ackTimeoutMs', 'maxSeqSpan'] as const),
  ...(['metricsPort', 'metricsHost', 'logLevel'] as const),
]

/** `loadGateway` imports the server and the Kafka client. Help and usage errors do not need them. */
export function createGatewayCommand(loadGateway: () => Promise<RunGateway>): CliCommand {
  return {
    name: 'gateway',
    example: {
      line: 'windrow gateway --brokers localhost:9092 --topic vm --partitions 8',
      does: 'listens on http://127.0.0.1:8080, reachable from this machine only',
    },
    configure: (command) => {
      command
        .option('--brokers <list>', 'Kafka brokers, as host:port,host:port')
        .option('--topic <name>', 'Topic to write')
        .option('--partitions <number>', 'Create a missing topic with this many partitions')
        .option('--window <duration>', 'Window of the job that reads the topic (1h)')
        .option('--max-ahead <duration>', 'How far a timestamp may be in the future (5m)')
        .option('--job <name>', 'Job whose results it serves (windrow)')
        .option('--results <output>', 'Its results, if not kafka:<job>-results')
        .option('--json', 'Print the summary at the end as one JSON line')
      addSettingFlags(command, SETTINGS)
      addFlagsOf(command, KAFKA_SECURITY)
    },
    async run(flags, context) {
      const options = readGatewayOptions(flags, context.env)
      const runGateway = await loadGateway()
      const summary = await runGateway(options, observerOf(options, context), context.signal)
      const style = createStyle(wantsColour(context.stdout.isTTY === true, context.env))
      context.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : gatewaySummaryText(summary, style))
      return 0
    },
  }
}

/** Short messages on standard error, or log lines if a log level is set. */
function observerOf({ config }: GatewayCliOptions, { stderr }: CliContext): GatewayObserver {
  const log = createLog(config)
  const say = (text: string): void => {
    if (config.logLevel === 'silent') stderr.write(`${text}\n`)
  }
  let isWaiting = false
  return {
    waiting(error) {
      if (!isWaiting) say(`waiting for Kafka: ${error.message}`)
      isWaiting = true
      log.warn({ error }, 'waiting')
    },
    listening(url) {
      say(`listening on ${url}, writing to ${config.topic}`)
      log.info({ url, topic: config.topic }, 'listening')
    },
    responseSent(response) {
      log[response.status >= 500 ? 'warn' : 'debug'](response, 'answered')
    },
    fault(error) {
      say(`a request failed unexpectedly: ${messageOf(error)}`)
      log.error({ error }, 'fault')
    },
    draining() {
      say('shutting down: no new requests, finishing those in progress')
      log.info('draining')
    },
  }
}
