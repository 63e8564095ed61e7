/** From flags, variables and file to what a gateway needs; all that is wrong at once. */
import { readFileSync } from 'node:fs'
import type { GatewayRequest } from '../app/gateway/gateway.ts'
import { withDefaults } from '../config/defaults.ts'
import { settingOf } from '../config/names.ts'
import { kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { ConfigurationError, messageOf, type ConfigurationProblem } from '../errors/index.ts'
import { parseTokens, type Client } from '../gateway/tokens.ts'
import { topicNameOf } from '../sinks/kafka/setting.ts'
import type { CliContext } from './command.ts'
import { loadConfigFile } from './load-config.ts'

export interface GatewayCliOptions extends GatewayRequest {
  readonly json: boolean
}

/** Throws a ConfigurationError that names every problem. */
export function readGatewayOptions(
  flags: Readonly<Record<string, unknown>>,
  env: CliContext['env'],
): GatewayCliOptions {
  const file = loadConfigFile(flags, env)
  // A gateway in front of a topic is in front of Kafka, whatever else the file is used for.
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const config = withDefaults({ ...values, source: 'kafka' }, broken)
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (key: SettingKey, problem: string, remedy: string): void => {
    problems.push({ place: places.get(key) ?? settingOf(key).flag ?? settingOf(key).name, problem, remedy })
  }
  let clients: readonly Client[] | null = null
  if (file?.isBroken !== true) {
    const { brokers, topic, listen, tokensFile, openToAll, maxBodyBytes, maxPendingBytes, results } = config
    if (brokers?.length === 0) add('brokers', 'there are no brokers to write to', 'Give --brokers host:port.')
    problems.push(...kafkaRules(config, placeIn(places)))
    if (topic === null) add('topic', 'there is no topic to write to', 'Give --topic NAME.')
    if (typeof tokensFile === 'string')
      clients = readTokens(tokensFile, (problem, remedy) => add('tokensFile', problem, remedy))
    if (tokensFile === null && openToAll === false && listen !== undefined && !isLoopback(listen.host)) {
      const problem = `${listen.host} can be reached from other machines, and there are no tokens`
      add('listen', problem, 'Give --tokens-file FILE, or --open-to-all if that is what you want.')
    }
    if (typeof tokensFile === 'string' && openToAll === true) {
      add('openToAll', 'everyone is let in, and there are tokens too', 'Leave one of the two out.')
    }
    if (maxBodyBytes !== undefined && maxPendingBytes !== undefined && maxPendingBytes < maxBodyBytes) {
      add('maxPendingBytes', 'it is below the largest body', 'Give at least as much as --max-body-bytes.')
    }
    if (places.has('results') && results !== undefined && topicIn(results) === null) {
      add('results', 'the gateway reads results from Kafka', 'Give kafka:TOPIC, or leave it out.')
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // Without a problem nothing is broken, so every setting was given or has its default.
  const complete = config as Config & { readonly topic: string }
  return {
    config: complete,
    clients,
    // Only where it is asked for: a topic that is mistyped must not come to be.
    partitions: places.has('partitions') ? complete.partitions : null,
    topics: {
      results: topicIn(complete.results) ?? `${complete.job}-results`,
      certificates: topicNameOf(complete.certificates) ?? `${complete.job}-certificates`,
    },
    json: complete.json,
  }
}

function topicIn(results: Config['results']): string | null {
  return results.map(topicNameOf).find((topic) => topic !== null) ?? null
}

function readTokens(path: string, add: (problem: string, remedy: string) => void): readonly Client[] {
  try {
    const { clients, problems } = parseTokens(readFileSync(path, 'utf8'))
    for (const problem of problems) add(`${path}: ${problem}`, 'Give a line NAME TOKEN for each client.')
    return clients
  } catch (error) {
    add(`cannot read ${JSON.stringify(path)} (${messageOf(error)})`, 'Give a file that can be read.')
    return []
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
