import { describe, expect, it } from 'vitest'
import { Roster } from '../../src/core/roster.ts'

describe('the roster', () => {
  it('knows producers apart within a VM, and forgets a VM with its last producer', () => {
    const roster = new Roster()
    roster.set({ vmId: 'b', producer: '', missedWindows: 0 })
    roster.set({ vmId: 'b', producer: 'p', missedWindows: 1 })
    roster.set({ vmId: 'a', producer: '', missedWindows: 0 })
    roster.set({ vmId: 'a', producer: '', missedWindows: 2 })
    expect(roster.size).toBe(3)
    expect(roster.rows()).toEqual([
      { vmId: 'a', producer: '', missedWindows: 2 },
      { vmId: 'b', producer: '', missedWindows: 0 },
      { vmId: 'b', producer: 'p', missedWindows: 1 },
    ])
    expect(roster.remove('b', 'p')).toBe(true)
    expect(roster.remove('b', 'p')).toBe(false)
    expect(roster.remove('c', '')).toBe(false)
    expect([roster.has('b', ''), roster.has('b', 'p'), roster.size]).toEqual([true, false, 2])
    roster.remove('b', '')
    expect([...roster.vmIds()]).toEqual(['a'])
    expect([...roster.producersOf('b')]).toEqual([])
  })

  it('lists equal rows alike, in whatever order they came', () => {
    const rows = ['b', 'a', 'ä', 'B'].map((vmId) => ({ vmId, producer: '', missedWindows: 0 }))
    const [one, other] = [new Roster(), new Roster()]
    for (const row of rows) one.set(row)
    for (const row of rows.toReversed()) other.set(row)
    expect(one.rows()).toEqual(other.rows())
  })
})
