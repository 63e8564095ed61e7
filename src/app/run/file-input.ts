/** Files as a run's input. */
import { checkBinding, describeInputs, STDIN, type InputBinding } from '../../adapters/files/inputs.ts'
import { createFileSource } from '../../adapters/files/source.ts'
import type { Config } from '../../config/settings.ts'
import type { Json } from '../../core/json.ts'
import type { Input } from './input.ts'
import { createSoleInput } from './sole-input.ts'

export async function openFileInput(config: Config): Promise<Input> {
  const binding = await describeInputs(config.input)
  const source = createFileSource({
    // The paths that are bound, not the patterns: those could match other files by now.
    inputs: binding.map((input) => input.path),
    partitions: config.partitions,
    format: config.format,
    decode: { mapping: config.fields },
  })
  return createSoleInput({
    source,
    partitions: config.partitions,
    isRepeatable: !binding.some(({ path }) => path === STDIN),
    identity: { kind: 'files', inputs: binding as unknown as Json },
    check: (before) => checkBinding((before as unknown as { inputs: InputBinding }).inputs, binding),
  })
}
