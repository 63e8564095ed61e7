import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type Json } from '../../src/core/json.ts'
import { resultLine, rowAndLineOf } from '../../src/ledger/result-line.ts'

describe('a result line', () => {
  it('has its members in reading order, independent of the stored order; unknown members follow', () => {
    const row = { zebra: 1, metrics: { cpu: {} }, windowStart: 0, vmId: 'a', another: 2, state: null, reason: 'grace' }
    const line = '{"vmId":"a","windowStart":0,"reason":"grace","metrics":{"cpu":{}},"state":null,"zebra":1,"another":2}'
    expect(resultLine(row)).toBe(line)
  })

  it('adds no member', () => {
    expect(resultLine({ vmId: 'a' })).toBe('{"vmId":"a"}')
  })
})

describe('rowAndLineOf', () => {
  const name = fc.oneof(
    fc.constantFrom('vmId', 'metrics', 'state', 'reason', '10', '9', '__proto__', '1e3', '01'),
    fc.string({ maxLength: 5 }),
  )
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, -0, 0.1 + 0.2, 5e-324, 1e21, undefined),
      fc.string({ maxLength: 8, unit: 'binary' }),
      fc.array(
        tie('value').filter((one) => one !== undefined),
        { maxLength: 3 },
      ),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  }))

  it('writes the same bytes as canonicalJson and resultLine, for any names and values', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), (result) => {
        const given = result as Record<string, Json | undefined>
        const row = canonicalJson(given)
        expect(rowAndLineOf(given)).toEqual({ row, line: resultLine(JSON.parse(row) as object) })
      }),
      { numRuns: 2_000 },
    )
  })

  it('keeps metrics whose names are numbers in the order of a JavaScript object', () => {
    const { row, line } = rowAndLineOf({ vmId: 'a', metrics: { '10': 1, '9': 2 } })
    expect(row).toBe('{"metrics":{"10":1,"9":2},"vmId":"a"}')
    expect(line).toBe('{"vmId":"a","metrics":{"9":2,"10":1}}')
  })
})
