/**
 * The activity `aggregate`: amends closed windows by what came late, then closes the VM windows of a partition window. It
 * reads what the plan names, runs a `vm-window` workflow a VM window, and writes states, results and the certificate as
 * chunks. Running twice is safe: the workflows are pure and the chunks insert-only.
 */
import type { AnyAggregator } from '../../core/aggregator.ts'
import type { Json } from '../../core/json.ts'
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { WindowProof } from '../../core/window-proof.ts'
import { PageWriter, readPages, type ChunkSet } from '../../ledger/chunks.ts'
import { readIndex, type IndexChunk } from '../../ledger/index-chunk.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import type { StateStore } from '../../ports/index.ts'
import type { AggregateOutcome, CommitPlan, PlannedClose } from '../plan.ts'
import { amendedRows, statesOf, WindowAmender, type Amendments } from './amend-windows.ts'
import { certificateOf, writeCertificate } from './certify.ts'
import { closeTasks, rowsOf, type StateRow } from './close-tasks.ts'
import { CommitOutput } from './commit-output.ts'
import { JobTotal } from './job-total.ts'
import { promoteWindows } from './promote-windows.ts'
import { GroupRunner } from './run-groups.ts'
import type { RunVmWindows } from './run-tasks.ts'
import { isIdle, replacing, stateAfter } from './vm-states.ts'

export interface AggregateEnv {
  readonly store: StateStore
  readonly aggregator: AnyAggregator
  readonly run: RunVmWindows
  /** Groups of VM windows that one activity has under way; the runner bounds the process. */
  readonly maxInFlight: number
}

export async function aggregate(plan: CommitPlan, env: AggregateEnv): Promise<AggregateOutcome> {
  const { store, aggregator } = env
  const index = plan.indexBefore === null ? null : await readIndex(store, plan.indexBefore)
  if (plan.promote !== undefined) return promote(plan, plan.promote, index, env)
  const closed = index?.closed ?? []
  const output = new CommitOutput(store, plan.attempt)
  const runner = new GroupRunner(plan, env)
  const total = await JobTotal.read(store, plan.total, aggregator)
  const amendments =
    plan.amend === null
      ? await noAmendments(store, closed.at(-1)?.amended ?? null)
      : await new WindowAmender(plan, env, runner, output, total).amend(plan.amend, closed)

  const proof = new WindowProof(plan.rules)
  const closing = plan.close && (await closeWindow(plan, plan.close, amendments, { env, output, runner, total, proof }))
  const results = { count: output.digest.count, digest: output.digest.end() }
  const certificate = certificateOf(plan, proof, amendments.proofs, results)
  return {
    ...(await output.end()),
    total: await total.write(store, plan.attempt),
    closing,
    amended: amendments.entries,
    latePoints: amendments.points,
    certificate: await writeCertificate(store, plan.attempt, certificate),
  }
}

/** What an operator asked for: results of a replay, and what follows from them. */
async function promote(
  plan: CommitPlan,
  request: PromoteRequest,
  index: IndexChunk | null,
  env: AggregateEnv,
): Promise<AggregateOutcome> {
  if (index === null) throw new Error('there is nothing before the first commit that could be promoted')
  const { store, aggregator } = env
  const { partition } = plan.owner
  const mark = { by: request.who, partition, certificate: plan.certified.sequence + 1 }
  const output = new CommitOutput(store, plan.attempt, mark)
  const runner = new GroupRunner(plan, env)
  const total = await JobTotal.read(store, plan.total, aggregator)
  const { entries, outcome, states, proof } = await promoteWindows(plan, request, index, env, { runner, output, total })
  const results = { count: output.digest.count, digest: output.digest.end() }
  const empty = new WindowProof(plan.rules)
  const certificate = proof && certificateOf(plan, empty, [], results, proof)
  return {
    ...(await output.end()),
    total: await total.write(store, plan.attempt),
    closing: null,
    amended: entries,
    latePoints: 0,
    certificate: certificate && (await writeCertificate(store, plan.attempt, certificate)),
    promotion: { outcome, states },
  }
}

async function noAmendments(store: StateStore, amended: ChunkSet | null): Promise<Amendments> {
  return { entries: [], proofs: [], points: 0, states: statesOf(await amendedRows(store, amended)) }
}

interface Closing {
  readonly env: AggregateEnv
  readonly output: CommitOutput
  readonly runner: GroupRunner
  readonly total: JobTotal
  readonly proof: WindowProof
}

async function closeWindow(
  plan: CommitPlan,
  close: PlannedClose,
  amendments: Amendments,
  { env, output, runner, total, proof }: Closing,
): Promise<AggregateOutcome['closing']> {
  const { store } = env
  const states = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE)
  let statesDropped = 0
  const keep = async (row: StateRow): Promise<void> => {
    if (isIdle(row, close.windowStart, plan.rules)) statesDropped++
    else await states.add(row as unknown as Json)
  }
  const priors = replacing(rowsOf<StateRow>(pages(store, plan.states)), amendments.states)
  for await (const [{ prior, task }, outcome] of runner.run(closeTasks(pages(store, close.accs), priors, close))) {
    if (task === null || outcome === null) {
      await keep(prior as StateRow)
      continue
    }
    await output.add(outcome.result)
    proof.add(task.window, outcome.result)
    if (outcome.result.reason !== 'quarantined') total.add({ value: task.window.accumulator })
    const after = stateAfter(outcome, prior)
    if (after !== null) await keep(after)
  }
  const { vmWindows, received, reason, vmWindowsByReason, points } = proof
  return { states: await states.end(), vmWindows, received, reason, vmWindowsByReason, statesDropped, points }
}

async function* pages(store: StateStore, set: ChunkSet | null): AsyncGenerator<Json[]> {
  if (set !== null) yield* readPages(store, set)
}
