/**
 * Measures the cost of a point in the fold: `summary.add` and `SeqSet.add`, over the accumulators of 5,000 VMs in turn, in
 * the order of a topic, so that CPU caches miss as in production. Creating the point is included. Not measured: decoding,
 * looking up the VM window, and the work of the pipeline around it. Run: `node --expose-gc bench/fold-summary.ts` (Node 24
 * runs TypeScript).
 */
import { SeqSet } from '../src/core/seq-set.ts'
import { ExactSum } from '../src/core/exact-sum.ts'
import { partitionOf } from '../src/core/murmur2.ts'
import { PointDigest } from '../src/core/point-digest.ts'
import { QuantileSketch } from '../src/core/quantile-sketch.ts'
import { canonicalJson } from '../src/core/json.ts'
import { summary } from '../src/core/summary.ts'
import { nanosecondsEach, randomFrom, report } from './fold-timing.ts'
import type { Json } from '../src/core/json.ts'
import type { DataPoint } from '../src/core/point.ts'

const VMS = 5000
const POINTS_PER_VM = 200
const POINTS = VMS * POINTS_PER_VM

const random = randomFrom(7)
const WORKLOADS: Record<string, () => number> = {
  'CPU in whole percent': () => Math.min(100, Math.floor(-9 * Math.log(random()))),
  'doubles in [0, 100)': () => 100 * random(),
  'doubles over six decades, both signs': () => (random() - 0.5) * 10 ** (6 * random()),
}

/** Equal texts that are different strings in memory, like those of a decoder. */
const METRICS = Array.from({ length: 1000 }, () => Buffer.from('cpu_used').toString('latin1'))

/** Point i in the order of the topic: the VMs in turn. A new object for each call, as from a decoder. */
function pointAt(i: number, values: Float64Array): DataPoint {
  const seq = Math.floor(i / VMS)
  const metric = METRICS[i % METRICS.length] as string
  return { vmId: '', producer: '', metric, timestamp: 1.7e12 + seq * 1000, seq, value: values[i] as number }
}

function foldAll(values: Float64Array): ReturnType<typeof summary.create>[] {
  const accumulators = Array.from({ length: VMS }, () => summary.create())
  for (let i = 0; i < POINTS; i++) summary.add(accumulators[i % VMS] as never, pointAt(i, values))
  return accumulators
}

function foldOnce(values: Float64Array): unknown {
  const accumulators = Array.from({ length: VMS }, () => summary.create())
  const sets = Array.from({ length: VMS }, () => new SeqSet(100_000))
  for (let i = 0; i < POINTS; i++) {
    const point = pointAt(i, values)
    if (sets[i % VMS]?.add(point.seq as number) === 'added') summary.add(accumulators[i % VMS] as never, point)
  }
  return accumulators
}

function sumAll(values: Float64Array): unknown {
  const sums = Array.from({ length: 2 * VMS }, () => new ExactSum())
  for (let i = 0; i < POINTS; i++) {
    sums[i % VMS]?.add(values[i] as number)
    sums[VMS + (i % VMS)]?.addSquare(values[i] as number)
  }
  return sums
}

function digestAll(values: Float64Array): unknown {
  const digests = Array.from({ length: VMS }, () => new PointDigest())
  for (let i = 0; i < POINTS; i++) digests[i % VMS]?.add(pointAt(i, values))
  return digests
}

function sketchAll(values: Float64Array): unknown {
  const sketches = Array.from({ length: VMS }, () => new QuantileSketch())
  for (let i = 0; i < POINTS; i++) sketches[i % VMS]?.add(values[i] as number)
  return sketches
}

for (const [name, valueOf] of Object.entries(WORKLOADS)) {
  const values = Float64Array.from({ length: POINTS }, valueOf)
  console.log(`${name}: ${VMS} VMs, ${POINTS_PER_VM} points each`)
  const perPoint = (title: string, round: (values: Float64Array) => unknown): void =>
    report(
      `  ${title}, per point`,
      nanosecondsEach(POINTS, () => round(values)),
    )
  perPoint('summary.add', foldAll)
  perPoint('summary.add and SeqSet.add', foldOnce)
  perPoint('ExactSum.add and addSquare', sumAll)
  perPoint('QuantileSketch.add', sketchAll)
  perPoint('PointDigest.add', digestAll)

  globalThis.gc?.()
  const heapBefore = process.memoryUsage().heapUsed
  const accumulators = foldAll(values)
  if (globalThis.gc !== undefined) {
    globalThis.gc()
    const each = (process.memoryUsage().heapUsed - heapBefore) / VMS
    console.log(`  memory of an accumulator: ${each.toFixed(0)} bytes`)
  }
  const texts = accumulators.map((acc) => canonicalJson(summary.encode(acc)))
  const length = texts.reduce((sum, text) => sum + text.length, 0) / VMS
  console.log(`  encoded: ${length.toFixed(0)} bytes on average`)
  const perAccumulator = (title: string, round: () => unknown): void =>
    report(`  ${title}, per accumulator`, nanosecondsEach(VMS, round))
  perAccumulator('encode', () => accumulators.map((acc) => summary.encode(acc)))
  perAccumulator('encode to canonical JSON', () => accumulators.map((acc) => canonicalJson(summary.encode(acc))))
  perAccumulator('decode from JSON', () => texts.map((text) => summary.decode(JSON.parse(text) as Json)))
  perAccumulator('merge', () => accumulators.map((acc) => summary.merge(summary.create(), acc)))
  perAccumulator('result', () => accumulators.map((acc) => summary.result(acc, CONTEXT)))
}

const CONTEXT = { window: { start: 0, end: 1 }, prior: null }
const ids = Array.from({ length: VMS }, (_, i) => `vm-${i.toString().padStart(5, '0')}`)
report(
  'partitionOf an id of eight characters',
  nanosecondsEach(POINTS, () => {
    let sum = 0
    for (let i = 0; i < POINTS; i++) sum += partitionOf(ids[i % VMS] as string, 8)
    return sum
  }),
)
