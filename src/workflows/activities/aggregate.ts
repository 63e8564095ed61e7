/**
 * The activity `aggregate`: everything that a commit computes. It reads the chunks that the plan names, amends closed windows
 * by what came late, closes the VM windows of the partition window with one `vm-window` workflow per group of VM windows,
 * and writes states, results and the certificate as chunks.
 *
 * Running it twice is safe: the workflows are pure and chunks are insert-only, so the second run finds what the first wrote.
 */
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { WindowProof } from '../../core/window-proof.ts'
import type { StateRow } from '../../ledger/chunk-rows.ts'
import { eachRow, PageWriter, type ChunkSet } from '../../ledger/chunks.ts'
import { readIndex, type IndexChunk } from '../../ledger/index-chunk.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { amendedRows } from '../../ledger/window-rows.ts'
import type { StateStore } from '../../ports/index.ts'
import type { AggregateOutcome, CommitPlan, PlannedClose } from '../plan.ts'
import { statesOf, WindowAmender, type AmendedWindows } from './amend-windows.ts'
import { openAttempt, type AggregateEnv, type AttemptContext } from './attempt-context.ts'
import { certificateOf, writeCertificate } from './certify.ts'
import { closeTasks } from './close-tasks.ts'
import { promoteWindows } from './promote-windows.ts'
import { isIdle, replacing, stateAfter } from './vm-states.ts'

export async function aggregate(plan: CommitPlan, env: AggregateEnv): Promise<AggregateOutcome> {
  const { store } = env
  const index = plan.indexBefore === null ? null : await readIndex(store, plan.indexBefore)
  if (plan.promote !== undefined) return promote(plan, plan.promote, index, env)
  const closed = index?.closed ?? []
  const attempt = await openAttempt(plan, env)
  const { output, total } = attempt
  const amendments =
    plan.amend === null
      ? await noAmendments(store, closed.at(-1)?.amended ?? null)
      : await new WindowAmender(attempt).amend(plan.amend, closed)

  const proof = new WindowProof(plan.rules)
  const closing = plan.close && (await closeWindow(plan.close, amendments.states, attempt, proof))
  const results = { count: output.digest.count, digest: output.digest.end() }
  const certificate = certificateOf(plan, proof, amendments.proofs, results)
  // Requested together, so that a store can write them with one call.
  const [published, totalSet, states, certified] = await Promise.all([
    output.end(),
    total.write(store, plan.attempt),
    closing?.states.end(),
    writeCertificate(store, plan.attempt, certificate),
  ])
  return {
    ...published,
    total: totalSet,
    closing: closing === null || states === undefined ? null : { ...closing.facts, states },
    amended: amendments.entries,
    latePoints: amendments.points,
    certificate: certified,
  }
}

/** Carries out an operator's request to promote the results of a replay. Such a commit closes and amends nothing. */
async function promote(
  plan: CommitPlan,
  request: PromoteRequest,
  index: IndexChunk | null,
  env: AggregateEnv,
): Promise<AggregateOutcome> {
  if (index === null) throw new Error('a promotion needs an earlier commit, and this is the first one')
  const { partition } = plan.owner
  const mark = { by: request.who, partition, certificate: plan.certified.sequence + 1 }
  const attempt = await openAttempt(plan, env, mark)
  const { store, output, total } = attempt
  const { entries, outcome, states, proof } = await promoteWindows(request, index, attempt)
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

async function noAmendments(store: StateStore, amended: ChunkSet<'amended'> | null): Promise<AmendedWindows> {
  return { entries: [], proofs: [], points: 0, states: statesOf(await amendedRows(store, amended)) }
}

/** What the closing of a window has computed. The last page of its states is not written yet. */
interface ComputedClose {
  readonly states: PageWriter<'states'>
  readonly facts: Omit<NonNullable<AggregateOutcome['closing']>, 'states'>
}

/** `changedStates`: VM states after the last closed window that differ from the stored ones. */
async function closeWindow(
  close: PlannedClose,
  changedStates: AmendedWindows['states'],
  { plan, store, output, runner, total }: AttemptContext,
  proof: WindowProof,
): Promise<ComputedClose> {
  const states = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE)
  let statesDropped = 0
  const keep = async (row: StateRow): Promise<void> => {
    if (isIdle(row, close.windowStart, plan.rules)) statesDropped++
    else await states.add(row)
  }
  const priors = replacing(eachRow(store, plan.states), changedStates)
  for await (const [{ prior, task }, outcome] of runner.run(closeTasks(eachRow(store, close.accs), priors, close))) {
    if (task === null || outcome === null) {
      await keep(prior as StateRow)
      continue
    }
    await output.add(outcome.result)
    proof.add(task.window, outcome.result)
    if (outcome.result.reason !== 'quarantined') total.addWindow(task, task.window)
    const after = stateAfter(outcome, prior)
    if (after !== null) await keep(after)
  }
  const { vmWindows, received, reason, vmWindowsByReason, points } = proof
  return { states, facts: { vmWindows, received, reason, vmWindowsByReason, statesDropped, points } }
}
