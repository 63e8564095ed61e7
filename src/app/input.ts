/** Where a run's records come from. */
import { checkBinding, describeInputs, type InputBinding } from '../adapters/files/inputs.ts'
import { createFileSource } from '../adapters/files/source.ts'
import type { Config } from '../config/settings.ts'
import type { Json } from '../core/json.ts'
import type { Source } from '../pipeline/ports.ts'

export interface Input {
  readonly source: Source
  /** What the job record keeps of it. */
  readonly identity: Json
  /** Throws when the job began with another input. */
  check(before: Json): void
}

export async function openInput(config: Config): Promise<Input> {
  const binding = await describeInputs(config.input)
  const source = createFileSource({
    inputs: config.input,
    partitions: config.partitions,
    format: config.format,
    decode: { mapping: config.fields },
  })
  return {
    source,
    identity: { kind: 'files', inputs: binding as unknown as Json },
    check: (before) => checkBinding((before as unknown as { inputs: InputBinding }).inputs, binding),
  }
}
