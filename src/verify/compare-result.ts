/** A published result against what was counted again. */
import type { VmWindowResult } from '../core/close-vm-window.ts'
import type { CloseReason, CloseTrigger } from '../core/closing.ts'
import type { Json } from '../core/json.ts'
import type { Windowing } from '../core/windowing.ts'
import { compareMetric, type Figures } from './compare-metric.ts'
import { compareKeptState, compareState } from './compare-state.ts'
import { Fields, type FieldDifference } from './report.ts'
import { rangesOf, type Range } from './seqs.ts'
import type { VmRecount } from './vm-recount.ts'

/** Ranges that a result lists. */
const MAX_RANGES = 100

/**
 * What a VM window is called that closed by this trigger. One that late records made incomplete, in a window where all was
 * there, closed before its grace.
 */
export function reasonOf(vm: VmRecount, trigger: CloseTrigger, rules: Windowing): CloseReason {
  if (vm.isComplete(rules)) return 'complete'
  return trigger === 'complete' ? 'grace' : trigger
}

/** What `metrics` of a result says, by metric; `null` where another aggregator than the built-in one has written it. */
export function summariesOf({ metrics }: VmWindowResult): Readonly<Record<string, Figures>> | null {
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) return null
  const all = metrics as Readonly<Record<string, Json>>
  return Object.values(all).every(isSummary) ? (all as unknown as Record<string, Figures>) : null
}

function isSummary(metric: Json): boolean {
  if (typeof metric !== 'object' || metric === null) return false
  return ['count', 'sum', 'min', 'max'].every((name) => name in metric)
}

export interface ResultExpectation {
  readonly vm: VmRecount
  readonly windowStart: number
  readonly trigger: CloseTrigger
  /** The state that the VM began the window with; `undefined` where it is not known, so that nothing follows from it. */
  readonly prior: Json | undefined
}

/** Members that differ, those that matter most first. */
export function compareResult(
  { vm, windowStart, trigger, prior }: ResultExpectation,
  result: VmWindowResult,
  rules: Windowing,
  isBuiltIn: boolean,
): FieldDifference[] {
  const fields = new Fields()
  fields.compare('windowEnd', windowStart + rules.sizeMs, result.windowEnd)
  fields.compare('received', vm.received(), result.received)
  const isQuarantined = result.reason === 'quarantined'
  if (isBuiltIn && !isQuarantined) compareMetrics(vm, result, fields)
  fields.compare('expected', vm.expected(rules), result.expected)
  // Whether an aggregator failed cannot be seen in the records.
  if (!isQuarantined) fields.compare('reason', reasonOf(vm, trigger, rules), result.reason)
  fields.compare('duplicates', vm.duplicates, result.duplicates)
  compareSeqs(vm, result, rules, fields)
  // An aggregator that failed leaves the state as it was.
  const isKept = isQuarantined || vm.received() === 0
  if (prior !== undefined && isKept) compareKeptState(prior, result.state, fields)
  else if (prior !== undefined && isBuiltIn) compareState(vm, prior, result.state, fields)
  return fields.differences
}

function compareMetrics(vm: VmRecount, result: VmWindowResult, fields: Fields): void {
  const published = summariesOf(result)
  for (const name of new Set([...vm.metrics.keys(), ...Object.keys(published ?? {})])) {
    const counted = vm.metrics.get(name)
    const found = published !== null && Object.hasOwn(published, name) ? published[name] : undefined
    if (counted === undefined || found === undefined) {
      fields.compare(`metrics.${name}`, counted === undefined ? null : 'there', found === undefined ? null : 'there')
      continue
    }
    compareMetric(name, counted, found, fields)
  }
}

function compareSeqs(vm: VmRecount, result: VmWindowResult, rules: Windowing, fields: Fields): void {
  const missing: Range[] = []
  const unexpected: Range[] = []
  let missingCount = 0
  let unsequenced = 0
  for (const name of [...vm.producers.keys()].sort()) {
    const producer = vm.producers.get(name)
    if (producer === undefined) continue
    missing.push(...rangesOf(producer.missing()))
    unexpected.push(...rangesOf(producer.unexpected()))
    missingCount += producer.missingCount(rules)
    unsequenced += producer.unsequenced
  }
  fields.compare('missingCount', missingCount, result.missingCount)
  fields.compare('deduplicated', unsequenced === 0, result.deduplicated)
  // Lists are left out of a result that they would make too large to be stored.
  const areListsLeftOut = result.missing.length === 0 && result.unexpected.length === 0
  if (areListsLeftOut) return
  fields.compare('missing', missing.slice(0, MAX_RANGES), result.missing)
  fields.compare('unexpected', unexpected.slice(0, MAX_RANGES), result.unexpected)
}
