/** Builds the options of a Kafka connection from settings. Only this file reads certificates, keys and password files. */
import { readFileSync } from 'node:fs'
import type { SASLOptions } from 'kafkajs'
import type { KafkaSettings } from './kafka-rules.ts'
import { settingOf } from './names.ts'
import { ConfigurationError, messageOf, type ConfigurationProblem } from '../errors/index.ts'
import { tokenFromEndpoint, tokenFromFile } from '../adapters/kafka/access-token.ts'
import type { KafkaConnection } from '../adapters/kafka/client.ts'
import { oauthBearer } from '../adapters/kafka/oauth-bearer.ts'

type FileKey = 'kafkaCaFile' | 'kafkaCertFile' | 'kafkaKeyFile' | 'kafkaPasswordFile' | 'kafkaTokenFile'

/** Throws a ConfigurationError that lists every unreadable file. */
export function kafkaConnectionOf(settings: KafkaSettings, clientId: string): KafkaConnection {
  const problems: ConfigurationProblem[] = []
  const read = (key: FileKey): string | undefined => {
    const path = settings[key]
    if (path === null) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      const problem = `cannot read ${JSON.stringify(path)} (${messageOf(error)})`
      problems.push({ place: settingOf(key).name, problem, remedy: 'Give a readable file.' })
      return undefined
    }
  }
  const [ca, cert, key] = [read('kafkaCaFile'), read('kafkaCertFile'), read('kafkaKeyFile')]
  const password = settings.kafkaPassword ?? read('kafkaPasswordFile')?.split(/\r?\n/)[0]
  // The token is read whenever one is needed. Reading it now only detects a wrong path early.
  read('kafkaTokenFile')
  if (problems.length > 0) throw new ConfigurationError(problems)
  const { brokers, kafkaTls, kafkaSasl: mechanism } = settings
  return {
    brokers,
    clientId,
    ...(kafkaTls
      ? { ssl: { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert, key }) } }
      : {}),
    ...(mechanism === null ? {} : { sasl: saslOf(mechanism, settings, password ?? '') }),
  }
}

/** kafka-rules.ts has already checked that the settings of the mechanism are given. */
function saslOf(
  mechanism: NonNullable<KafkaSettings['kafkaSasl']>,
  { kafkaUsername, kafkaTokenFile, kafkaTokenUrl, kafkaScope }: KafkaSettings,
  password: string,
): NonNullable<KafkaConnection['sasl']> {
  const username = kafkaUsername ?? ''
  if (mechanism !== 'oauthbearer') return { mechanism, username, password } as SASLOptions
  if (kafkaTokenUrl === null) return oauthBearer(tokenFromFile(kafkaTokenFile ?? ''))
  const proof = kafkaTokenFile === null ? { secret: password } : { assertionFile: kafkaTokenFile }
  return oauthBearer(tokenFromEndpoint({ url: kafkaTokenUrl, clientId: username, proof, scope: kafkaScope }))
}
