/** Parses Content-Type and Content-Encoding of a request. */

/** The formats of points and manifests. */
export type BodyFormat = 'json' | 'ndjson' | 'avro'

/** The media type of protobuf, in OTLP and in remote write. */
export const PROTOBUF = 'application/x-protobuf'

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

/** The format of a request of OTLP; `null` for any other. */
export function otlpFormatOf(contentType: string | undefined): 'json' | 'protobuf' | null {
  if (formatOf(contentType) === 'json') return 'json'
  return mediaTypeOf(contentType).type === PROTOBUF ? 'protobuf' : null
}

/** Whether it is a request of remote write 1.0. Version 2.0 has the same media type with another message. */
export function isRemoteWrite(contentType: string | undefined): boolean {
  const { type, parameters } = mediaTypeOf(contentType)
  const message = parameters.find((one) => one.startsWith('proto='))
  return type === PROTOBUF && (message === undefined || message === 'proto=prometheus.writerequest')
}

function mediaTypeOf(contentType: string | undefined): {
  readonly type: string
  readonly parameters: readonly string[]
} {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  return { type: type.trim(), parameters: parameters.map((one) => one.trim()) }
}

/** `null` if the gateway cannot read the media type, or if the character set is not UTF-8. */
export function formatOf(contentType: string | undefined): BodyFormat | null {
  const { type: name, parameters } = mediaTypeOf(contentType)
  const charset = parameters.find((one) => one.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) return null
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name] as BodyFormat) : null
}

/** Whether the body is compressed with gzip; `null` for any other coding or combination of codings. */
export function isGzipped(contentEncoding: string | undefined): boolean | null {
  const coding = (contentEncoding ?? 'identity').trim().toLowerCase()
  if (coding === 'identity' || coding === '') return false
  return coding === 'gzip' || coding === 'x-gzip' ? true : null
}
