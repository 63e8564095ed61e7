/** Files as a run's input. */
import { checkBinding, describeInputs, STDIN, type InputBinding } from '../../adapters/files/inputs.ts'
import { createFilePublisherFactory } from '../../adapters/files/result-file.ts'
import { createFileSource } from '../../adapters/files/source.ts'
import type { Config } from '../../config/settings.ts'
import type { Json } from '../../core/json.ts'
import { ConfigurationError } from '../../errors/index.ts'
import type { AtomicPublishers } from '../../ports/index.ts'
import type { Input } from './input.ts'
import { createSoleInput } from './sole-input.ts'

export async function openFileInput(config: Config): Promise<Input> {
  const binding = await describeInputs(config.input)
  const source = createFileSource({
    // The paths that are bound, not the patterns: they could match something else by now.
    inputs: binding.map((input) => input.path),
    partitions: config.partitions,
    format: config.format,
    decode: { mapping: config.fields },
  })
  return createSoleInput({
    source,
    publishers: filePublishers(config),
    partitions: config.partitions,
    isRepeatable: !binding.some(({ path }) => path === STDIN),
    identity: { kind: 'files', inputs: binding as unknown as Json },
    check: (before) => checkBinding((before as unknown as { inputs: InputBinding }).inputs, binding),
  })
}

/** What is published in one step goes all to files or all to Kafka. */
export function filePublishers(config: Config): AtomicPublishers {
  const { job, results, deadLetters, certificates } = config
  if (results.kind === 'file' && deadLetters.kind === 'file' && certificates.kind === 'file') {
    const paths = { results: results.path, deadLetters: deadLetters.path, certificates: certificates.path }
    return createFilePublisherFactory({ job, ...paths })
  }
  throw new ConfigurationError([
    {
      place: '--results',
      problem: 'results, dead letters and certificates must all go to files',
      remedy: 'Give FILE.ndjson for each.',
    },
  ])
}
