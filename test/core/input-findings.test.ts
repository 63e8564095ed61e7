/** What is known of the input: the count of each reason, its first record, and the range of the timestamps. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addFindings, InputFindings, NO_FINDINGS, type EncodedFindings } from '../../src/core/input-findings.ts'
import type { SourceRecord } from '../../src/core/point.ts'

const NOON = Date.UTC(2026, 2, 1, 12)

function recordAt(offset: number, text = `record ${offset}`): SourceRecord {
  return {
    offset,
    brokerTimestampMs: null,
    decoded: { kind: 'undecodable', code: 'undecodable', detail: '-' },
    raw: () => ({ bytes: new TextEncoder().encode(text), place: { file: 'a.ndjson', line: offset + 1 } }),
  }
}

/** One record: refused for a reason, or accepted with a timestamp. */
type Step = { readonly reason: 'invalid' | 'conflict' } | { readonly timestamp: number }

function fold(findings: InputFindings, steps: readonly Step[], from = 0): InputFindings {
  for (const [i, step] of steps.entries()) {
    if ('reason' in step) findings.refuse({ reason: step.reason, detail: `bad ${from + i}` }, recordAt(from + i))
    else findings.accept(step.timestamp, recordAt(from + i))
  }
  return findings
}

const steps = fc.array(
  fc.oneof(
    fc.record({ reason: fc.constantFrom('invalid' as const, 'conflict' as const) }),
    fc.record({ timestamp: fc.constantFrom(0, 1, Date.UTC(1989, 11, 31), Date.UTC(1990, 0, 1), NOON, NOON + 5) }),
  ),
)

describe('the findings of an input', () => {
  it('count each reason and keep the first record of each', () => {
    const { refused } = fold(new InputFindings(), [{ reason: 'invalid' }, { reason: 'conflict' }, { reason: 'invalid' }]).encode() // prettier-ignore
    expect(refused).toEqual({
      invalid: { count: 2, first: { offset: 0, place: { file: 'a.ndjson', line: 1 }, detail: 'bad 0', record: 'record 0' } }, // prettier-ignore
      conflict: { count: 1, first: { offset: 1, place: { file: 'a.ndjson', line: 2 }, detail: 'bad 1', record: 'record 1' } }, // prettier-ignore
    })
  })

  it('separate points before 1990 from the others, whose lowest timestamp they know', () => {
    const found = fold(new InputFindings(), [
      { timestamp: NOON },
      { timestamp: 1_767_225_600 },
      { timestamp: NOON - 1 },
    ])
    expect(found.encode()).toMatchObject({
      early: { count: 1, first: { offset: 1, detail: 'timestamp 1767225600 is 1970-01-21T10:53:45.600Z' } },
      others: { count: 2, lowest: NOON - 1, first: { offset: 0 } },
    })
  })

  it('are the same after a restart anywhere', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (all, cut) => {
        const at = all.length === 0 ? 0 : cut % all.length
        const stored = JSON.parse(
          JSON.stringify(fold(new InputFindings(), all.slice(0, at)).encode()),
        ) as EncodedFindings
        const resumed = fold(new InputFindings(stored), all.slice(at), at)
        expect(resumed.encode()).toEqual(fold(new InputFindings(), all).encode())
      }),
    )
  })

  it('of two partitions add up to those of all their records', () => {
    fc.assert(
      fc.property(steps, steps, (a, b) => {
        const [first, second] = [fold(new InputFindings(), a), fold(new InputFindings(), b, a.length)]
        const both = addFindings(first.encode(), second.encode())
        expect(both).toEqual(fold(new InputFindings(), [...a, ...b]).encode())
        expect(addFindings(second.encode(), first.encode())).toEqual(both)
      }),
    )
  })

  it('are bounded however long the records are, and have no control characters', () => {
    const findings = new InputFindings()
    findings.refuse(
      { reason: 'undecodable', detail: 'x'.repeat(5000) },
      recordAt(0, `a\u001b[31m\n${'ä'.repeat(5000)}`),
    )
    const first = findings.encode().refused['undecodable']?.first
    expect(first?.record).toMatch(/^a \[31m ä+/)
    expect(JSON.stringify(first).length).toBeLessThan(900)
  })

  it('stay partial when an earlier version has read the beginning', () => {
    const stored = { ...NO_FINDINGS, isPartial: true as const }
    expect(new InputFindings(stored).encode().isPartial).toBe(true)
    expect(addFindings(NO_FINDINGS, stored).isPartial).toBe(true)
  })
})
