/** What a job has published so far: its certificates, and the results that they speak of, while it goes on. */
import { dirname, resolve } from 'node:path'
import { publishedLines, sideFileOf } from '../adapters/files/published-lines.ts'
import type { KafkaSettings } from '../config/kafka-rules.ts'
import type { Config } from '../config/settings.ts'
import type { Certificate } from '../core/certificate.ts'
import { WindrowError } from '../errors/index.ts'

export interface Published {
  readonly certificates: readonly Certificate[]
  /** Those that were published when the certificates were read; on a topic, later ones may be among them. */
  results(): AsyncIterable<string>
  close(): Promise<void>
}

export type OutputConfig = Pick<Config, 'job' | keyof KafkaSettings | 'results' | 'certificates'>

/** Throws NOTHING_PUBLISHED where no certificate is. */
export async function openPublished(config: OutputConfig): Promise<Published> {
  const { results, certificates } = config
  if (results.kind === 'file' && certificates.kind === 'file') return openFiles(config, results.path)
  // Loaded when needed: files do without Kafka's client.
  const { openPublishedTopics } = await import('./published-topics.ts')
  return openPublishedTopics(config)
}

async function openFiles(config: OutputConfig, results: string): Promise<Published> {
  // One look at the side file, which is replaced as a whole: results and certificates of the same commits.
  const side = await sideFileOf(results)
  if (side === null || side.certificates.bytes === 0) throw nothingPublished(config, results)
  const certificates: Certificate[] = []
  const path = resolve(dirname(results), side.certificates.path)
  for await (const line of publishedLines(path, side.certificates.bytes)) {
    certificates.push(JSON.parse(line) as Certificate)
  }
  return { certificates, results: () => publishedLines(results, side.results.bytes), close: () => Promise.resolve() }
}

export function nothingPublished({ job }: OutputConfig, where: string): WindrowError {
  return new WindrowError(`job ${job} has published no certificate in ${where}: no window has closed`, {
    code: 'NOTHING_PUBLISHED',
    remedy: 'Give the settings that the job runs with (--data-dir, --results, --certificates), or wait for a window.',
  })
}
