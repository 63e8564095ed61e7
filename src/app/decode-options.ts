/** How the records of a job are decoded, from its settings. Run, verify and the other commands share it. */
import type { DecodeOptions } from '../adapters/json/mapping.ts'
import type { Config } from '../config/settings.ts'
import type { Json } from '../core/json.ts'

export type DecodeSettings = Pick<Config, 'fields' | 'csv' | 'allowAnyYear'>

export function decodeOptionsOf({ fields, csv, allowAnyYear }: DecodeSettings): DecodeOptions {
  return { mapping: fields, checkYears: !allowAnyYear, ...(csv === null ? {} : { csv }) }
}

/** What a job is bound to: how its records are read must not change under it. Equal to the fields alone where nothing else is set. */
export function boundFieldsOf({ fields, csv }: DecodeSettings): Json {
  return { ...fields, ...(csv === null ? {} : { csv }) } as unknown as Json
}
