/** What a fleet sends, counted as it is made: what Windrow must find, neither more nor less. */
import type { EpochMs } from '../../core/point.ts'
import { subtract, totalCount, type SeqRange, type SeqRanges } from '../../core/seq-ranges.ts'
import { arrivalsOf } from './arrivals.ts'
import type { Fleet } from './fleet.ts'

export interface MissingSeqs {
  readonly vmId: string
  readonly windowStart: EpochMs
  readonly missing: SeqRanges
}

export interface FleetTally {
  /** Points and manifests that arrive, copies included. */
  readonly records: number
  /** Points that arrive at all. */
  readonly points: number
  /** Points that arrive a second time. */
  readonly copies: number
  readonly lost: number
  /** One for each VM window. */
  readonly manifests: number
  /** VM windows that lack points, by VM and time. */
  readonly incomplete: readonly MissingSeqs[]
}

export function tallyOf(fleet: Fleet): FleetTally {
  let [points, copies, manifests] = [0, 0, 0]
  const incomplete: MissingSeqs[] = []
  for (const arrivals of arrivalsOf(fleet)) {
    for (const arrival of arrivals) {
      if (arrival.kind === 'point') {
        if (arrival.isCopy) copies++
        else points++
        continue
      }
      manifests++
      const { vm, windowStart, firstSeq, count } = arrival
      const missing = vm.lost.length === 0 ? [] : common(vm.lost, [firstSeq, firstSeq + count - 1])
      if (missing.length > 0) incomplete.push({ vmId: vm.vmId, windowStart, missing })
    }
  }
  const lost = fleet.vms.reduce((sum, vm) => sum + totalCount(vm.lost), 0)
  return { records: points + copies + manifests, points, copies, lost, manifests, incomplete }
}

/** The intersection of `ranges` with one range, computed as the range minus the parts of it that `ranges` do not cover. */
function common(ranges: SeqRanges, within: SeqRange): SeqRanges {
  const outside = subtract([within], ranges, Infinity).ranges
  return subtract([within], outside, Infinity).ranges
}
