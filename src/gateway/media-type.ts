/** What a request's headers say that its body is. */

export type BodyFormat = 'json' | 'ndjson' | 'avro'

/** By media type. Neither NDJSON nor Avro has a registered one, so the names in use are all understood. */
const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'avro/binary': 'avro',
  'application/avro': 'avro',
}

export const MEDIA_TYPES = Object.keys(FORMATS)

/** `null` for what the gateway does not read, another character set than UTF-8 included. */
export function formatOf(contentType: string | undefined): BodyFormat | null {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return null
  const name = type.trim()
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name] as BodyFormat) : null
}

/** `null` for codings, or stacks of them, that the gateway does not unpack. */
export function isGzipped(contentEncoding: string | undefined): boolean | null {
  const coding = (contentEncoding ?? 'identity').trim().toLowerCase()
  if (coding === 'identity' || coding === '') return false
  return coding === 'gzip' || coding === 'x-gzip' ? true : null
}
