/**
 * The simulated fleet of the demo: its VMs, when each of them sends, and which faults occur. It is a pure function of the
 * options. A job can therefore resume where it stopped, and its results can be compared with what the fleet sent.
 */
import type { EpochMs } from '../../core/point.ts'
import type { SeqRange } from '../../core/seq-ranges.ts'
import { unitOf } from './random.ts'
import { SHAPES, type Shape } from './shapes.ts'

export interface DemoOptions {
  readonly vms: number
  /** Total number of points that the VMs produce. Lost points count, duplicates do not. */
  readonly points: number
  readonly windowMs: number
  readonly seed: number
}

/** 2026-03-01, a day like any other. */
export const DAY_START: EpochMs = Date.UTC(2026, 2, 1)
export const DAY_MS = 86_400_000
export const DAY_END: EpochMs = DAY_START + DAY_MS

/** One of each but `ordinary`: `lossy` loses points on the way, `newcomer` appears and `leaver` leaves during the day. */
export type Role = 'ordinary' | 'lossy' | 'newcomer' | 'leaver'

export interface DemoVm {
  readonly index: number
  readonly vmId: string
  readonly shape: Shape
  readonly role: Role
  /** It sends at even distances in `[from, until)`. */
  readonly from: EpochMs
  readonly until: EpochMs
  /** Points that it makes: the seqs 0 to points - 1. */
  readonly points: number
  /** Seqs that never arrive. */
  readonly lost: readonly SeqRange[]
}

export interface Fleet {
  readonly options: DemoOptions
  readonly vms: readonly DemoVm[]
}

/** Draws about the fleet as a whole stand apart from those about its VMs. */
const FLEET = -1
const MINUTE_MS = 60_000
/** A draw about one VM; its points have their seqs, so this stays clear of them. */
const PHASE = -4

export function createFleet(options: DemoOptions): Fleet {
  const { vms: count, points, seed } = options
  const first = Math.floor(unitOf(seed, FLEET, 0) * count)
  const roles = new Map<number, Role>([
    [first, 'lossy'],
    [(first + Math.floor(count / 3)) % count, 'newcomer'],
    [(first + Math.floor((2 * count) / 3)) % count, 'leaver'],
  ])
  const appearsAt = DAY_START + Math.floor(480 + 120 * unitOf(seed, FLEET, 1)) * MINUTE_MS
  const leavesAt = DAY_START + Math.floor(840 + 120 * unitOf(seed, FLEET, 2)) * MINUTE_MS
  const spans = Array.from({ length: count }, (_, index) => {
    const role = roles.get(index) ?? 'ordinary'
    return { role, from: role === 'newcomer' ? appearsAt : DAY_START, until: role === 'leaver' ? leavesAt : DAY_END }
  })
  const digits = String(count).length
  const fleetMs = spans.reduce((sum, { from, until }) => sum + until - from, 0)
  let coveredMs = 0
  const vms = spans.map(({ role, from, until }, index): DemoVm => {
    // Shared out by time, and rounded so that the shares add up.
    const before = Math.round((points * coveredMs) / fleetMs)
    coveredMs += until - from
    const own = Math.round((points * coveredMs) / fleetMs) - before
    const shape = SHAPES[index % SHAPES.length] as Shape
    const vmId = `${shape}-${String(index + 1).padStart(digits, '0')}`
    return { index, vmId, shape, role, from, until, points: own, lost: role === 'lossy' ? lostOf(seed, own) : [] }
  })
  return { options, vms }
}

/** When a VM made the point with this seq: a phase of its own, so that they do not all send at once. */
export function timestampOf(vm: DemoVm, seed: number, seq: number): EpochMs {
  const phase = unitOf(seed, vm.index, PHASE)
  return vm.from + Math.floor(((seq + phase) * (vm.until - vm.from)) / vm.points)
}

/** An outage and two slips, which do not touch each other from 10 points on. */
function lostOf(seed: number, points: number): SeqRange[] {
  const outage = Math.floor(points * (0.2 + 0.1 * unitOf(seed, FLEET, 3)))
  const slip = Math.floor(points / 2)
  const pair = Math.floor(points * 0.8)
  return [
    [outage, outage + Math.max(1, Math.floor(points / 20)) - 1],
    [slip, slip],
    [pair, pair + 1],
  ]
}
