/** What the settings of the connection to Kafka demand of each other; the same for every command that connects. */
import type { ConfigurationProblem } from '../errors/index.ts'
import type { Incomplete } from './defaults.ts'
import type { Config, SettingKey } from './settings.ts'

/** Beside the brokers: who they are, and who this is. */
export const KAFKA_SECURITY = [
  ...(['kafkaTls', 'kafkaCaFile', 'kafkaCertFile', 'kafkaKeyFile'] as const),
  ...(['kafkaSasl', 'kafkaUsername', 'kafkaPassword', 'kafkaPasswordFile'] as const),
  ...(['kafkaTokenFile', 'kafkaTokenUrl', 'kafkaScope'] as const),
] as const satisfies readonly SettingKey[]

export type KafkaSettings = Pick<Config, 'brokers' | (typeof KAFKA_SECURITY)[number]>

/** `placeOf` says where a setting was given, or its flag when it was not. */
export function kafkaRules(config: Incomplete, placeOf: (key: SettingKey) => string): ConfigurationProblem[] {
  const { kafkaTls: tls, kafkaSasl: sasl, kafkaUsername: username, kafkaPassword, kafkaPasswordFile } = config
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string): void =>
    void problems.push({ place: placeOf(key), problem, remedy })
  const [isCert, isKey] = [config.kafkaCertFile, config.kafkaKeyFile].map((file) => typeof file === 'string')
  if (isCert !== isKey) {
    const missing = isCert ? 'kafkaKeyFile' : 'kafkaCertFile'
    const problem = isCert ? 'a certificate is given without its key' : 'a key is given without its certificate'
    add(isCert ? 'kafkaCertFile' : 'kafkaKeyFile', problem, `Give ${placeOf(missing)} too.`)
  }
  for (const key of ['kafkaCaFile', 'kafkaCertFile', 'kafkaKeyFile'] as const)
    if (tls === false && typeof config[key] === 'string')
      add(key, 'it is for TLS, which is turned off', 'Leave one of the two out.')
  const passwords = [kafkaPassword, kafkaPasswordFile].filter((one) => typeof one === 'string').length
  if (sasl === null) {
    if (typeof username === 'string') add('kafkaUsername', 'no mechanism is given', `Give ${placeOf('kafkaSasl')}.`)
    // A variable may be there for others; a file is given on purpose.
    if (typeof kafkaPasswordFile === 'string')
      add('kafkaPasswordFile', 'no mechanism is given', `Give ${placeOf('kafkaSasl')}.`)
  }
  if (sasl !== undefined && sasl !== 'oauthbearer')
    for (const key of ['kafkaTokenFile', 'kafkaTokenUrl', 'kafkaScope'] as const)
      if (typeof config[key] === 'string')
        add(
          key,
          'tokens are for the mechanism oauthbearer',
          `Give ${placeOf('kafkaSasl')} oauthbearer, or leave it out.`,
        )
  if (sasl === 'oauthbearer') problems.push(...tokenRules(config, placeOf))
  else if (typeof sasl === 'string') {
    if (username === null) add('kafkaSasl', 'no user name is given', `Give ${placeOf('kafkaUsername')}.`)
    if (kafkaPassword === null && kafkaPasswordFile === null)
      add('kafkaSasl', 'no password is given', 'Give WINDROW_KAFKA_PASSWORD, or --kafka-password-file.')
    if (passwords === 2) add('kafkaPasswordFile', 'WINDROW_KAFKA_PASSWORD is given too', 'Leave one of the two out.')
    if (sasl === 'plain' && tls === false)
      add('kafkaSasl', 'plain would send the password in clear', 'Give --kafka-tls, or a scram mechanism.')
  }
  return problems
}

/** A token out of a file, or out of a server that knows this client by a secret or by such a file. */
function tokenRules(config: Incomplete, placeOf: (key: SettingKey) => string): ConfigurationProblem[] {
  const { kafkaTokenUrl: url, kafkaTokenFile: file, kafkaPassword, kafkaPasswordFile } = config
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string): void =>
    void problems.push({ place: placeOf(key), problem, remedy })
  const isGiven = (one: unknown): boolean => typeof one === 'string'
  if (config.kafkaTls === false) add('kafkaSasl', 'oauthbearer would send the token in clear', 'Give --kafka-tls.')
  const secrets = [kafkaPassword, kafkaPasswordFile, file].filter(isGiven).length
  if (url === null) {
    if (file === null)
      add(
        'kafkaSasl',
        'there is nowhere to get a token',
        `Give ${placeOf('kafkaTokenFile')}, or ${placeOf('kafkaTokenUrl')}.`,
      )
    // A password in a variable may be there for others; these are given on purpose.
    for (const key of ['kafkaUsername', 'kafkaPasswordFile', 'kafkaScope'] as const)
      if (isGiven(config[key]))
        add(key, 'there is no server to show it to', `Give ${placeOf('kafkaTokenUrl')}, or leave it out.`)
  }
  if (isGiven(url)) {
    if (config.kafkaUsername === null)
      add('kafkaTokenUrl', 'no client id is given', `Give ${placeOf('kafkaUsername')}.`)
    if (secrets === 0)
      add(
        'kafkaTokenUrl',
        'nothing proves who this is',
        `Give ${placeOf('kafkaTokenFile')}, or WINDROW_KAFKA_PASSWORD.`,
      )
    if (secrets > 1)
      add(
        'kafkaTokenUrl',
        'more than one thing proves who this is',
        'Leave all but one out: token file, password, password file.',
      )
  }
  return problems
}
