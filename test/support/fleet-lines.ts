/** A fleet's points and manifests as input lines, in order of time, with the given share of duplicates and disorder. */
import { Random } from './random.ts'

export interface FleetOptions {
  readonly vms: number
  readonly windows: number
  readonly windowMs: number
  readonly pointsPerWindow: number
  readonly seed: number
  /** Share of points that are sent twice. */
  readonly duplicates?: number
  /** Lines are shuffled within groups of this size. */
  readonly reach?: number
}

export function fleetLines(options: FleetOptions): string[] {
  const { vms, windows, windowMs, pointsPerWindow, seed, duplicates = 0, reach = 1 } = options
  const random = new Random(seed)
  const stepMs = windowMs / pointsPerWindow
  const lines: string[] = []
  for (let window = 0; window < windows; window++) {
    const windowStart = window * windowMs
    const run: string[] = []
    for (let step = 0; step < pointsPerWindow; step++) {
      for (let vm = 0; vm < vms; vm++) {
        const seq = window * pointsPerWindow + step
        const timestamp = windowStart + step * stepMs
        const line = JSON.stringify({
          vmId: `vm-${vm}`,
          metric: 'cpu',
          timestamp,
          seq,
          value: random.int(0, 10_000) / 100,
        })
        run.push(line)
        if (random.chance(duplicates)) run.push(line)
      }
    }
    for (const line of random.shuffle(run, reach)) lines.push(line)
    for (let vm = 0; vm < vms; vm++) {
      const firstSeq = window * pointsPerWindow
      lines.push(JSON.stringify({ manifest: { vmId: `vm-${vm}`, windowStart, firstSeq, count: pointsPerWindow } }))
    }
  }
  return lines
}
