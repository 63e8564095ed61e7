/**
 * Measures only the fold: decoded points of 5,000 VMs into seq sets and `summary` accumulators, with the close decision
 * after every record. No decoding, no I/O, one partition, one thread. Times are CPU time of the process, with the threads of
 * the garbage collector and the compiler.
 *
 *   npm run bench -- fold [--points 2000000 --vms 5000]
 */
import { parseArgs } from 'node:util'
import { PartitionState } from '../src/core/partition-state.ts'
import type { SourceRecord } from '../src/core/point.ts'
import { summary } from '../src/core/summary.ts'
import type { Windowing } from '../src/core/windowing.ts'

const { values } = parseArgs({
  options: { points: { type: 'string', default: '2000000' }, vms: { type: 'string', default: '5000' } },
})
const [points, vms] = [Number(values.points), Number(values.vms)]
const ROUNDS = 5

const rules: Windowing = {
  sizeMs: 86_400_000,
  graceMs: 300_000,
  quorum: 0.5,
  deadlineMs: null,
  amendWindows: 3,
  rosterWindows: 3,
  stateWindows: 24,
  expectEveryMs: null,
  expectMetrics: [],
  producerRestarts: 'keep' as const,
  maxAheadMs: null,
  maxSeqSpan: 100_000,
  maxMetricsPerVm: 16,
  maxProducersPerVm: 8,
  closeAtEndOnly: false,
  inWindowOrder: false,
}

const ids = Array.from({ length: vms }, (_, i) => `vm-${i}`)
const perVm = Math.ceil(points / vms)
const raw = (): never => {
  throw new Error('no record is rejected here')
}
const records: SourceRecord[] = []
for (let seq = 0; records.length < points; seq++) {
  for (let vm = 0; vm < vms && records.length < points; vm++) {
    const value = 50 + 40 * Math.sin((seq / perVm) * 2 * Math.PI + vm) + ((seq * 7919 + vm * 104_729) % 1000) / 100
    const timestamp = Math.floor((seq * rules.sizeMs) / perVm)
    const point = { vmId: ids[vm] as string, producer: '', metric: 'cpu', timestamp, seq, value }
    records.push({ offset: records.length, brokerTimestampMs: null, decoded: { kind: 'point', point }, raw })
  }
}

for (let round = 1; round <= ROUNDS; round++) {
  const state = new PartitionState(rules, summary)
  const before = process.cpuUsage()
  for (const record of records) {
    state.fold(record)
    if (state.due() !== null) throw new Error('a window closed before the end')
  }
  const { user, system } = process.cpuUsage(before)
  const seconds = (user + system) / 1e6
  if (state.counts.accepted !== points) throw new Error(JSON.stringify(state.counts))
  console.log(
    `round ${round}: ${(points / seconds / 1e6).toFixed(2)} million points per CPU second, ${((seconds / points) * 1e9).toFixed(0)} ns per point`,
  )
}
