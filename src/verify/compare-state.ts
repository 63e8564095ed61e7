/**
 * Compares a published VM state with the expected one: the state after the previous window, advanced by the points of this
 * one. So a chain of states that begins without a state is correct as a whole, or a difference shows where it broke.
 */
import { canonicalJson, type Json } from '../core/json.ts'
import type { MetricSummaryState } from '../core/summary.ts'
import { ROUNDING } from './compare-metric.ts'
import { RationalSum } from './rational-sum.ts'
import type { Fields } from './report.ts'
import type { VmRecount } from './vm-recount.ts'

type States = Readonly<Record<string, MetricSummaryState>>

/** For a VM window that does not change the state. */
export function compareKeptState(prior: Json, found: Json, fields: Fields): void {
  if (canonicalJson(prior) !== canonicalJson(found)) fields.compare('state', prior, found)
}

/** `prior`: the state that the window began with. */
export function compareState(vm: VmRecount, prior: Json, found: Json, fields: Fields): void {
  // A prior state that is malformed was reported with the window that published it.
  if (!areStates(prior)) return
  if (!areStates(found)) return fields.compare('state', 'the state of a summary', found)
  for (const metric of new Set([...vm.metrics.keys(), ...Object.keys(prior ?? {}), ...Object.keys(found ?? {})])) {
    const name = `state.${metric}`
    const before = own(prior, metric)
    const after = own(found, metric)
    const points = vm.metrics.get(metric)
    if (points === undefined || after === null) {
      fields.compare(name, points === undefined ? before : 'there', after)
      continue
    }
    fields.compare(`${name}.lifetimeCount`, (before?.lifetimeCount ?? 0) + points.count, after.lifetimeCount)
    const sum = new RationalSum()
    for (const part of before === null ? [] : [before.lifetimeSum, ...before.lifetimeSumRest]) sum.add(part)
    sum.merge(points.sum)
    fields.compare(`${name}.lifetimeSum`, sum.value(), after.lifetimeSum)
    // Subtracting all parts must leave 0.
    for (const part of [after.lifetimeSum, ...after.lifetimeSumRest]) sum.add(-part)
    fields.compare(`${name}.lifetimeSumRest`, 0, sum.value())
    const mean = points.mean()
    fields.compare(`${name}.previousMean`, mean, after.previousMean)
    // The weight is a setting of the aggregator that results do not contain, so check only that the average is in range.
    const bounds = before === null ? [mean] : [mean, before.ewma]
    const slack = ROUNDING * Math.max(...bounds.map(Math.abs))
    const isBetween = after.ewma >= Math.min(...bounds) - slack && after.ewma <= Math.max(...bounds) + slack
    if (!isBetween) fields.compare(`${name}.ewma`, bounds, after.ewma)
  }
}

function own(states: States | null, metric: string): MetricSummaryState | null {
  return states !== null && Object.hasOwn(states, metric) ? (states[metric] ?? null) : null
}

function areStates(state: Json): state is States | null {
  if (state === null) return true
  if (typeof state !== 'object' || Array.isArray(state)) return false
  return Object.values(state).every(isState)
}

function isState(state: Json): boolean {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return false
  const { lifetimeSumRest, ...numbers } = state as Readonly<Record<string, Json>>
  const names = ['lifetimeCount', 'lifetimeSum', 'ewma', 'previousMean']
  return Array.isArray(lifetimeSumRest) && names.every((name) => typeof numbers[name] === 'number')
}
