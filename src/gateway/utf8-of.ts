/** Decodes the texts of protobuf messages. */
import { decodeUtf8 } from '../adapters/bytes/text.ts'

/** Throws a RangeError for bytes that are not UTF-8: replacing them would make two ids one. */
export function utf8Of(bytes: Buffer): string {
  const text = decodeUtf8(bytes, 0, bytes.length)
  if (text === null) throw new RangeError('a text is not UTF-8')
  return text
}
