/**
 * Guards the schemas: every version must be readable by the current one, and a released version never changes.
 * `schemas/fingerprints.json` lists what was released, as `{ "<file>": "<fingerprint>" }`.
 */
import { readFileSync } from 'node:fs'
import { messageOf } from '../../src/errors/index.ts'
import { formatFingerprint, schemaFingerprint } from '../../src/adapters/avro/fingerprint.ts'
import { loadSchemas, SCHEMA_FOLDER } from '../../src/adapters/avro/schemas.ts'

/** What is wrong with the schemas of a folder, each as a sentence with its remedy; empty when all is well. */
export function checkSchemas(folder: string = SCHEMA_FOLDER): readonly string[] {
  const schemas = loadSchemas(folder)
  const released = JSON.parse(readFileSync(folder + 'fingerprints.json', 'utf8')) as Record<string, string>
  const problems: string[] = []
  for (const { file, name, current, type } of schemas) {
    const fingerprint = formatFingerprint(schemaFingerprint(type))
    const expected = released[file]
    if (expected === undefined) {
      problems.push(`${file} is not listed. Add "${file}": "${fingerprint}" to fingerprints.json.`)
    } else if (expected !== fingerprint) {
      problems.push(
        `${file} has the fingerprint ${fingerprint}, released was ${expected}. ` +
          `Restore it as the next ${name}.v<N>.avsc, so that what was written with it stays readable.`,
      )
    }
    if (current) continue
    const reader = schemas.find((schema) => schema.name === name && schema.current)
    if (reader === undefined) {
      problems.push(`${file} has no current version. Add ${name}.avsc.`)
      continue
    }
    try {
      reader.type.createResolver(type)
    } catch (error) {
      problems.push(`${reader.file} cannot read what ${file} wrote: ${messageOf(error)}. Give new fields a default.`)
    }
  }
  for (const file of Object.keys(released)) {
    if (!schemas.some((schema) => schema.file === file)) {
      problems.push(`${file} was released and is gone. Restore it, so that what was written with it stays readable.`)
    }
  }
  return problems
}
