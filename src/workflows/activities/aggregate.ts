/**
 * The activity `aggregate`: closes the VM windows of a partition window. It reads what the plan names, runs a `vm-window`
 * workflow a VM window, and writes the new states and the results as chunks. Running twice is safe: the workflows are pure
 * and the chunks insert-only.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { WindowProof } from '../../core/window-proof.ts'
import { maxOutputRowBytes, ORDER_FRAME_BYTES, OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { PageWriter, readPages, type ChunkKind, type ChunkSet } from '../../ledger/chunks.ts'
import type { StateStore } from '../../pipeline/ports.ts'
import type { AggregateOutcome, CommitPlan, PlannedClose } from '../plan.ts'
import { certificateOf, ResultsDigest, writeCertificate } from './certify.ts'
import { closeTasks, type CloseWork, type StateRow } from './close-tasks.ts'
import { JobTotal } from './job-total.ts'
import { mapOrdered } from './map-ordered.ts'
import { runTasks, type RunVmWindows, type TaskOutcome } from './run-tasks.ts'

export interface AggregateEnv {
  readonly store: StateStore
  readonly aggregator: AnyAggregator
  readonly run: RunVmWindows
  /** Groups of VM windows that one activity has under way; the runner bounds the process. */
  readonly maxInFlight: number
}

export async function aggregate(plan: CommitPlan, env: AggregateEnv): Promise<AggregateOutcome> {
  const close = plan.close as PlannedClose
  const { store, aggregator } = env
  const writer = (kind: ChunkKind): PageWriter => new PageWriter(store, plan.attempt, kind, OUTPUT_ROWS_PER_PAGE)
  const states = writer('states')
  const results = writer('results')
  const quarantined = writer('quarantined')
  const published = new ResultsDigest()
  const proof = new WindowProof(plan.rules)
  let statesDropped = 0
  const total = await JobTotal.read(store, close.total, aggregator)

  const keep = async (row: StateRow): Promise<void> => {
    const idleWindows = (close.windowStart - row.window) / plan.rules.sizeMs
    if (idleWindows < plan.rules.stateWindows) await states.add(row as unknown as Json)
    else statesDropped++
  }
  const maxRowBytes = maxOutputRowBytes(store.maxValueBytes)
  const work = closeTasks(pages(store, close.accs), pages(store, close.prior), close)
  const runGroup = async (group: WorkGroup): Promise<{ group: WorkGroup; outcomes: TaskOutcome[] }> => {
    const tasks = group.work.flatMap((one) => one.task ?? [])
    return { group, outcomes: await runTasks(plan, group.index, tasks, aggregator, env.run, maxRowBytes) }
  }
  const groups = grouped(work, close.vmsPerWorkflow, store.maxValueBytes - ORDER_FRAME_BYTES)
  for await (const { group, outcomes } of mapOrdered(groups, env.maxInFlight, runGroup)) {
    let next = 0
    for (const { prior, task } of group.work) {
      if (task === null) {
        await keep(prior as StateRow)
        continue
      }
      const { result, state } = outcomes[next++] as TaskOutcome
      const line = canonicalJson(result as unknown as Json)
      await results.addLine(line)
      published.add(line)
      proof.add(task.window, result)
      if (result.reason === 'quarantined') await quarantined.add(quarantineRow(result))
      else total.add({ value: task.window.accumulator })
      const window = result.received > 0 ? close.windowStart : prior?.window
      if (state !== null && window !== undefined) await keep({ vmId: result.vmId, window, state })
    }
  }
  const certificate = certificateOf(plan, proof, [], { count: published.count, digest: published.end() })
  return {
    states: await states.end(),
    results: await results.end(),
    quarantined: await quarantined.end(),
    total: await total.write(store, plan.attempt),
    vmWindows: proof.vmWindows,
    received: proof.received,
    reason: proof.reason,
    vmWindowsByReason: proof.vmWindowsByReason,
    statesDropped,
    points: proof.points,
    certificate: await writeCertificate(store, plan.attempt, certificate),
  }
}

/** Consecutive work that holds at most so many tasks and bytes (I8); what has no task rides along. */
interface WorkGroup {
  readonly index: number
  readonly work: readonly CloseWork[]
}

async function* grouped(
  work: AsyncIterable<CloseWork>,
  tasksPerGroup: number,
  bytesPerGroup: number,
): AsyncGenerator<WorkGroup> {
  let group: CloseWork[] = []
  let tasks = 0
  let bytes = 0
  let index = 0
  for await (const one of work) {
    // A task alone fits, so its bytes matter only where it has company.
    const taskBytes = one.task === null || tasksPerGroup === 1 ? 0 : Buffer.byteLength(JSON.stringify(one.task)) + 1
    if (tasks > 0 && (tasks === tasksPerGroup || bytes + taskBytes > bytesPerGroup)) {
      yield { index: index++, work: group }
      group = []
      tasks = 0
      bytes = 0
    }
    group.push(one)
    if (one.task !== null) tasks++
    bytes += taskBytes
  }
  if (group.length > 0) yield { index, work: group }
}

async function* pages(store: StateStore, set: ChunkSet | null): AsyncGenerator<Json[]> {
  if (set !== null) yield* readPages(store, set)
}

/** The dead letter of a VM window: there is no single record to show, the window's points are all in the topic. */
function quarantineRow(result: VmWindowResult): Json {
  return {
    reason: 'quarantined',
    detail: result.error ?? '',
    vmId: result.vmId,
    windowStart: result.windowStart,
    received: result.received,
  }
}
