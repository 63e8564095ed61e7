/** Where a run's results and dead letters go. */
import { createFilePublisherFactory } from '../adapters/files/result-file.ts'
import type { Config } from '../config/settings.ts'
import type { PublisherFactory } from '../pipeline/ports.ts'

export function openOutput(config: Config): PublisherFactory {
  const { results, deadLetters } = config
  if (results.kind === 'file' && deadLetters.kind === 'file') {
    return createFilePublisherFactory({ job: config.job, results: results.path, deadLetters: deadLetters.path })
  }
  throw new Error('results go to files')
}
