/**
 * The points that the virtual users of a load test send. Each user represents a collector with its own VMs. All points are
 * functions of (user, tick), so the final check can compute every value without any record of what was sent.
 *
 * Also used by the runner, so it imports no k6 modules.
 */

/** Points of one user's VMs: in each tick, one point per VM. */
export interface Fleet {
  /** Prefix of every vmId, so that two tests never share a VM. */
  readonly run: string
  readonly vmsPerUser: number
  /** Timestamp of tick 0, in milliseconds. */
  readonly startMs: number
  /** Event time between two points of a VM, in milliseconds. */
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

/** Integers, so that sums are exact in any order. Consecutive ticks of a VM have different values. */
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

/** Number of points per VM in one request. */
export const TICKS_A_REQUEST = 2

/** One request and its response, as logged by the users, one per line. */
export interface Attempt {
  /** When it was sent, in milliseconds since 1970. */
  readonly at: number
  readonly user: number
  readonly firstTick: number
  readonly ticks: number
  /** 0: no response. */
  readonly status: number
  readonly ms: number
  /** Whether the request is a duplicate of one that was acknowledged. */
  readonly copy?: true
}

export const ATTEMPT = 'attempt '
