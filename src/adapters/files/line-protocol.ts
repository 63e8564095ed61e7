/** Decodes files in the line protocol. Lines that begin with `#` are comments. */
import { decodeUtf8 } from '../bytes/text.ts'
import { createLineProtocolDecoder } from '../json/line-protocol.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { notUtf8 } from '../mapping/undecodable.ts'
import type { LineFormat } from './line-reader.ts'

const HASH = 0x23

export function lineProtocolFormat(file: string, options: DecodeOptions): LineFormat {
  const context = { file }
  const decoder = createLineProtocolDecoder(options)
  return {
    needsNextLine: false,
    begin() {},
    isIgnored: (bytes, start) => bytes[start] === HASH,
    decode(bytes, start, end) {
      const text = decodeUtf8(bytes, start, end)
      return text === null ? notUtf8() : decoder.decodeLine(text, context)
    },
  }
}
