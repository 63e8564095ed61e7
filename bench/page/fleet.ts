/** A made-up fleet for the benchmarks of the page: each VM sends a manifest and a few points per hourly window. */
const HOUR_MS = 3_600_000
const FIRST_MS = Date.UTC(2026, 0, 1)

export interface FleetSize {
  readonly vms: number
  readonly windows: number
  readonly pointsPerWindow: number
}

/** Lines in the order of time. One VM window in a hundred lacks its last point, so that its window closes incomplete. */
export function* fleetLines({ vms, windows, pointsPerWindow }: FleetSize): Generator<string> {
  for (let window = 0; window < windows; window++) {
    const windowStart = FIRST_MS + window * HOUR_MS
    const firstSeq = window * pointsPerWindow
    for (let vm = 0; vm < vms; vm++) {
      yield JSON.stringify({ manifest: { vmId: nameOf(vm), windowStart, firstSeq, count: pointsPerWindow } })
    }
    for (let index = 0; index < pointsPerWindow; index++) {
      const timestamp = windowStart + Math.floor((index * HOUR_MS) / pointsPerWindow)
      const isLast = index === pointsPerWindow - 1
      for (let vm = 0; vm < vms; vm++) {
        if (isLast && (vm * 7919 + window * 104_729) % 100 === 0) continue
        const value = ((vm * 31 + window * 17 + index * 7) % 1000) / 10
        yield JSON.stringify({ vmId: nameOf(vm), metric: 'cpu', timestamp, seq: firstSeq + index, value })
      }
    }
  }
}

function nameOf(vm: number): string {
  return `vm-${String(vm).padStart(5, '0')}`
}
