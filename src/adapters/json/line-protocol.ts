/** Decodes the line protocol (mapping/line-protocol.ts) by a mapping, as if each line were a JSON object. */
import { decodedEntries, joinEntries } from '../../core/entries.ts'
import type { Decoded } from '../../core/point.ts'
import { createJsonMapper } from '../mapping/json-mapper.ts'
import { parseProtocolLine, protocolLinesIn } from '../mapping/line-protocol.ts'
import type { RecordContext } from '../mapping/spec.ts'
import { undecodable } from '../mapping/undecodable.ts'
import { specOf, type DecodeOptions } from './mapping.ts'

export interface LineProtocolDecoder {
  decodeLine(line: string, context: RecordContext): Decoded
  /** The value of a Kafka record in no other format: one or several lines, whose entries are those of the record. */
  decodeText(text: string, context: RecordContext): Decoded
}

/** Throws a RangeError if the mapping of the options cannot be used. */
export function createLineProtocolDecoder(options: DecodeOptions): LineProtocolDecoder {
  const map = createJsonMapper(specOf(options), options.checkYears === true)
  const decode = (line: string, context: RecordContext, not: string): Decoded => {
    const parsed = parseProtocolLine(line)
    return typeof parsed === 'string'
      ? undecodable('undecodable', `${not} line protocol: ${parsed}`)
      : map(parsed, context)
  }
  return {
    decodeLine: (line, context) => decode(line, context, 'not'),
    decodeText(text, context) {
      const lines = protocolLinesIn(text)
      if (lines.length === 0) return undecodable('undecodable', 'the record has no line')
      return joinEntries(lines.flatMap((line) => decodedEntries(decode(line, context, 'neither JSON, Avro nor'))))
    },
  }
}
