/** A small input with easily stated exact results: some VMs, one metric, evenly spaced points, manifests. */
export interface SampleOptions {
  readonly vms?: readonly string[]
  readonly windows?: number
  readonly pointsPerWindow?: number
  readonly windowMs?: number
}

export const SAMPLE_START = Date.UTC(2026, 0, 1)

/** Values are the points' seqs, so that the sum of a window follows from its bounds. */
export function samplePoints(options: SampleOptions = {}): string {
  const { vms = ['db-1', 'web-1', 'web-2'], windows = 3, pointsPerWindow = 12, windowMs = 3_600_000 } = options
  const lines: object[] = []
  for (let window = 0; window < windows; window++) {
    const windowStart = SAMPLE_START + window * windowMs
    const firstSeq = window * pointsPerWindow
    for (let i = 0; i < pointsPerWindow; i++) {
      const timestamp = windowStart + (i * windowMs) / pointsPerWindow
      for (const vmId of vms) lines.push({ vmId, metric: 'cpu', timestamp, seq: firstSeq + i, value: firstSeq + i })
    }
    for (const vmId of vms) lines.push({ manifest: { vmId, windowStart, firstSeq, count: pointsPerWindow } })
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}
