import { describe, expect, it } from 'vitest'
import type { DeadLetterReason } from '../../src/core/fate.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { Folding, type SentRecord } from '../support/fold.ts'
import { garbage, manifest, point } from '../support/records.ts'

interface Refused {
  readonly why: string
  readonly rules?: Partial<Windowing>
  /** Folded before without complaint. */
  readonly before?: readonly Decoded[]
  readonly record: Decoded | SentRecord
  readonly reason: DeadLetterReason
  readonly detail: string
}

const REFUSED: readonly Refused[] = [
  { why: 'bytes that are no record', record: garbage('no JSON'), reason: 'undecodable', detail: 'no JSON' },
  {
    why: 'a record that its decoder found wrong',
    record: { kind: 'undecodable', code: 'integer-beyond-2^53', detail: 'seq' },
    reason: 'integer-beyond-2^53',
    detail: 'seq',
  },
  ...[1.1e140, -1.1e140, Number.NaN, Infinity].map((value): Refused => {
    return {
      why: `the value ${value}`,
      record: point('a', 0, 1, value),
      reason: 'value-out-of-range',
      detail: `${value}`,
    }
  }),
  ...[8.64e15 + 1, -8.64e15 - 1, Number.NaN].map((at): Refused => {
    return { why: `the time ${at}`, record: point('a', 0, at), reason: 'timestamp-out-of-range', detail: `${at}` }
  }),
  {
    why: 'a point ahead of the broker by more than maxAheadMs',
    rules: { maxAheadMs: 50 },
    record: { decoded: point('a', 0, 1051), brokerTimestampMs: 1000 },
    reason: 'ahead-of-time',
    detail: '51 ms ahead',
  },
  {
    why: 'a manifest of a window that begins more than maxAheadMs ahead of the broker',
    rules: { maxAheadMs: 50 },
    record: { decoded: manifest('a', 1100, 0, 1), brokerTimestampMs: 1000 },
    reason: 'ahead-of-time',
    detail: '100 ms ahead',
  },
  {
    why: 'a seq beyond the span',
    rules: { maxSeqSpan: 10 },
    before: [point('a', 5, 1)],
    record: point('a', 16, 2),
    reason: 'seq-span',
    detail: "seq 16 is more than 10 from the window's seqs 5 to 5",
  },
  {
    why: 'a metric more than maxMetricsPerVm',
    rules: { maxMetricsPerVm: 2 },
    before: [point('a', 0, 1), point('a', 1, 1, 1, { metric: 'memory' }), point('a', 2, 1)],
    record: point('a', 3, 1, 1, { metric: 'disk' }),
    reason: 'too-many-metrics',
    detail: 'maxMetricsPerVm',
  },
  {
    why: 'a second metric where one is allowed',
    rules: { maxMetricsPerVm: 1 },
    before: [point('a', 0, 1)],
    record: point('a', 1, 1, 1, { metric: 'memory' }),
    reason: 'too-many-metrics',
    detail: 'maxMetricsPerVm',
  },
  {
    why: 'a point of one producer more than maxProducersPerVm',
    rules: { maxProducersPerVm: 1 },
    before: [point('a', 0, 1)],
    record: point('a', 0, 1, 1, { producer: 'second' }),
    reason: 'too-many-producers',
    detail: 'maxProducersPerVm is 1',
  },
  {
    why: 'a manifest of one producer more than maxProducersPerVm',
    rules: { maxProducersPerVm: 1 },
    before: [point('a', 0, 1)],
    record: manifest('a', 0, 0, 1, { producer: 'second' }),
    reason: 'too-many-producers',
    detail: 'maxProducersPerVm is 1',
  },
  { why: 'a manifest of no window', record: manifest('a', 50, 0, 1), reason: 'manifest-misaligned', detail: '50' },
  { why: 'a manifest of no time', record: manifest('a', NaN, 0, 1), reason: 'manifest-misaligned', detail: 'NaN' },
  {
    why: 'a manifest beyond the times of Date',
    record: manifest('a', 8.64e15 + 100, 0, 1),
    reason: 'timestamp-out-of-range',
    detail: 'windowStart',
  },
  {
    why: 'a manifest of more points than the span holds',
    rules: { maxSeqSpan: 10 },
    record: manifest('a', 0, 0, 12),
    reason: 'manifest-too-large',
    detail: 'count 12',
  },
  {
    why: 'a manifest that ends beyond 2^53',
    record: manifest('a', 0, Number.MAX_SAFE_INTEGER, 1),
    reason: 'manifest-too-large',
    detail: `${Number.MAX_SAFE_INTEGER}`,
  },
  {
    why: 'the manifest that leaves the 101st range of promised seqs apart',
    before: Array.from({ length: 100 }, (_, i) => manifest('a', 0, 2 * i, 1)),
    record: manifest('a', 0, 1000, 1),
    reason: 'manifest-too-large',
    detail: 'over 100 separate ranges',
  },
]

