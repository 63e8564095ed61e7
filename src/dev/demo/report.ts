/** The demo's report: reads the published results and compares them with what the fleet sent. */
import type { JobSummary } from '../../app/types.ts'
import type { CloseReason } from '../../core/closing.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import type { Json } from '../../core/json.ts'
import { contains, unite, type SeqRanges } from '../../core/seq-ranges.ts'
import type { MetricSummary } from '../../core/summary.ts'
import { DAY_MS, DAY_START, timestampOf, type DemoVm, type Fleet } from './fleet.ts'
import { loadOf } from './shapes.ts'
import type { MissingSeqs, FleetTally } from './tally.ts'

export interface DemoReport {
  readonly vmWindows: number
  readonly incomplete: readonly MissingSeqs[]
  /** VMs with a fault, and all VMs with an incomplete window. */
  readonly vms: readonly VmReport[]
  /** Drawings use the means in the results if windows are short enough, otherwise the points, which are generated again. */
  readonly drawnFrom: 'results' | 'points'
  readonly drawings: readonly Drawing[]
  /** Differences between the results and what was sent. Any difference is a bug in Windrow. */
  readonly differences: readonly string[]
}

/** One VM over all its windows. */
export interface VmReport {
  readonly vm: DemoVm
  readonly byReason: Readonly<Partial<Record<CloseReason, number>>>
  readonly expected: number
  readonly received: number
  /** A gap that spans several windows counts as one gap. */
  readonly missing: SeqRanges
}

/** One VM's CPU over the day. */
export interface Drawing {
  readonly vmId: string
  /** Means of equal parts of the day; NaN for a part without points. */
  readonly means: readonly number[]
  /** The highest p95 of its windows, from the results. */
  readonly p95: number
}

const DRAWN_COLUMNS = 48
/** Fewer windows are too few for a line. */
const MIN_DRAWN_WINDOWS = 12

export async function reportOn(
  fleet: Fleet,
  tally: FleetTally,
  summary: JobSummary,
  results: AsyncIterable<Json>,
): Promise<DemoReport> {
  const reported = new Set(fleet.vms.filter((vm) => vm.role !== 'ordinary').map((vm) => vm.vmId))
  const drawn = new Set(fleet.vms.slice(0, 3).map((vm) => vm.vmId))
  const kept = new Map<string, VmWindowResult[]>()
  const incomplete: MissingSeqs[] = []
  let vmWindows = 0
  for await (const line of results) {
    const result = line as unknown as VmWindowResult
    const { vmId, windowStart, missing } = result
    vmWindows++
    if (result.reason !== 'complete') {
      reported.add(vmId)
      incomplete.push({ vmId, windowStart, missing })
    }
    if (!reported.has(vmId) && !drawn.has(vmId)) continue
    const windows = kept.get(vmId)
    if (windows === undefined) kept.set(vmId, [result])
    else windows.push(result)
  }
  const of = (vm: DemoVm): VmWindowResult[] => kept.get(vm.vmId)?.sort((a, b) => a.windowStart - b.windowStart) ?? []
  return {
    vmWindows,
    incomplete,
    vms: fleet.vms.filter((vm) => reported.has(vm.vmId)).map((vm) => vmReport(vm, of(vm))),
    drawnFrom: areWindowsDrawn(fleet) ? 'results' : 'points',
    drawings: fleet.vms.filter((vm) => drawn.has(vm.vmId)).map((vm) => drawing(vm, of(vm), fleet)),
    differences: differencesOf(tally, summary, vmWindows, incomplete),
  }
}

function vmReport(vm: DemoVm, windows: readonly VmWindowResult[]): VmReport {
  const byReason: Partial<Record<CloseReason, number>> = {}
  for (const { reason } of windows) byReason[reason] = (byReason[reason] ?? 0) + 1
  return {
    vm,
    byReason,
    expected: windows.reduce((sum, { expected }) => sum + (expected ?? 0), 0),
    received: windows.reduce((sum, { received }) => sum + received, 0),
    missing: windows.reduce<SeqRanges>((all, { missing }) => unite(all, missing), []),
  }
}

function drawing(vm: DemoVm, windows: readonly VmWindowResult[], fleet: Fleet): Drawing {
  const summaries = windows.flatMap(({ windowStart, metrics }) => {
    const cpu = (metrics as { readonly cpu?: MetricSummary }).cpu
    return cpu === undefined ? [] : [{ at: windowStart, sum: cpu.sum, count: cpu.count, p95: cpu.p95 }]
  })
  const drawn = areWindowsDrawn(fleet) ? summaries : pointsOf(vm, fleet)
  const columns = areWindowsDrawn(fleet) ? Math.min(DRAWN_COLUMNS, DAY_MS / fleet.options.windowMs) : DRAWN_COLUMNS
  const sums = new Array<number>(columns).fill(0)
  const counts = new Array<number>(columns).fill(0)
  for (const { at, sum, count } of drawn) {
    const column = Math.floor(((at - DAY_START) * columns) / DAY_MS)
    sums[column] = (sums[column] ?? 0) + sum
    counts[column] = (counts[column] ?? 0) + count
  }
  const means = sums.map((sum, i) => sum / (counts[i] ?? 0))
  return { vmId: vm.vmId, means, p95: Math.max(...summaries.map(({ p95 }) => p95)) }
}

function areWindowsDrawn({ options: { windowMs } }: Fleet): boolean {
  return DAY_MS % windowMs === 0 && DAY_MS / windowMs >= MIN_DRAWN_WINDOWS
}

/** The points of a VM that arrive, as the source makes them. */
function pointsOf(vm: DemoVm, { options: { seed } }: Fleet): { at: number; sum: number; count: number }[] {
  const seqs = Array.from({ length: vm.points }, (_, seq) => seq).filter((seq) => !contains(vm.lost, seq))
  return seqs.map((seq) => {
    const at = timestampOf(vm, seed, seq)
    return { at, sum: loadOf(vm.shape, seed, vm.index, seq, at - DAY_START), count: 1 }
  })
}

function differencesOf(
  tally: FleetTally,
  { points, manifests }: JobSummary,
  vmWindows: number,
  incomplete: readonly MissingSeqs[],
): string[] {
  const differences: string[] = []
  const compare = (what: string, sent: number, found: number): void => {
    if (sent !== found) differences.push(`${what}: ${found} instead of ${sent}`)
  }
  compare('records consumed', tally.records, points.consumed)
  compare('points accepted', tally.points, points.accepted)
  compare('duplicates', tally.copies, points.duplicate)
  compare('late points', 0, points.late)
  compare('rejected records', 0, points.rejected)
  compare('manifests', tally.manifests, manifests)
  compare('results', tally.manifests, vmWindows)
  const [sent, found] = [tally.incomplete, incomplete].map((list) => list.map((one) => JSON.stringify(one)).sort())
  if (String(sent) !== String(found)) differences.push(`missing seqs: ${String(found)} instead of ${String(sent)}`)
  return differences
}
