/** Rules between the settings of the Kafka connection, shared by every command that connects. */
import type { ConfigurationProblem } from '../errors/index.ts'
import type { Incomplete } from './defaults.ts'
import type { Config, SettingKey } from './settings.ts'

/** Settings of TLS and authentication, without the brokers. */
export const KAFKA_SECURITY = [
  ...(['kafkaTls', 'kafkaCaFile', 'kafkaCertFile', 'kafkaKeyFile'] as const),
  ...(['kafkaSasl', 'kafkaUsername', 'kafkaPassword', 'kafkaPasswordFile'] as const),
  ...(['kafkaTokenFile', 'kafkaTokenUrl', 'kafkaScope'] as const),
] as const satisfies readonly SettingKey[]

export type KafkaSettings = Pick<Config, 'brokers' | (typeof KAFKA_SECURITY)[number]>

/** `placeOf` returns the place where a setting was given, or its flag if it was not given. */
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
      add(key, 'it requires TLS, which is off', 'Leave one of the two out.')
  const passwords = [kafkaPassword, kafkaPasswordFile].filter((one) => typeof one === 'string').length
  if (sasl === null) {
    if (typeof username === 'string') add('kafkaUsername', 'no mechanism is given', `Give ${placeOf('kafkaSasl')}.`)
    // A variable may be set for another program. A file is given on purpose.
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
      add('kafkaSasl', 'plain would send the password unencrypted', 'Give --kafka-tls, or a SCRAM mechanism.')
  }
  return problems
}

/** A token comes from a file, or from a server that authenticates this client by a secret or by such a file. */
function tokenRules(config: Incomplete, placeOf: (key: SettingKey) => string): ConfigurationProblem[] {
  const { kafkaTokenUrl: url, kafkaTokenFile: file, kafkaPassword, kafkaPasswordFile } = config
  const problems: ConfigurationProblem[] = []
  const add = (key: SettingKey, problem: string, remedy: string): void =>
    void problems.push({ place: placeOf(key), problem, remedy })
  const isGiven = (one: unknown): boolean => typeof one === 'string'
  if (config.kafkaTls === false) add('kafkaSasl', 'oauthbearer would send the token unencrypted', 'Give --kafka-tls.')
  const secrets = [kafkaPassword, kafkaPasswordFile, file].filter(isGiven).length
  if (url === null) {
    if (file === null)
      add(
        'kafkaSasl',
        'no source of tokens is given',
        `Give ${placeOf('kafkaTokenFile')}, or ${placeOf('kafkaTokenUrl')}.`,
      )
    // A password in a variable may be set for another program. These settings are given on purpose.
    for (const key of ['kafkaUsername', 'kafkaPasswordFile', 'kafkaScope'] as const)
      if (isGiven(config[key]))
        add(key, 'there is no token server to use it with', `Give ${placeOf('kafkaTokenUrl')}, or leave it out.`)
  }
  if (isGiven(url)) {
    if (config.kafkaUsername === null)
      add('kafkaTokenUrl', 'no client id is given', `Give ${placeOf('kafkaUsername')}.`)
    if (secrets === 0)
      add('kafkaTokenUrl', 'no credential is given', `Give ${placeOf('kafkaTokenFile')}, or WINDROW_KAFKA_PASSWORD.`)
    if (secrets > 1)
      add(
        'kafkaTokenUrl',
        'more than one credential is given',
        'Leave all but one out: token file, password, password file.',
      )
  }
  return problems
}
