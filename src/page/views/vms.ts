/** One VM over time with its open windows, and the list of all VMs. */
import { aggregatorId, type AnyAggregator } from '../../core/aggregator.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import type { Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { windowsOf } from '../../core/window-policy.ts'
import { messageOf } from '../../errors/index.ts'
import type { ProvisionalAnswer, VmAnswer, VmsAnswer, WaitingAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'
import { addKnown, openViewsOf, type OpenView } from './open-windows.ts'
import { firstAfter, vmIdsOf } from './heat.ts'

export interface VmQuery {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly limit: number
}

/** `null`: no such VM. The aggregator computes the provisional values; `null`: they are left out, with the problem. */
export async function vmAnswer(
  snapshot: Snapshot,
  published: PublishedIndex,
  vmId: string,
  { from, to, limit }: VmQuery,
  aggregator: AnyAggregator | null,
): Promise<VmAnswer | null> {
  const all = published.results
    .ofVm(vmId)
    .filter(
      ({ window: { partition, start } }) => start <= (snapshot.stored[partition]?.ledger?.closedThrough ?? -Infinity),
    )
    .sort((a, b) => a.window.start - b.window.start || a.window.partition - b.window.partition)
  const openViews = openViewsOf(snapshot).flatMap((view) => {
    const pairs = view.pairs.filter((pair) => pair.vmId === vmId)
    return pairs.length === 0 ? [] : [{ view, pairs }]
  })
  if (all.length === 0 && openViews.length === 0) return null
  const matching = all.filter(({ window: { start } }) => start >= from && start < to)
  const shown = matching.slice(-limit)
  const newest = all.at(-1)
  const places = [...shown, ...(newest === undefined || shown.includes(newest) ? [] : [newest])].map((one) => {
    return { partition: one.window.partition, at: one.vm.at }
  })
  const lines = await published.readResults(places)
  const parsed = lines.map((line) => (line === null ? null : (JSON.parse(line) as VmWindowResult)))
  const results = shown.flatMap(({ window: { partition } }, index) => {
    const result = parsed[index]
    return result === null || result === undefined ? [] : [{ partition, result }]
  })
  const prior = priorState(snapshot, parsed.at(-1) ?? null)
  const partitions = new Set([
    ...all.map((one) => one.window.partition),
    ...openViews.map(({ view }) => view.partition),
  ])
  return {
    ...{ snapshot: snapshot.id, vmId, partitions: [...partitions].sort((a, b) => a - b) },
    ...{ results, more: matching.length - shown.length },
    open: openViews.map(({ view, pairs }, index) =>
      // Only the lowest open window starts with the state of the last closed one.
      provisional(snapshot, view, vmId, pairs, index === 0 ? prior : null, aggregator),
    ),
    priorState: prior,
  }
}

/** The state after the last result, unless the job has dropped it: the VM sent nothing for too many windows. */
function priorState({ record, stored }: Snapshot, last: VmWindowResult | null): Json {
  if (last === null) return null
  const { rules } = record
  const closedThrough = Math.max(...stored.map(({ ledger }) => ledger?.closedThrough ?? -Infinity))
  return last.windowStart <= windowsOf(rules).back(closedThrough, rules.stateWindows) ? null : last.state
}

function provisional(
  { record }: Snapshot,
  { partition, window }: OpenView,
  vmId: string,
  producers: readonly WaitingAnswer[],
  prior: Json,
  aggregator: AnyAggregator | null,
): ProvisionalAnswer {
  const vm = window.vms.get(vmId)
  const base = {
    ...({ provisional: true, partition, windowStart: window.start, windowEnd: window.end } as const),
    expected: producers.reduce<number | null>((sum, { expected }) => addKnown(sum, expected), 0),
    received: producers.reduce((sum, { received }) => sum + received, 0),
    missingCount: producers.reduce((sum, { missingCount }) => sum + missingCount, 0),
    producers,
  }
  if (vm === undefined) return { ...base, metrics: null, problem: null }
  if (vm.failure !== null) return { ...base, metrics: null, problem: `the aggregator failed: ${vm.failure}` }
  if (aggregator === null || aggregatorId(aggregator) !== record.aggregator) {
    const problem = `the values need the aggregator ${record.aggregator}: start windrow ui with --aggregator`
    return { ...base, metrics: null, problem }
  }
  try {
    // The view was read without an aggregator, so the accumulator is as it was stored.
    const accumulator: unknown = aggregator.decode(vm.accumulator as Json)
    const metrics = aggregator.result(accumulator, { window, prior }) as Json
    return { ...base, metrics, problem: null }
  } catch (error) {
    // The code of a user: its failure must not hide the rest of the answer.
    return { ...base, metrics: null, problem: `the aggregator failed: ${messageOf(error)}` }
  }
}

export interface VmsQuery {
  readonly prefix: string
  readonly after: string | null
  readonly limit: number
}

export function vmsAnswer(
  snapshot: Snapshot,
  published: PublishedIndex,
  { prefix, after, limit }: VmsQuery,
): VmsAnswer {
  const { results } = published
  const all = vmIdsOf(snapshot, published, null)
  const found = prefix === '' ? all : all.filter((vmId) => vmId.startsWith(prefix))
  const first = after === null ? 0 : firstAfter(found, after)
  const shown = found.slice(first, first + limit)
  return {
    snapshot: snapshot.id,
    total: found.length,
    vms: shown.map((vmId) => {
      const own = results.ofVm(vmId).sort((a, b) => b.window.start - a.window.start)[0]
      const partition = own?.window.partition ?? openPartitionOf(snapshot, vmId)
      return { vmId, partition, newest: own?.window.start ?? null, reason: own?.vm.reason ?? null }
    }),
    next: first + limit < found.length ? (shown.at(-1) ?? null) : null,
  }
}

function openPartitionOf(snapshot: Snapshot, vmId: string): number {
  return openViewsOf(snapshot).find(({ pairs }) => pairs.some((pair) => pair.vmId === vmId))?.partition ?? 0
}
