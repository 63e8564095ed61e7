/** Decodes NDJSON: one JSON text per line. */
import type { Decoded } from '../../core/point.ts'
import { decodeUtf8 } from '../bytes/text.ts'
import { createJsonDecoder } from '../json/decode.ts'
import { notUtf8 } from '../mapping/undecodable.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import type { LineFormat } from './line-reader.ts'

export function ndjsonFormat(file: string, options: DecodeOptions): LineFormat {
  const context = { file }
  const decoder = createJsonDecoder(options)
  let isStretchAscii = false
  /** The whole stretch as a string: slicing it is cheaper than decoding every line. `null` until it is needed. */
  let stretch: string | null = null

  return {
    needsNextLine: false,
    begin(_bytes, isAscii) {
      isStretchAscii = isAscii
      stretch = null
    },
    decode(bytes, start, end): Decoded {
      const scanned = decoder.scan(bytes, start, end, context)
      if (scanned !== null) return scanned
      const text = isStretchAscii
        ? (stretch ??= bytes.toString('latin1')).slice(start, end)
        : decodeUtf8(bytes, start, end)
      return text === null ? notUtf8() : decoder.decodeText(text, context)
    },
  }
}
