import { describe, expect, it } from 'vitest'
import type { FATES } from '../../src/core/fate.ts'
import { addFates, isBalanced, NO_FATES, type FateCounts } from '../../src/core/fate.ts'

const COUNTS: FateCounts = {
  ...{ consumed: 63, accepted: 32, duplicate: 16, conflict: 8, late: 4, rejected: 2, manifests: 1 },
}

describe('fates', () => {
  it('add up to what was consumed', () => {
    expect(isBalanced(NO_FATES)).toBe(true)
    expect(isBalanced(COUNTS)).toBe(true)
  })

  it.each(Object.keys(COUNTS) as (typeof FATES)[number][])('are out of balance when %s is off by one', (name) => {
    expect(isBalanced({ ...COUNTS, [name]: COUNTS[name] + 1 })).toBe(false)
    expect(isBalanced({ ...COUNTS, [name]: COUNTS[name] - 1 })).toBe(false)
  })

  it('add member by member', () => {
    const sum = addFates(COUNTS, {
      ...{ consumed: 120, accepted: 20, duplicate: 20, conflict: 20, late: 20, rejected: 20, manifests: 20 },
    })
    expect(sum).toEqual({
      ...{ consumed: 183, accepted: 52, duplicate: 36, conflict: 28, late: 24, rejected: 22, manifests: 21 },
    })
  })
})
