/** Pins that the table of ids never changes what is read: colliding, long and non-ASCII texts included. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTextReader } from '../../../src/adapters/bytes/text.ts'

describe('reading texts from bytes', () => {
  test('returns the written text, also on the second read and after collisions', () => {
    const read = createTextReader()
    const texts = Array.from({ length: 40_000 }, (_, i) => `vm-${i.toString(36)}`)
    for (const text of [...texts, ...texts]) {
      const bytes = Buffer.from(`<${text}>`)
      expect(read(bytes, 1, bytes.length - 1)).toBe(text)
    }
  })

  test('returns the same as strict UTF-8 decoding, or null', () => {
    const read = createTextReader()
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string({ unit: 'binary' }).map((s) => Buffer.from(s)),
        ),
        (array) => {
          const bytes = Buffer.from(array)
          let expected: string | null = null
          try {
            expected = strict.decode(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError)
          }
          expect(read(bytes, 0, bytes.length)).toBe(expected)
        },
      ),
    )
  })
})