describe('refusals', () => {
  const rejected = REFUSED.map((one) => [`${one.why} is rejected: ${one.reason}`, one] as const)
  it.each(rejected)('%s', (_, { rules, before, record, reason, detail }) => {
    const folding = new Folding(rules).feed(...(before ?? []))
    expect(folding.refusals).toEqual([])
    const { watermark, counts } = folding.state
    const sent = 'decoded' in record ? record : { decoded: record }
    const refusal = folding.state.fold({
      offset: 99,
      brokerTimestampMs: sent.brokerTimestampMs ?? null,
      decoded: sent.decoded,
      raw: () => expect.unreachable(),
    })
    expect(refusal).toMatchObject({ reason, detail: expect.stringContaining(detail) as string })
    expect(folding.state.counts).toEqual({ ...counts, consumed: counts.consumed + 1, rejected: counts.rejected + 1 })
    expect(folding.state.watermark, 'a rejected record never moves the watermark').toBe(watermark)
  })

  it.each<[string, Partial<Windowing>, SentRecord]>([
    ['a point exactly maxAheadMs ahead', { maxAheadMs: 50 }, { decoded: point('a', 0, 1050), brokerTimestampMs: 1000 }],
    ['a point far ahead of no clock', { maxAheadMs: 50 }, { decoded: point('a', 0, 1e12) }],
    ['a point far ahead where the rule is off', {}, { decoded: point('a', 0, 1e12), brokerTimestampMs: 0 }],
    ['the largest value', {}, { decoded: point('a', 0, 0, -1e140) }],
    ['the last time of Date', {}, { decoded: point('a', 0, 8.64e15) }],
    ['a manifest as large as the span', { maxSeqSpan: 10 }, { decoded: manifest('a', 0, 0, 11) }],
  ])('%s is taken', (_, rules, record) => {
    expect(new Folding(rules).feed(record).refusals).toEqual([])
  })

  it('a copy with a metric that would be refused is rejected, not a duplicate: rejected > duplicate > late', () => {
    const folding = new Folding({ maxMetricsPerVm: 1 }).feed(
      point('a', 0, 1),
      point('a', 0, 1, 1, { metric: 'memory' }),
    )
    expect(folding.refusals).toEqual(['#1 too-many-metrics'])
  })

  it('a late point that is out of range is rejected, not late', () => {
    const folding = new Folding().feed(point('a', 0, 1), point('a', 1, 120), point('a', 2, 2, Number.NaN))
    expect(folding.closes).toHaveLength(1)
    expect(folding.refusals).toEqual(['#2 value-out-of-range'])
  })

  it('a refused manifest opens no window', () => {
    const folding = new Folding({ maxSeqSpan: 10 }).feed(manifest('a', 0, 0, 12), manifest('a', 50, 0, 1))
    expect(folding.state.head).toBeNull()
  })

  it('manifests that touch what is promised add no range, however many there are', () => {
    const many = Array.from({ length: 300 }, (_, i) => manifest('a', 0, i, 1))
    expect(new Folding().feed(...many).refusals).toEqual([])
  })
})
