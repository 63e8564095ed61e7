/** Parses Content-Type and Content-Encoding of a request. */

export type BodyFormat = 'json' | 'ndjson' | 'avro'

/** By media type. Neither NDJSON nor Avro has a registered one, so all names in common use are accepted. */
const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'avro/binary': 'avro',
  'application/avro': 'avro',
}

export const MEDIA_TYPES = Object.keys(FORMATS)

/** `null` if the gateway cannot read the media type, or if the character set is not UTF-8. */
export function formatOf(contentType: string | undefined): BodyFormat | null {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return null
  const name = type.trim()
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name] as BodyFormat) : null
}

/** Whether the body is compressed with gzip; `null` for any other coding or combination of codings. */
export function isGzipped(contentEncoding: string | undefined): boolean | null {
  const coding = (contentEncoding ?? 'identity').trim().toLowerCase()
  if (coding === 'identity' || coding === '') return false
  return coding === 'gzip' || coding === 'x-gzip' ? true : null
}
