/** The canonical forms and fingerprints are those of the Avro project's own test data (share/test/data/schema-tests.txt). */
import { describe, expect, test } from 'vitest'
import {
  canonicalForm,
  formatFingerprint,
  rabinFingerprint,
  schemaFingerprint,
} from '../../../src/adapters/avro/fingerprint.ts'
import { parseSchema } from '../../../src/adapters/avro/schemas.ts'

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
})
