/** What a job has published so far: its certificates and the results that they describe. The job may still be running. */
import type { KafkaSettings } from '../config/kafka-rules.ts'
import type { Config } from '../config/settings.ts'
import type { Certificate } from '../core/certificate.ts'
import { WindrowError } from '../errors/index.ts'
import { openPublishedReader, type OutputSettings } from '../sinks/outputs.ts'
import { destinationOf } from '../sinks/registry.ts'
import type { PublishedReader } from '../sinks/sink.ts'

export interface Published {
  readonly certificates: readonly Certificate[]
  /** Those that were published when the certificates were read; a topic may contain later ones too. */
  results(): AsyncIterable<string>
  close(): Promise<void>
}

export type OutputConfig = OutputSettings & Pick<Config, keyof KafkaSettings>

/** Opens the published lines of a job. `clientId` names this command to the brokers. */
export function openOutputs(config: OutputConfig, clientId: string): Promise<PublishedReader> {
  return openPublishedReader(config, {
    job: config.job,
    async kafkaConnection() {
      // Loaded only here: files do not need it.
      const { kafkaConnectionOf } = await import('../config/kafka-connection.ts')
      return kafkaConnectionOf(config, clientId)
    },
  })
}

/** Rejects with NOTHING_PUBLISHED if there is no certificate. */
export async function openPublished(config: OutputConfig): Promise<Published> {
  const reader = await openOutputs(config, 'windrow-replay')
  try {
    const certificates: Certificate[] = []
    for await (const line of reader.certificates()) {
      const certificate = JSON.parse(line) as Certificate
      if (certificate.job === config.job) certificates.push(certificate)
    }
    if (certificates.length === 0) throw nothingPublished(config)
    return { certificates, results: () => reader.results(), close: () => reader.close() }
  } catch (error) {
    await reader.close()
    throw error
  }
}

function nothingPublished({ job, certificates }: OutputConfig): WindrowError {
  const where = destinationOf(certificates)
  return new WindrowError(`job ${job} has published no certificate in ${where}: no window has closed`, {
    code: 'NOTHING_PUBLISHED',
  })
}
