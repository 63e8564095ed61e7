/**
 * The activity `aggregate`: everything that a commit computes. It reads the chunks that the plan names, amends closed windows
 * by what came late, closes the VM windows of each partition window with one `vm-window` workflow per group of VM windows,
 * and writes states, results and certificates as chunks.
 *
 * Running it twice is safe: the workflows are pure and chunks are insert-only, so the second run finds what the first wrote.
 */
import { OUTPUT_ROWS_PER_PAGE } from '../../core/payload-bound.ts'
import { WindowProof } from '../../core/window-proof.ts'
import { eachRow, PageWriter, type ChunkSet } from '../../ledger/chunks.ts'
import { readIndex, type IndexChunk } from '../../ledger/index-chunk.ts'
import type { PromoteRequest } from '../../ledger/requests.ts'
import { amendedRows } from '../../ledger/window-rows.ts'
import type { StateStore } from '../../ports/index.ts'
import type { AggregateOutcome, CommitPlan } from '../plan.ts'
import { statesOf, WindowAmender, type AmendedWindows } from './amend-windows.ts'
import { openAttempt, type AggregateEnv } from './attempt-context.ts'
import { certificateOf, writeCertificate } from './certify.ts'
import { closePartitionWindow } from './close-window.ts'
import { EarlierWindows } from './earlier-windows.ts'
import { promoteWindows } from './promote-windows.ts'
import { replacing } from './vm-states.ts'

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

  const earlier = new EarlierWindows(attempt)
  let priors = await earlier.computeAhead(replacing(eachRow(store, plan.states), amendments.states))
  for (const one of plan.earlier ?? []) priors = await earlier.close(one, priors)
  const proof = new WindowProof(plan.rules)
  const states = new PageWriter(store, plan.attempt, 'states', OUTPUT_ROWS_PER_PAGE, earlier.nextStatesPage)
  const closing =
    plan.close && (await closePartitionWindow(plan.close, priors, attempt, proof, (row) => states.add(row)))
  const { results, quarantined } = output.certify()
  const cut = { ...plan, certified: earlier.certified }
  const certificate = certificateOf(cut, proof, amendments.proofs, results)
  // Requested together, so that a store can write them with one call.
  const [published, refused, totalSet, statesSet, certified, earlierOutcomes] = await Promise.all([
    output.end(),
    quarantined.end(),
    total.write(store, plan.attempt),
    closing && states.end(),
    writeCertificate(store, plan.attempt, certificate, plan.earlier?.length),
    earlier.end(),
  ])
  return {
    ...published,
    quarantined: refused,
    total: totalSet,
    closing: closing === null || statesSet === null ? null : { ...closing, states: statesSet },
    ...(earlierOutcomes.length === 0 ? {} : { earlier: earlierOutcomes }),
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
  const { results, quarantined } = output.certify()
  const empty = new WindowProof(plan.rules)
  const certificate = proof && certificateOf(plan, empty, [], results, proof)
  return {
    ...(await output.end()),
    quarantined: await quarantined.end(),
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
