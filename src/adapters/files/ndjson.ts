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
  /** The whole stretch as a string: slicing it is cheaper than decoding every line. `null` if it is not ASCII. */
  let stretch: string | null = null

  return {
    needsNextLine: false,
    begin(bytes, isAscii) {
      stretch = isAscii ? bytes.toString('latin1') : null
    },
    decode(bytes, start, end): Decoded {
      const text = stretch === null ? decodeUtf8(bytes, start, end) : stretch.slice(start, end)
      return text === null ? notUtf8() : decoder.decodeText(text, context)
    },
  }
}
