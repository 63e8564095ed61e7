/** Creates the decoder for the record values of a job's topic, from its settings. */
import type { Decode } from '../adapters/kafka/consumption.ts'
import { createRecordDecoder } from '../adapters/kafka/decode.ts'
import { createSchemaRegistry } from '../adapters/kafka/schema-registry.ts'
import type { Config } from '../config/settings.ts'
import { decodeOptionsOf, type DecodeSettings } from './decode-options.ts'
import type { Clock } from '../ports/index.ts'

export function recordDecoderOf(config: DecodeSettings & Pick<Config, 'schemaRegistry'>, clock: Clock): Decode {
  const { schemaRegistry: url } = config
  const registry = url === null ? {} : { registry: { registry: createSchemaRegistry({ url, clock }), clock } }
  return createRecordDecoder({ fields: decodeOptionsOf(config), ...registry })
}
