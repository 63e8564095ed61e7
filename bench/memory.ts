/**
 * Measures the size of an open VM window: heap bytes while it is folded, and bytes as a stored row. One metric, `summary`,
 * seqs in order, one partition. The values spread over three decades, since quantile sketches grow with the spread.
 *
 *   npm run bench -- memory [--vms 50000 --points 20,200]
 */
import { setFlagsFromString } from 'node:v8'
import { parseArgs } from 'node:util'
import { runInNewContext } from 'node:vm'
import { canonicalJson } from '../src/core/json.ts'
import { PartitionState } from '../src/core/partition-state.ts'
import { summary } from '../src/core/summary.ts'
import { RULES } from '../test/support/records.ts'

const { values } = parseArgs({
  options: { vms: { type: 'string', default: '50000' }, points: { type: 'string', default: '20,200' } },
})
const vms = Number(values.vms)
setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

const rules = { ...RULES, sizeMs: 86_400_000 }
const raw = (): never => {
  throw new Error('no record is rejected here')
}

function heapBytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

for (const points of (values.points ?? '').split(',').map(Number)) {
  const before = heapBytes()
  const state = new PartitionState(rules, summary)
  let offset = 0
  for (let seq = 0; seq < points; seq++) {
    for (let vm = 0; vm < vms; vm++) {
      const value = 10 ** (((seq * 7919 + vm * 104_729) % 3000) / 1000)
      const point = { vmId: `vm-${vm}`, producer: '', metric: 'cpu', timestamp: seq * 1000, seq, value }
      state.fold({ offset: offset++, brokerTimestampMs: null, decoded: { kind: 'point', point }, raw })
    }
  }
  const heap = (heapBytes() - before) / vms
  const [window] = [...state.windows.values()]
  let rowBytes = 0
  for (const vm of window?.vms.values() ?? []) rowBytes += Buffer.byteLength(canonicalJson(vm.encode(summary)))
  console.log(
    `${points} points per VM window: ${heap.toFixed(0)} bytes of heap, ${(rowBytes / vms).toFixed(0)} bytes as a row`,
  )
}
