/** From settings to a connection: the files of certificates, keys and passwords are read here and nowhere else. */
import { readFileSync } from 'node:fs'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import { settingOf } from '../../config/names.ts'
import { ConfigurationError, messageOf, type ConfigurationProblem } from '../../errors.ts'
import type { KafkaConnection } from './client.ts'

type FileKey = 'kafkaCaFile' | 'kafkaCertFile' | 'kafkaKeyFile' | 'kafkaPasswordFile'

/** Throws a ConfigurationError that names every file which cannot be read. */
export function kafkaConnectionOf(settings: KafkaSettings, clientId: string): KafkaConnection {
  const problems: ConfigurationProblem[] = []
  const read = (key: FileKey): string | undefined => {
    const path = settings[key]
    if (path === null) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      const problem = `cannot read ${JSON.stringify(path)} (${messageOf(error)})`
      problems.push({ place: settingOf(key).name, problem, remedy: 'Give a file that can be read.' })
      return undefined
    }
  }
  const [ca, cert, key] = [read('kafkaCaFile'), read('kafkaCertFile'), read('kafkaKeyFile')]
  const password = settings.kafkaPassword ?? read('kafkaPasswordFile')?.split(/\r?\n/)[0]
  if (problems.length > 0) throw new ConfigurationError(problems)
  const { brokers, kafkaTls, kafkaSasl: mechanism, kafkaUsername: username } = settings
  return {
    brokers,
    clientId,
    ...(kafkaTls
      ? { ssl: { ...(ca === undefined ? {} : { ca: [ca] }), ...(cert === undefined ? {} : { cert, key }) } }
      : {}),
    // That both are there with a mechanism is a rule of the configuration.
    ...(mechanism === null ? {} : { sasl: { mechanism, username: username ?? '', password: password ?? '' } }),
  }
}
