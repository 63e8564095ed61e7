/**
 * The maximum size of a VM window under a job's rules, in bytes of JSON (I8): the sum of the bounds of its parts. A
 * configuration whose worst case does not fit into a stored value or a workflow input is refused at startup.
 */
import type { AnyAggregator } from './aggregator.ts'
import { MAX_PROMISED_RANGES } from './promise.ts'
import { SeqSet } from './seq-set.ts'
import { MAX_ID_CHARS, MAX_PRODUCER_CHARS } from './shape.ts'
import type { Windowing } from './windowing.ts'

/** Pages of small rows are cut at this size; a row larger than it makes a page of its own. */
export const PAGE_BYTES = 192 * 1024

/** Number of results or states of closed VM windows per page, which bounds the size of each. */
export const OUTPUT_ROWS_PER_PAGE = 64

/** A control character in a text is written as six bytes, which is more than any character's UTF-8 takes a unit. */
const MAX_BYTES_PER_CHAR = 6
const MAX_METRIC_BYTES = MAX_BYTES_PER_CHAR * MAX_ID_CHARS + 3
const MAX_PRODUCER_BYTES = MAX_BYTES_PER_CHAR * MAX_PRODUCER_CHARS + 3
/** `[first,last],` with 16 digits each. */
const MAX_RANGE_BYTES = 36
/** Names of members, brackets, and the numbers that stand alone. */
const ROW_FRAME_BYTES = 300 + MAX_BYTES_PER_CHAR * MAX_ID_CHARS
const PRODUCER_FRAME_BYTES = 40
/** Rules, times and names of members of a `vm-window` workflow's input. */
export const ORDER_FRAME_BYTES = 1024

/** Brackets, commas and names of members of one VM window in the answer of a `vm-window` workflow. */
const ANSWER_FRAME_BYTES = 128

/** Maximum size of a stored result or state of a VM, in bytes. */
export function maxOutputRowBytes(maxValueBytes: number): number {
  return Math.floor(maxValueBytes / OUTPUT_ROWS_PER_PAGE) - 1
}

/**
 * The number of VM windows that one workflow may close: with more, its answer could exceed a stored value. Each answers with a
 * result and a state.
 */
export function maxVmsPerWorkflow(maxValueBytes: number): number {
  return Math.floor(maxValueBytes / (2 * maxOutputRowBytes(maxValueBytes) + ANSWER_FRAME_BYTES))
}

/**
 * Maximum size of a stored VM window at its close, in bytes; `null` if the aggregator states no bound. A VM window that still
 * exceeds a stored value is quarantined.
 */
export function worstCaseVmWindowBytes(rules: Windowing, aggregator: AnyAggregator): number | null {
  const metric = metricBytes(aggregator)
  return metric === null
    ? null
    : framesBytes() + rules.maxMetricsPerVm * metric + rules.maxProducersPerVm * producerBytes(rules)
}

/** A setting that must change, and how. */
export interface PayloadProblem {
  readonly setting: 'maxValueBytes' | 'maxMetricsPerVm' | 'maxProducersPerVm' | 'maxSeqSpan'
  readonly problem: string
  readonly remedy: string
}

/** `null` if the largest VM window fits into a stored value and into a workflow input. */
export function checkPayload(
  rules: Windowing,
  aggregator: AnyAggregator,
  maxValueBytes: number,
): PayloadProblem | null {
  if (maxValueBytes < PAGE_BYTES) {
    return {
      setting: 'maxValueBytes',
      problem: `a value of ${maxValueBytes} bytes is too small for pages of ${PAGE_BYTES}`,
      remedy: `Give ${PAGE_BYTES} bytes or more, and a state store that takes them.`,
    }
  }
  const worst = worstCaseVmWindowBytes(rules, aggregator)
  const metric = metricBytes(aggregator)
  if (worst === null || metric === null) return null
  const room = maxValueBytes - maxOutputRowBytes(maxValueBytes) - ORDER_FRAME_BYTES
  if (worst <= room) return null
  const metrics = rules.maxMetricsPerVm * metric
  const producers = rules.maxProducersPerVm * producerBytes(rules)
  const problem = `a VM window may take ${worst} bytes, and the state store's values leave it ${room}`
  const raise = `or raise maxValueBytes to ${neededValueBytes(worst)}, if the state store takes that`
  if (metrics >= producers) return lower('maxMetricsPerVm', Math.floor((room - framesBytes() - producers) / metric))
  const roomAProducer = (room - framesBytes() - metrics) / rules.maxProducersPerVm
  const span = largestSpan(rules, roomAProducer)
  if (span !== null) return lower('maxSeqSpan', span)
  return lower('maxProducersPerVm', Math.floor((room - framesBytes() - metrics) / producerBytes(rules)))

  function lower(setting: PayloadProblem['setting'], most: number): PayloadProblem {
    const remedy =
      most >= 1 ? `Give ${most} or less, ${raise}.` : `Lower it with the other limits of a VM window, ${raise}.`
    return { setting, problem, remedy }
  }
}

/** The metric's name stands in the list of names and over its accumulator. */
function metricBytes(aggregator: AnyAggregator): number | null {
  return aggregator.maxBytesPerMetric === null ? null : aggregator.maxBytesPerMetric + 2 * MAX_METRIC_BYTES + 2
}

/** A producer's share, and its name among the silent ones of every window that the roster waits for it. */
function producerBytes(rules: Windowing): number {
  const present =
    MAX_PRODUCER_BYTES +
    SeqSet.maxEncodedBytes(rules.maxSeqSpan) +
    MAX_PROMISED_RANGES * MAX_RANGE_BYTES +
    PRODUCER_FRAME_BYTES
  return present + rules.rosterWindows * MAX_PRODUCER_BYTES
}

function framesBytes(): number {
  return ROW_FRAME_BYTES
}

/** The largest span with which a producer's share fits; `null` when none does. */
function largestSpan(rules: Windowing, bytes: number): number | null {
  const withSpan = (maxSeqSpan: number): number => producerBytes({ ...rules, maxSeqSpan })
  if (withSpan(1) > bytes) return null
  let low = 1
  let high = rules.maxSeqSpan
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (withSpan(middle) <= bytes) low = middle
    else high = middle - 1
  }
  return low
}

/** The inverse of what a value leaves for a VM window, rounded up to whole KiB. */
function neededValueBytes(worst: number): number {
  const bytes = ((worst + ORDER_FRAME_BYTES) * OUTPUT_ROWS_PER_PAGE) / (OUTPUT_ROWS_PER_PAGE - 1)
  return Math.ceil(bytes / 1024) * 1024
}
