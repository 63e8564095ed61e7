/** The canonical forms and fingerprints are those of the Avro project's own test data (share/test/data/schema-tests.txt). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  canonicalForm,
  fingerprintVariants,
  formatFingerprint,
  rabinFingerprint,
  schemaFingerprint,
} from '../../../src/adapters/avro/fingerprint.ts'
import { parseSchema } from '../../../src/adapters/avro/schemas.ts'
import { ROOT } from '../../support/built.ts'

const PUBLISHED: readonly [schema: string, canonical: string, fingerprint: bigint][] = [
  ['{"type":"null"}', '"null"', 7195948357588979594n],
  ['"boolean"', '"boolean"', -6970731678124411036n],
  ['"int"', '"int"', 8247732601305521295n],
  ['{"type":"long"}', '"long"', -3434872931120570953n],
  ['"float"', '"float"', 5583340709985441680n],
  ['"double"', '"double"', -8181574048448539266n],
  ['"bytes"', '"bytes"', 5746618253357095269n],
  ['"string"', '"string"', -8142146995180207161n],
  [
    '{"fields":[], "type":"record", "name":"foo", "namespace":"x.y"}',
    '{"name":"x.y.foo","type":"record","fields":[]}',
    5916914534497305771n,
  ],
  [
    '{"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]}',
    '{"name":"foo","type":"record","fields":[]}',
    -4824392279771201922n,
  ],
  [
    '{"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]}',
    '{"name":"x.y.z.foo","type":"enum","symbols":["A1","A2"]}',
    -4448647247586288245n,
  ],
  [
    '{"name":"PigValue","type":"record","fields":[{"name":"value", "type":["null", "int", "long", "PigValue"]}]}',
    '{"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]}',
    -1759257747318642341n,
  ],
]

describe('schema fingerprints', () => {
  test.each(PUBLISHED)(
    'the schema %s has the canonical form and fingerprint of the Avro test data',
    (schema, canonical, fingerprint) => {
      const type = parseSchema(schema)
      expect(canonicalForm(type)).toBe(canonical)
      expect(BigInt.asIntN(64, schemaFingerprint(type))).toBe(fingerprint)
    },
  )

  test('the empty text has the constant of the specification as its fingerprint', () => {
    expect(formatFingerprint(rabinFingerprint(''))).toBe('c15d213aa4d7a795')
  })

  test('a fingerprint with leading zeroes keeps its 16 digits', () => {
    expect(formatFingerprint(0xabn)).toBe('00000000000000ab')
  })

  // What the libraries computed for these files.
  test.each([
    ['window-manifest.v0.avsc', 'Java and avsc', '798ba293b4fc68c2'],
    ['window-manifest.v0.avsc', 'goavro 2.15.0 and avro 1.12.2 for Python', 'c776bea908457913'],
    ['window-manifest.v0.avsc', 'hamba/avro 2.31.0', 'bd11e46b922fff34'],
    ['data-point.avsc', 'goavro 2.15.0 and avro 1.12.2 for Python', '570948c0cfbff502'],
    ['data-point.avsc', 'hamba/avro 2.31.0', 'f7cec140dccd9772'],
  ])('of %s by %s are known', (file, _library, fingerprint) => {
    const type = parseSchema(readFileSync(join(ROOT, 'schemas', file), 'utf8'))
    expect(fingerprintVariants(type).map(formatFingerprint)).toContain(fingerprint)
  })
})
