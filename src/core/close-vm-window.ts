/**
 * What a `vm-window` workflow computes: a closed VM window and the VM's prior state in, the published result and the next
 * state out. Pure, so it may run any number of times, on any machine.
 */
import { aggregatorId, type AnyAggregator } from './aggregator.ts'
import type { CloseReason } from './closing.ts'
import type { Json } from './json.ts'
import type { EpochMs } from './point.ts'
import { VmWindow, type EncodedVmWindow } from './vm-window.ts'
import type { Windowing } from './windowing.ts'

/**
 * Maximum number of ranges of missing seqs that are published per VM window; a result that would be too large to store has
 * none. `missingCount` always counts all missing points.
 */
export const MAX_MISSING_RANGES = 100

/** Revision of a VM window when it closes; each amendment increments it. */
export const FIRST_REVISION = 1

/** The input of a `vm-window` workflow; JSON, since workflow inputs are JSON. */
export interface VmWindowTask {
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly revision: number
  readonly reason: CloseReason
  readonly silent: readonly string[]
  readonly window: EncodedVmWindow
  readonly prior: Json
}

export type SeqRangeList = readonly (readonly [firstSeq: number, lastSeq: number])[]

/** One producer of a VM. Published only if the VM has several producers or one with a name. */
export interface ProducerResult {
  readonly producer: string
  readonly expected: number | null
  readonly received: number
  readonly missing: SeqRangeList
  /** A later producer of the VM replaced it. Only present where it is true. */
  readonly replaced?: true
}

/** Who promoted a result, and the certificate that records the reason. */
export interface PromotedMark {
  readonly by: string
  /** Partition of the source. */
  readonly partition: number
  /** Sequence of the certificate in that partition. */
  readonly certificate: number
}

/** The published result of a VM window. A higher `revision` replaces a lower one. */
export interface VmWindowResult {
  readonly vmId: string
  readonly windowStart: EpochMs
  readonly windowEnd: EpochMs
  readonly revision: number
  readonly reason: CloseReason
  /**
   * Points promised by manifests or cadence; seqs where a manifest counts samples and no metric is expected of each.
   * `null`: unknown.
   */
  readonly expected: number | null
  readonly received: number
  /**
   * Entries that had no value: empty, `null` or NaN. Their places are filled, so they are not missing. Only present where it
   * is not 0.
   */
  readonly noReadings?: number
  /** Duplicates that arrived before the window closed. */
  readonly duplicates: number
  /** Records that had another timestamp or value under a used (producer, seq, metric); they are dead letters. */
  readonly conflicts: number
  /** Ranges of promised seqs that lack a point of any expected metric, both ends included; the first 100. */
  readonly missing: SeqRangeList
  /** How many of the `expected` ones are missing. */
  readonly missingCount: number
  /** Ranges of received seqs that no manifest promised; the first 100. */
  readonly unexpected: SeqRangeList
  /** False if points were counted whose duplicates cannot be recognized: they have no seq, and their time is no identity. */
  readonly deduplicated: boolean
  /** Each producer apart, unless there is only the default one. */
  readonly producers?: readonly ProducerResult[]
  /** Why the aggregator failed; only with the reason `quarantined`. */
  readonly error?: string
  /** Present only if the result was published by a promotion. */
  readonly promoted?: PromotedMark
  /** Name and version of the aggregator, as in `summary@1`. Results of version 0.1.0 lack it. */
  readonly aggregator?: string
  readonly metrics: Json
  readonly state: Json
}

export interface VmWindowOutcome {
  readonly result: VmWindowResult
  readonly state: Json
}

/** Throws what the user's aggregator throws; the caller decides how often to try before it quarantines. */
export function closeVmWindow(task: VmWindowTask, aggregator: AnyAggregator, rules: Windowing): VmWindowOutcome {
  const vm = VmWindow.decode(task.window, aggregator, rules)
  if (vm.failure !== null) throw new Error(vm.failure)
  const { prior } = task
  const window = { start: task.windowStart, end: task.windowEnd }
  const metrics = aggregator.result(vm.accumulator, { window, prior }) as Json
  // A window without points does not change the state.
  const state = vm.receivedCount === 0 ? prior : (aggregator.advance(prior, vm.accumulator, window) as Json)
  return { result: { ...describe(vm, task, aggregator, rules), metrics, state }, state }
}

/** A result with its counts, and without the lists that explain them. */
export function withoutLists(result: VmWindowResult): VmWindowResult {
  const { producers, ...published } = result
  const short = producers === undefined ? {} : { producers: producers.map((one) => ({ ...one, missing: [] })) }
  return { ...published, ...short, missing: [], unexpected: [] }
}

/** The result of a quarantined VM window, for which the user's aggregator failed: counts, and the unchanged prior state. */
export function quarantineVmWindow(
  task: VmWindowTask,
  aggregator: AnyAggregator,
  rules: Windowing,
  error: string,
): VmWindowOutcome {
  const bare = { ...task.window, accumulator: null, failure: error }
  const vm = VmWindow.decode(bare, aggregator, rules)
  const described = describe(vm, { ...task, reason: 'quarantined' }, aggregator, rules)
  return { result: { ...described, error, metrics: {}, state: task.prior }, state: task.prior }
}

function describe(
  vm: VmWindow,
  task: VmWindowTask,
  aggregator: AnyAggregator,
  rules: Windowing,
): Omit<VmWindowResult, 'metrics' | 'state' | 'error'> {
  const producers: ProducerResult[] = []
  const silent = [...task.silent]
  let expected: number | null = vm.producers.size > 0 ? 0 : null
  let missingCount = 0
  let unsequenced = 0
  const missing: (readonly [number, number])[] = []
  const unexpected: (readonly [number, number])[] = []
  for (const [producer, window] of vm.producers) {
    const { expectedCount } = window
    if (!window.isHeard && expectedCount === null) {
      silent.push(producer)
      continue
    }
    // The limit applies to all producers together, since the size of a result is bounded (I8).
    const gaps = window.missing(MAX_MISSING_RANGES - missing.length)
    const replaced = window.replacedBy === null ? {} : { replaced: true as const }
    const { receivedCount: received } = window
    producers.push({ producer, expected: expectedCount, received, missing: gaps.ranges, ...replaced })
    expected = expected === null || expectedCount === null ? null : expected + expectedCount
    missingCount += window.missingCount
    unsequenced += window.unsequenced
    missing.push(...gaps.ranges)
    unexpected.push(...window.unexpected(MAX_MISSING_RANGES - unexpected.length).ranges)
  }
  if (silent.length > 0) expected = null
  for (const producer of silent.sort()) producers.push({ producer, expected: null, received: 0, missing: [] })
  const [first] = producers
  const isPlain = producers.length === 1 && first?.producer === '' && first.replaced !== true
  return {
    vmId: vm.vmId,
    windowStart: task.windowStart,
    windowEnd: task.windowEnd,
    revision: task.revision,
    reason: task.reason,
    expected,
    received: vm.receivedCount,
    ...(vm.noReadings === 0 ? {} : { noReadings: vm.noReadings }),
    duplicates: vm.duplicates,
    conflicts: vm.conflicts,
    missing,
    missingCount,
    unexpected,
    deduplicated: unsequenced === 0 || rules.identity === 'time',
    ...(isPlain ? {} : { producers }),
    aggregator: aggregatorId(aggregator),
  }
}
