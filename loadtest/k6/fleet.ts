/**
 * What the virtual users of a load test send. Each stands for a collector with VMs of its own, and numbers their points:
 * everything follows from (user, tick), so that the check afterwards knows every value without being told.
 *
 * Shared with the runner, hence free of k6's own modules.
 */

/** Points of one user's VMs, tick by tick: one point of each VM a tick. */
export interface Fleet {
  /** Begins every vmId, so that two tests never share a VM. */
  readonly run: string
  readonly vmsPerUser: number
  /** Time of tick 0, milliseconds. */
  readonly startMs: number
  /** From one point of a VM to its next, in the time that the points bear. */
  readonly everyMs: number
}

export interface Point {
  readonly vmId: string
  readonly metric: string
  readonly timestamp: number
  readonly seq: number
  readonly value: number
}

export function vmIdOf(fleet: Fleet, user: number, vm: number): string {
  return `${fleet.run}-${user}-${vm}`
}

/** Whole numbers, so that sums are exact in any order; no two ticks of a VM in a row are alike. */
export function valueOf(user: number, vm: number, tick: number): number {
  return (user * 31 + vm * 17 + tick * 7) % 1009
}

export function pointsOf(fleet: Fleet, user: number, firstTick: number, ticks: number): Point[] {
  const points: Point[] = []
  for (let tick = firstTick; tick < firstTick + ticks; tick++) {
    for (let vm = 0; vm < fleet.vmsPerUser; vm++) {
      points.push({
        vmId: vmIdOf(fleet, user, vm),
        metric: 'cpu',
        timestamp: fleet.startMs + tick * fleet.everyMs,
        seq: tick,
        value: valueOf(user, vm, tick),
      })
    }
  }
  return points
}

/** A request bears so many points of each of its user's VMs. */
export const TICKS_A_REQUEST = 2

/** One request and its answer, as the users log it; a line each. */
export interface Attempt {
  /** When it was sent, milliseconds since 1970. */
  readonly at: number
  readonly user: number
  readonly firstTick: number
  readonly ticks: number
  /** 0: no answer came. */
  readonly status: number
  readonly ms: number
  /** Sent before and acknowledged then: a copy. */
  readonly copy?: true
}

export const ATTEMPT = 'attempt '
