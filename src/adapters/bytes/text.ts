/**
 * Reads ids from bytes. Streams repeat a few thousand vmIds and metrics, so short ASCII ids are looked up in a table of
 * fixed size instead of being decoded each time. This is faster, and equal ids are the same string object, whose hash is
 * computed only once for all maps. In addition, no id keeps a large read buffer alive, as a slice of its text would.
 */
import { isUtf8 } from 'node:buffer'

const SLOTS = 16_384
const MAX_CACHED_BYTES = 64

/** Reads `bytes[start, end)` as UTF-8; `null` when it is not UTF-8. */
export type TextReader = (bytes: Buffer, start: number, end: number) => string | null

/** The table is direct-mapped: a colliding id replaces the one before it, so it never grows. */
export function createTextReader(): TextReader {
  const table: string[] = new Array<string>(SLOTS).fill('')

  return (bytes, start, end) => {
    const length = end - start
    if (length === 0) return ''
    if (length > MAX_CACHED_BYTES) return decodeUtf8(bytes, start, end)
    let hash = length
    let bits = 0
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number
      bits |= byte
      hash = Math.imul(hash ^ byte, 0x01000193)
    }
    if (bits >= 0x80) return decodeUtf8(bytes, start, end)
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1)
    const cached = table[slot] as string
    if (cached.length === length && sameAscii(cached, bytes, start)) return cached
    const text = bytes.toString('latin1', start, end)
    table[slot] = text
    return text
  }
}

function sameAscii(text: string, bytes: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

/** Decodes strict UTF-8; `null` if it is invalid. `Buffer.toString` would insert U+FFFD instead. */
export function decodeUtf8(bytes: Buffer, start: number, end: number): string | null {
  return isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : null
}
