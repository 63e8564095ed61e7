/** Creates the decoder for the record values of a job's topic, from its settings. */
import type { Decode } from '../adapters/kafka/consumption.ts'
import { createRecordDecoder } from '../adapters/kafka/decode.ts'
import { createSchemaRegistry } from '../adapters/kafka/schema-registry.ts'
import type { Config } from '../config/settings.ts'
import type { Clock } from '../ports/index.ts'

export function recordDecoderOf(
  { fields, schemaRegistry: url }: Pick<Config, 'fields' | 'schemaRegistry'>,
  clock: Clock,
): Decode {
  const registry = url === null ? {} : { registry: { registry: createSchemaRegistry({ url, clock }), clock } }
  return createRecordDecoder({ fields: { mapping: fields }, ...registry })
}
