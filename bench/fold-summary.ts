/**
 * What one point costs in the fold's algebra: `summary.add` and `SeqSet.add`, over the accumulators of 5,000 VMs visited
 * in turn, as a topic has them, so that caches miss as they do in service. Not measured: decoding, looking up the VM's
 * window, what the pipeline adds around it. Run with `node bench/fold-summary.ts` on Node 24, or through `npx tsx`.
 */
import { SeqSet } from '../src/core/seq-set.ts'
import { ExactSum } from '../src/core/exact-sum.ts'
import { partitionOf } from '../src/core/murmur2.ts'
import { QuantileSketch } from '../src/core/quantile-sketch.ts'
import { canonicalJson } from '../src/core/json.ts'
import { summary } from '../src/core/summary.ts'
import { nanosecondsEach, randomFrom, report } from './fold-timing.ts'
import type { DataPoint } from '../src/core/point.ts'

const VMS = 5000
const POINTS_PER_VM = 200
const POINTS = VMS * POINTS_PER_VM

const random = randomFrom(7)
const WORKLOADS: Record<string, (i: number) => number> = {
  'CPU in whole percent': () => Math.min(100, Math.floor(-9 * Math.log(random()))),
  'doubles in [0, 100)': () => 100 * random(),
  'doubles over six decades, both signs': () => (random() - 0.5) * 10 ** (6 * random()),
}

/** A fresh string a point, as a decoder makes it. */
const metricOf = (i: number): string => 'cpu-user'.slice(0, 4 + (i % 1)) + 'used'

for (const [name, valueOf] of Object.entries(WORKLOADS)) {
  const points = Array.from({ length: POINTS }, (_, i): DataPoint => {
    const seq = Math.floor(i / VMS)
    return { vmId: '', producer: '', metric: metricOf(i), timestamp: 1.7e12 + seq * 1000, seq, value: valueOf(i) }
  })
  console.log(`${name}: ${VMS} VMs, ${POINTS_PER_VM} points each`)
  report(
    '  summary.add',
    nanosecondsEach(POINTS, () => {
      const accumulators = Array.from({ length: VMS }, () => summary.create())
      for (let i = 0; i < POINTS; i++) summary.add(accumulators[i % VMS] as never, points[i] as DataPoint)
      return accumulators
    }),
  )
  report(
    '  summary.add and SeqSet.add',
    nanosecondsEach(POINTS, () => {
      const accumulators = Array.from({ length: VMS }, () => summary.create())
      const sets = Array.from({ length: VMS }, () => new SeqSet(100_000))
      for (let i = 0; i < POINTS; i++) {
        const point = points[i] as DataPoint
        if (sets[i % VMS]?.add(point.seq as number) === 'added') summary.add(accumulators[i % VMS] as never, point)
      }
      return accumulators
    }),
  )
  report(
    '  ExactSum.add and addSquare',
    nanosecondsEach(POINTS, () => {
      const sums = Array.from({ length: 2 * VMS }, () => new ExactSum())
      for (let i = 0; i < POINTS; i++) {
        const value = (points[i] as DataPoint).value
        sums[i % VMS]?.add(value)
        sums[VMS + (i % VMS)]?.addSquare(value)
      }
      return sums
    }),
  )
  report(
    '  QuantileSketch.add',
    nanosecondsEach(POINTS, () => {
      const sketches = Array.from({ length: VMS }, () => new QuantileSketch())
      for (let i = 0; i < POINTS; i++) sketches[i % VMS]?.add((points[i] as DataPoint).value)
      return sketches
    }),
  )
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const accumulators = Array.from({ length: VMS }, () => summary.create())
  for (let i = 0; i < POINTS; i++) summary.add(accumulators[i % VMS] as never, points[i] as DataPoint)
  globalThis.gc?.()
  if (globalThis.gc !== undefined) {
    const each = (process.memoryUsage().heapUsed - before) / VMS
    console.log(`  memory of an accumulator ${each.toFixed(0)} bytes`)
  }
  const texts = accumulators.map((acc) => canonicalJson(summary.encode(acc)))
  const length = texts.reduce((sum, text) => sum + text.length, 0) / VMS
  console.log(`  encoded ${length.toFixed(0)} bytes on average`)
  report(
    '  encode to canonical JSON, an accumulator',
    nanosecondsEach(VMS, () => accumulators.map((acc) => canonicalJson(summary.encode(acc)))),
  )
  report(
    '  decode from JSON, an accumulator',
    nanosecondsEach(VMS, () => texts.map((text) => summary.decode(JSON.parse(text) as never))),
  )
  report(
    '  result, an accumulator',
    nanosecondsEach(VMS, () => accumulators.map((acc) => summary.result(acc))),
  )
}

const ids = Array.from({ length: VMS }, (_, i) => `vm-${i.toString().padStart(5, '0')}`)
report(
  'partitionOf an id of eight characters',
  nanosecondsEach(POINTS, () => {
    let sum = 0
    for (let i = 0; i < POINTS; i++) sum += partitionOf(ids[i % VMS] as string, 8)
    return sum
  }),
)
