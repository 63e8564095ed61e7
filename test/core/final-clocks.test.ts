/** Which VMs are far ahead of the others at the end of a file: one with a fast clock, and none in files of any usual order. */
import { describe, expect, it } from 'vitest'
import { FinalClocks } from '../../src/core/final-clocks.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const RULES = { sizeMs: 5 * MINUTE, graceMs: MINUTE, quorum: 0.5 }

type Record = readonly [vmId: string, timestamp: number]

/** A point per VM and minute; h-0's clock is ahead by `fastMs` from the second hour on. */
function fleet(fastMs = 0, vms = 20, minutes = 360): Record[] {
  return Array.from({ length: minutes * vms }, (_, i) => {
    const [minute, vm] = [Math.floor(i / vms), i % vms]
    return [`h-${vm}`, minute * MINUTE + vm * 1000 + (vm === 0 && minute >= 60 ? fastMs : 0)] as const
  })
}

function aheadIn(records: readonly Record[], rules = RULES): string[] {
  const clocks = new FinalClocks(rules)
  for (const [vmId, timestamp] of records) clocks.observe(vmId, timestamp)
  return clocks.ahead().map(({ vmId }) => vmId)
}

describe('at the end of a file', () => {
  it('a VM with a fast clock is ahead, with the time that it has reached', () => {
    const clocks = new FinalClocks(RULES)
    for (const [vmId, timestamp] of fleet(DAY)) clocks.observe(vmId, timestamp)
    expect(clocks.ahead()).toEqual([{ vmId: 'h-0', highest: 359 * MINUTE + DAY }])
  })

  it.each([
    ['in order of time', fleet()],
    ['ordered by VM', fleet().toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))],
    ['reversed', fleet().toReversed()],
    ['of a fleet that half has left', fleet().filter(([vmId, at]) => at < 120 * MINUTE || vmId < 'h-13')],
    ['with a clock that is ahead by less than a window and the grace period', fleet(5 * MINUTE)],
    ['without records', []],
    ['of one VM', fleet(DAY, 1)],
  ])('no VM is ahead in records %s', (_, records) => {
    expect(aheadIn(records)).toEqual([])
  })

  it('a majority that is ahead is the fleet', () => {
    expect(aheadIn(fleet().map(([vmId, at]) => [vmId, vmId < 'h-2' ? at + DAY : at]))).toEqual([])
  })

  it('at most ten are named, the furthest first', () => {
    const many = fleet(0, 60).map(([vmId, at]): Record => [
      vmId,
      at + (Number(vmId.slice(2)) < 15 ? DAY * (1 + Number(vmId.slice(2))) : 0),
    ])
    expect(aheadIn(many)).toEqual(Array.from({ length: 10 }, (_, i) => `h-${14 - i}`))
  })
})
