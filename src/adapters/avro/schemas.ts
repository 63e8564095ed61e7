/** The schemas in `schemas/`: `<name>.avsc` is the current version, `<name>.v<N>.avsc` are those it succeeded. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import avro from 'avsc'
import type { Type } from 'avsc'

export type RecordSchema = avro.types.RecordType

/** The same from `src/adapters/avro` and from `dist/adapters/avro`. */
export const SCHEMA_FOLDER = fileURLToPath(new URL('../../../schemas/', import.meta.url))

export interface SchemaFile {
  readonly file: string
  /** The name without version and extension: `data-point`. */
  readonly name: string
  readonly current: boolean
  readonly type: Type
}

export function loadSchemas(folder: string = SCHEMA_FOLDER): readonly SchemaFile[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.avsc'))
  return files.sort().map((file) => {
    const stem = file.slice(0, -'.avsc'.length)
    const version = /\.v\d+$/.exec(stem)
    return {
      file,
      name: version === null ? stem : stem.slice(0, version.index),
      current: version === null,
      type: parseSchema(readFileSync(folder + file, 'utf8')),
    }
  })
}

/** The current version of a schema that is a record. */
export function currentSchema(name: string): RecordSchema {
  const schema = loadSchemas().find((candidate) => candidate.name === name && candidate.current)
  if (!(schema?.type instanceof avro.types.RecordType)) throw new TypeError(`schemas/${name}.avsc is missing`)
  return schema.type
}

/** `registry`: types to use for names of types. Throws avsc's own error if the text is not a schema. */
export function parseSchema(text: string, registry: { [name: string]: Type } = {}): Type {
  return avro.Type.forSchema(JSON.parse(text) as Parameters<typeof avro.Type.forSchema>[0], { registry })
}
