import { describe, expect, it } from 'vitest'
import { resultLine } from '../../src/pipeline/result-line.ts'

describe('a result line', () => {
  it('has its members in reading order, whatever the order they were stored in; unknown ones follow', () => {
    const row = { zebra: 1, metrics: { cpu: {} }, windowStart: 0, vmId: 'a', another: 2, state: null, reason: 'grace' }
    const line = '{"vmId":"a","windowStart":0,"reason":"grace","metrics":{"cpu":{}},"state":null,"zebra":1,"another":2}'
    expect(resultLine(row)).toBe(line)
  })

  it('invents no member', () => {
    expect(resultLine({ vmId: 'a' })).toBe('{"vmId":"a"}')
  })
})
