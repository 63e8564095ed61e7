/** Certificates as Avro: every line is decoded byte for byte. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCertificateDecoder, createCertificateEncoder } from '../../../src/adapters/avro/encode-certificate.ts'
import { canonicalJson, type Json } from '../../../src/core/json.ts'

const encode = createCertificateEncoder()
const decode = createCertificateDecoder()

const count = fc.maxSafeNat()
const time = fc.maxSafeInteger()
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const reason = fc.constantFrom('complete', 'grace', 'deadline', 'forced', 'quarantined')
const nullable = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })
const points = fc.record({ count, digest: text })
const ranges = fc.array(
  fc.record({ vmId: text, producer: text, ranges: fc.array(fc.tuple(count, count), { maxLength: 3 }) }),
  { maxLength: 3 },
)
const certificates = fc.record({
  format: fc.constant(1),
  job: text,
  partition: count,
  sequence: count,
  window: nullable(fc.record({ start: time, end: time })),
  trigger: nullable(reason),
  reason: nullable(reason),
  forced: nullable(fc.record({ who: text, why: text })),
  offsets: fc.record({ first: count, last: time }),
  counts: fc.record({
    consumed: count,
    accepted: count,
    duplicate: count,
    late: count,
    rejected: count,
    manifests: count,
  }),
  watermark: nullable(time),
  vmWindows: count,
  vmWindowsByReason: fc.dictionary(text, count, { maxKeys: 3 }),
  expected: nullable(count),
  received: count,
  missing: ranges,
  missingCount: count,
  unexpected: ranges,
  unexpectedCount: count,
  points,
  amended: fc.array(fc.record({ window: time, vmWindows: count, points, reason }), { maxLength: 3 }),
  promoted: fc.option(
    fc.record({
      ...{ who: text, why: text, replay: text, windows: fc.record({ first: time, last: time }) },
      ...{ vmWindows: count, following: count },
    }),
    { nil: undefined },
  ),
  results: fc.record({ count, digest: text }),
  previous: text,
  digest: text,
})

test('any published line is decoded byte for byte', () => {
  fc.assert(
    fc.property(certificates, (certificate) => {
      const line = canonicalJson(JSON.parse(JSON.stringify(certificate)) as Json)
      expect(decode(encode(line))).toEqual({ kind: 'line', line })
    }),
  )
})

test('a member that the schema does not have is an error', () => {
  const [certificate] = fc.sample(certificates, 1)
  expect(() => encode(JSON.stringify({ ...certificate, more: 1 }))).toThrow(/has no field for more/)
})
