/**
 * An aggregator of your own: the share of busy points per VM and window, and the number of busy windows in a row.
 * The state is what a VM passes from one window to the next.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineAggregator, perMetric, readResults, run } from 'windrow'

const BUSY = 60

const busy = perMetric(
  defineAggregator<{ points: number; busy: number }, { row: number }, { busyShare: number }>({
    name: 'busy-share',
    create: () => ({ points: 0, busy: 0 }),
    add: (acc, point) => ({ points: acc.points + 1, busy: acc.busy + (point.value >= BUSY ? 1 : 0) }),
    merge: (a, b) => ({ points: a.points + b.points, busy: a.busy + b.busy }),
    result: (acc) => ({ busyShare: acc.busy / acc.points }),
    advance: (prior, acc) => ({ row: acc.busy * 2 > acc.points ? (prior?.row ?? 0) + 1 : 0 }),
  }),
)

const folder = mkdtempSync(join(tmpdir(), 'windrow-'))
const results = join(folder, 'results.ndjson')
await run({ settings: { input: '../points.ndjson', window: '1h', dataDir: folder, results }, aggregator: busy })

for await (const { vmId, windowStart, metrics, state } of readResults<typeof busy>(results)) {
  const hour = new Date(windowStart).toISOString().slice(11, 16)
  console.log(`${vmId} ${hour} busy share ${metrics['cpu']?.busyShare}, busy windows in a row ${state?.['cpu']?.row}`)
}
