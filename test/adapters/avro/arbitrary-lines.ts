/** fast-check arbitraries for results and dead letters as the pipeline stores and publishes them. */
import fc from 'fast-check'
import { canonicalJson, type Json } from '../../../src/core/json.ts'
import { resultLine } from '../../../src/ledger/result-line.ts'

const double = fc.double({ noNaN: true, noDefaultInfinity: true })
const safe = fc.maxSafeInteger()
const count = fc.maxSafeNat()
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
/** Any text that JSON carries, half surrogate pairs included. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) })
const ranges = fc.array(fc.tuple(count, count), { maxLength: 5 })
const nullable = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null })

const FIGURES = ['sum', 'min', 'max', 'mean', 'stddev', 'first', 'last', 'p25', 'p50', 'p75', 'p95', 'p99']
const summary = fc.record({ count, ...Object.fromEntries(FIGURES.map((figure) => [figure, double])) })
/** `dictionary` makes keys such as `__proto__` and `10` too. */
const summaries = fc.dictionary(fc.oneof(text, fc.constantFrom('__proto__', '10', '9')), summary, { maxKeys: 5 })
const json = fc.jsonValue() as fc.Arbitrary<Json>

/** Results of the built-in aggregator, of another one, and of version 0.1.0, which did not name it. */
export const resultLines = () =>
  fc.oneof(
    linesOf('summary@1', summaries as fc.Arbitrary<Json>),
    linesOf('other@2', fc.oneof(summaries as fc.Arbitrary<Json>, json)),
    linesOf(undefined, fc.oneof(summaries as fc.Arbitrary<Json>, json)),
  )

const linesOf = (aggregator: string | undefined, metrics: fc.Arbitrary<Json>): fc.Arbitrary<string> =>
  fc
    .record(
      {
        vmId: text,
        windowStart: safe,
        windowEnd: safe,
        revision: count,
        reason: fc.constantFrom('complete', 'grace', 'deadline', 'forced', 'quarantined'),
        expected: nullable(count),
        received: count,
        duplicates: count,
        missing: ranges,
        missingCount: count,
        unexpected: ranges,
        deduplicated: fc.boolean(),
        producers: fc.array(
          fc.record({ producer: text, expected: nullable(count), received: count, missing: ranges }),
          { maxLength: 3 },
        ),
        error: text,
        promoted: fc.record({ by: text, partition: fc.nat(), certificate: count }),
        metrics,
        state: fc.oneof(json, anyText),
      },
      {
        requiredKeys: [
          ...['vmId', 'windowStart', 'windowEnd', 'revision', 'reason', 'expected', 'received', 'duplicates'],
          ...['missing', 'missingCount', 'unexpected', 'deduplicated', 'metrics', 'state'],
        ] as never[],
      },
    )
    .map((result) => resultLine(stored({ ...result, aggregator } as unknown as Json) as object))

const refusedRecord = fc.record({
  reason: text,
  detail: text,
  partition: fc.nat(),
  offset: count,
  place: fc.oneof(fc.record({ file: text, line: count }), fc.record({ topic: text, partition: fc.nat() })),
  size: count,
  digest: text,
  bytes: fc.uint8Array({ maxLength: 1024 }).map((bytes) => Buffer.from(bytes).toString('base64')),
})
const quarantined = fc.record({ reason: text, detail: text, vmId: text, windowStart: safe, received: count })

export const deadLetterLines = fc
  .oneof(refusedRecord, quarantined)
  .map((letter) => canonicalJson(stored(letter as unknown as Json)))

/** A line as it is read back from a chunk. */
function stored(row: Json): Json {
  return JSON.parse(canonicalJson(row)) as Json
}
