/** Compares a published result with the recount. */
import { windowEndAfter } from './windows.ts'
import type { ProducerResult, VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { Windowing } from '../core/windowing.ts'
import type { MetricSummary } from '../core/summary.ts'
import type { ExpectedAggregator } from './aggregator-recount.ts'
import { compareMetric } from './compare-metric.ts'
import { compareKeptState, compareState } from './compare-state.ts'
import { Fields, type FieldDifference } from './report.ts'
import type { ProducerRecount } from './producer-recount.ts'
import { rangesOf, type Range } from './seqs.ts'
import type { VmRecount } from './vm-recount.ts'

/** Maximum number of ranges that a result lists. */
const MAX_RANGES = 100

/**
 * The close reason of a VM window whose partition window closed by this trigger. If the partition window closed as complete
 * and late records made the VM window incomplete afterwards, its reason is `grace`.
 */
export function recountedReason(vm: VmRecount, trigger: CloseTrigger, rules: Windowing): CloseReason {
  if (vm.isComplete(rules)) return 'complete'
  return trigger === 'complete' ? 'grace' : trigger
}

export interface ResultExpectation {
  readonly vm: VmRecount
  readonly windowStart: number
  readonly trigger: CloseTrigger
  /** Whether the recount knows what earlier windows had of each producer; otherwise expectations are not compared. */
  readonly isHistoryKnown: boolean
  /** The state before the window; `undefined` if unknown, in which case states are not compared. */
  readonly prior: Json | undefined
}

/** The members that differ, the most important ones first. */
export function compareResult(
  { vm, windowStart, trigger, isHistoryKnown, prior }: ResultExpectation,
  result: VmWindowResult,
  rules: Windowing,
  aggregator: ExpectedAggregator | null,
): FieldDifference[] {
  const fields = new Fields()
  const windowEnd = windowEndAfter(windowStart, rules)
  fields.compare('windowEnd', windowEnd, result.windowEnd)
  fields.compare('received', vm.received(), result.received)
  const isBuiltIn = aggregator !== null && aggregator.own === null
  if (aggregator !== null) fields.compare('aggregator', aggregator.id, result.aggregator ?? aggregator.id)
  const isQuarantined = result.reason === 'quarantined'
  if (isBuiltIn && !isQuarantined) compareMetrics(vm, result, fields)
  if (isHistoryKnown) fields.compare('expected', vm.expected(rules), result.expected)
  // The records do not show whether an aggregator failed.
  if (isHistoryKnown && !isQuarantined) fields.compare('reason', recountedReason(vm, trigger, rules), result.reason)
  fields.compare('noReadings', vm.noReadings(), result.noReadings ?? 0)
  fields.compare('duplicates', vm.duplicates, result.duplicates)
  fields.compare('conflicts', vm.conflicts(), (result as Partial<VmWindowResult>).conflicts ?? 0)
  compareSeqs(vm, result, rules, isHistoryKnown, fields)
  if (isHistoryKnown) compareProducers(vm, result, rules, fields)
  // An aggregator that failed leaves the state as it was.
  const isKept = isQuarantined || vm.received() === 0
  if (prior !== undefined && !isQuarantined) {
    const window = { start: windowStart, end: windowEnd }
    vm.own?.compare({ window, prior, hasPoints: vm.received() > 0 }, result, fields)
  }
  if (prior !== undefined && isKept) compareKeptState(prior, result.state, fields)
  else if (prior !== undefined && isBuiltIn) compareState(vm, prior, result.state, fields)
  return fields.differences
}

function compareMetrics(vm: VmRecount, result: VmWindowResult, fields: Fields): void {
  const published = isObject(result.metrics) ? result.metrics : {}
  for (const name of new Set([...vm.metrics.keys(), ...Object.keys(published)])) {
    const counted = vm.metrics.get(name)
    const found = Object.hasOwn(published, name) ? published[name] : undefined
    if (counted !== undefined && isObject(found)) compareMetric(name, counted, found as MetricSummary, fields)
    else fields.compare(`metrics.${name}`, counted === undefined ? null : 'there', found ?? null)
  }
}

function isObject(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function compareSeqs(
  vm: VmRecount,
  result: VmWindowResult,
  rules: Windowing,
  isHistoryKnown: boolean,
  fields: Fields,
): void {
  const missing: Range[] = []
  const unexpected: Range[] = []
  let missingCount = 0
  let unsequenced = 0
  for (const name of [...vm.producers.keys()].sort()) {
    const producer = vm.producers.get(name)
    if (producer === undefined) continue
    missing.push(...rangesOf(producer.missing()))
    unexpected.push(...rangesOf(producer.unexpected()))
    missingCount += producer.missingCount()
    unsequenced += producer.unsequenced
  }
  if (isHistoryKnown) fields.compare('missingCount', missingCount, result.missingCount)
  fields.compare('deduplicated', unsequenced === 0 || rules.identity === 'time', result.deduplicated)
  // A result that would be too large to store omits these lists.
  const areListsLeftOut = result.missing.length === 0 && result.unexpected.length === 0
  if (areListsLeftOut) return
  if (isHistoryKnown) fields.compare('missing', missing.slice(0, MAX_RANGES), result.missing)
  fields.compare('unexpected', unexpected.slice(0, MAX_RANGES), result.unexpected)
}

/** Each producer apart. A result with the default producer alone has no list of them. */
function compareProducers(vm: VmRecount, result: VmWindowResult, rules: Windowing, fields: Fields): void {
  const silent = vm.silentProducers(rules)
  const names = [...vm.producers.keys()].filter((name) => !silent.includes(name)).sort()
  let listed = 0
  const sent = names.map((name): ProducerResult => {
    const producer = vm.producers.get(name) as ProducerRecount
    const missing = rangesOf(producer.missing()).slice(0, MAX_RANGES - listed)
    listed += missing.length
    const replaced = producer.replacedBy === null ? {} : { replaced: true as const }
    return { producer: name, expected: producer.expected(rules), received: producer.received(), missing, ...replaced }
  })
  const all = [...sent, ...silent.map((name) => ({ producer: name, expected: null, received: 0, missing: [] }))]
  const [first] = all
  const isPlain = all.length === 1 && first?.producer === '' && !('replaced' in first)
  const expected = isPlain ? [] : all
  const found = result.producers ?? []
  // A result that would be too large to store omits the lists of seqs.
  const areListsLeftOut = found.every(({ missing }) => missing.length === 0)
  const compared = areListsLeftOut ? expected.map((one) => ({ ...one, missing: [] })) : expected
  if (canonicalJson(compared as unknown as Json) !== canonicalJson(found as unknown as Json))
    fields.compare('producers', compared as unknown as Json, found as unknown as Json)
}
