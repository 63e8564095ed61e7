/** The run's connection to Kafka, for its input and its sinks. */
import type { KafkaConnection } from '../../adapters/kafka/client.ts'
import type { Config } from '../../config/settings.ts'
import type { Log } from '../../telemetry/log.ts'

export async function runConnectionOf(config: Config, log: Log): Promise<KafkaConnection> {
  // Loaded only here: a run on files does not need it.
  const { kafkaConnectionOf } = await import('../../config/kafka-connection.ts')
  return {
    ...kafkaConnectionOf(config, `windrow-${config.job}`),
    // The client logs everything that it retries as an error. What it cannot recover from reaches us as a WindrowError.
    log: ({ message, fields }) => log.debug(fields, `kafka: ${message}`),
  }
}
