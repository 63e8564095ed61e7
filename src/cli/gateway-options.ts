/** Reads the options of `windrow gateway` from flags, variables and the file, and reports all problems at once. */
import type { GatewayRequest } from '../app/gateway/gateway.ts'
import { withDefaults } from '../config/defaults.ts'
import { settingOf } from '../config/names.ts'
import { kafkaRules } from '../config/kafka-rules.ts'
import { placeIn, readSettings } from '../config/resolve.ts'
import type { Config, SettingKey } from '../config/settings.ts'
import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts'
import type { Client } from '../gateway/tokens.ts'
import { topicNameOf } from '../sinks/kafka/setting.ts'
import type { CliContext } from './command.ts'
import { loadConfigFile } from './load-config.ts'
import { readTokens } from './read-tokens.ts'

export interface GatewayCliOptions extends GatewayRequest {
  readonly json: boolean
}

/** Throws a ConfigurationError that names every problem. */
export function readGatewayOptions(
  flags: Readonly<Record<string, unknown>>,
  env: CliContext['env'],
): GatewayCliOptions {
  const file = loadConfigFile(flags, env)
  // A gateway always writes to Kafka, even if the file has `source: files` for a run.
  const { values, places, broken, problems: wrong } = readSettings({ flags, env, file })
  const config = withDefaults({ ...values, source: 'kafka' }, broken)
  const problems: ConfigurationProblem[] = [...wrong]
  const add = (key: SettingKey, problem: string, remedy: string): void => {
    problems.push({ place: places.get(key) ?? settingOf(key).flag ?? settingOf(key).name, problem, remedy })
  }
  let clients: readonly Client[] | null = null
  if (file?.isBroken !== true) {
    const { brokers, topic, listen, tokensFile, openToAll, maxBodyBytes, maxPendingBytes, results } = config
    if (brokers?.length === 0) add('brokers', 'no brokers are given', 'Give --brokers host:port.')
    problems.push(...kafkaRules(config, placeIn(places)))
    if (topic === null) add('topic', 'no topic is given', 'Give --topic NAME.')
    if (typeof tokensFile === 'string')
      clients = readTokens(tokensFile, (problem, remedy) => add('tokensFile', problem, remedy))
    if (tokensFile === null && openToAll === false && listen !== undefined && !isLoopback(listen.host)) {
      const problem = `${listen.host} is reachable from other machines, and no tokens are given`
      add('listen', problem, 'Give --tokens-file FILE, or --open-to-all to allow every client.')
    }
    if (typeof tokensFile === 'string' && openToAll === true) {
      add('openToAll', 'it allows every client, but tokens are given too', 'Leave one of the two out.')
    }
    if (maxBodyBytes !== undefined && maxPendingBytes !== undefined && maxPendingBytes < maxBodyBytes) {
      add('maxPendingBytes', 'it is less than the largest request body', 'Give at least as much as --max-body-bytes.')
    }
    if (places.has('results') && results !== undefined && topicIn(results) === null) {
      add('results', 'the gateway reads results from Kafka', 'Give kafka:TOPIC, or leave it out.')
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems)
  // There is no problem, so every setting is valid: given, or its default.
  const complete = config as Config & { readonly topic: string }
  return {
    config: complete,
    clients,
    // Create the topic only if `partitions` is given, so that a mistyped name does not create one.
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

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
