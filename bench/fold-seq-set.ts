/**
 * Measures the cost of adding a seq to a seq set: in order, slightly out of order, and in adversarial orders. Fails if an
 * adversarial order of 400,000 seqs costs more than four times as much per seq as one of 100,000: no order may be
 * quadratic. Run: `node bench/fold-seq-set.ts` (Node 24 runs TypeScript).
 */
import { SeqSet } from '../src/core/seq-set.ts'
import { nanosecondsEach, randomFrom, report, shuffled } from './fold-timing.ts'

const SMALL = 100_000
const LARGE = 400_000
const MAX_SLOWDOWN = 4

const random = randomFrom(11)

/** Moves each seq by less than `distance` places. */
function disordered(length: number, distance: number): Float64Array {
  const keys = Float64Array.from({ length }, (_, i) => i + distance * random())
  return Float64Array.from(
    Array.from({ length }, (_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number)),
  )
}

const ORDERS: Record<string, (length: number) => Float64Array> = {
  'in order': (length) => Float64Array.from({ length }, (_, i) => i),
  'disorder within 10': (length) => disordered(length, 10),
  'disorder within 100': (length) => disordered(length, 100),
  'one lost at the start, then in order': (length) => Float64Array.from({ length }, (_, i) => (i === 0 ? 0 : i + 1)),
  reversed: (length) => Float64Array.from({ length }, (_, i) => length - i),
  'every second': (length) => Float64Array.from({ length }, (_, i) => 2 * i),
  'every second, reversed': (length) => Float64Array.from({ length }, (_, i) => 2 * (length - i)),
  'every 600th (a page each)': (length) => Float64Array.from({ length }, (_, i) => 600 * i),
  'from both ends inwards': (length) => Float64Array.from({ length }, (_, i) => (i % 2 === 0 ? i : 2 * length - i)),
  'random order': (length) => shuffled(length, random),
  'all even, then all odd': (length) =>
    Float64Array.from({ length }, (_, i) => (i < length / 2 ? 2 * i : 2 * (i - length / 2) + 1)),
}

function fill(seqs: Float64Array): SeqSet {
  const set = new SeqSet(Number.MAX_SAFE_INTEGER)
  for (let i = 0; i < seqs.length; i++) set.add(seqs[i] as number)
  return set
}

let isQuadratic = false
for (const [name, orderOf] of Object.entries(ORDERS)) {
  const small = orderOf(SMALL)
  const large = orderOf(LARGE)
  const ofSmall = nanosecondsEach(SMALL, () => fill(small))
  const ofLarge = nanosecondsEach(LARGE, () => fill(large))
  report(`${name}: add, ${SMALL} seqs`, ofSmall)
  report(`${name}: add, ${LARGE} seqs`, ofLarge)
  const set = fill(small)
  report(
    `${name}: ranges, encode and decode, per seq`,
    nanosecondsEach(SMALL, () => SeqSet.decode(set.encode(), set.maxSpan)),
  )
  if (ofLarge > MAX_SLOWDOWN * ofSmall + 20) {
    console.error(`${name}: ${(ofLarge / ofSmall).toFixed(1)} times as much per seq for four times the seqs`)
    isQuadratic = true
  }
}
process.exitCode = isQuadratic ? 1 : 0
