/**
 * The rate of a counter per second of its window. The state of a VM is the last value of each counter, so that the
 * increase between two windows counts, too. A counter that restarts at 0 is found by a value that is lower than before;
 * at most one restart per window is seen.
 */
import { defineAggregator, perMetric } from 'windrow'

/** Points in order of time; points of the same time in order of seq, then of value, so that the order is total. */
const byTime = (a, b) => a.at - b.at || a.seq - b.seq || a.value - b.value
const earlier = (a, b) => (a === null ? b : b === null || byTime(a, b) <= 0 ? a : b)
const later = (a, b) => (a === null ? b : b === null || byTime(a, b) >= 0 ? a : b)

export const aggregator = perMetric(
  defineAggregator({
    name: 'counter-rate',
    version: 1,
    create: () => ({ first: null, last: null }),
    add: ({ first, last }, { timestamp, seq, value }) => {
      const point = { at: timestamp, seq: seq ?? -1, value }
      return { first: earlier(first, point), last: later(last, point) }
    },
    merge: (a, b) => ({ first: earlier(a.first, b.first), last: later(a.last, b.last) }),
    result: ({ first, last }, { window, prior }) => {
      const before = prior?.value ?? first.value
      const increase = last.value >= before ? last.value - before : last.value
      return { value: last.value, increase, perSecond: increase / ((window.end - window.start) / 1000) }
    },
    advance: (_prior, { last }) => ({ value: last.value }),
  }),
)
