/**
 * The activity `commit`: the single write that makes a commit take effect. It swaps the ledger from commit n - 1 to n if, and
 * only if, the ledger still announces this attempt under the current epoch.
 *
 * Running it twice is safe: the second run finds the commit of the first in the ledger and returns it.
 */
import { canonicalJson } from '../../core/json.ts'
import { isBalanced, withAllFates } from '../../core/fate.ts'
import { WindrowError } from '../../errors/index.ts'
import { ledgerKey } from '../../ledger/attempt-id.ts'
import { textDigest } from '../../ledger/text-digest.ts'
import { nextIndex, readIndex, writeIndex, type IndexStep } from '../../ledger/index-chunk.ts'
import { encodeLedger, isOwnedBy, lostPartition, readLedger, type Ledger } from '../../ledger/ledger.ts'
import type { StateStore } from '../../ports/index.ts'
import type { AggregateOutcome, CommitPlan, CommitRequest, PlannedClose } from '../plan.ts'

export async function commit(request: CommitRequest, store: StateStore): Promise<{ commit: number }> {
  const { plan, outcome } = request
  const { owner } = plan
  if (!isBalanced(withAllFates(plan.counts))) throw unbalanced(plan)
  for (;;) {
    const found = await readLedger(store, owner.job, owner.partition)
    if (found === null) throw lostPartition(owner.job, owner.partition, owner.epoch)
    const { ledger, etag } = found
    if (ledger.index?.attempt === plan.attempt) return { commit: plan.commit }
    if (!isOwnedBy(ledger, owner) || ledger.intent?.attempt !== plan.attempt) {
      throw lostPartition(owner.job, owner.partition, owner.epoch)
    }
    const before = plan.indexBefore === null ? null : await readIndex(store, plan.indexBefore)
    const digest = commitDigest(plan, outcome)
    const index = await writeIndex(
      store,
      plan.attempt,
      nextIndex(before, plan.indexBefore, stepOf(plan, outcome, digest)),
    )
    const after = committed(ledger, request, digest, index)
    if ((await store.swap(ledgerKey(owner.job, owner.partition), encodeLedger(after), etag)) === 'swapped') {
      return { commit: plan.commit }
    }
  }
}

function committed(ledger: Ledger, { plan, outcome }: CommitRequest, digest: string, indexDigest: string): Ledger {
  return {
    ...ledger,
    commit: plan.commit,
    digest,
    resumeOffset: plan.cut + 1,
    lastRecord: plan.lastRecord,
    certified: outcome?.certificate?.head ?? ledger.certified,
    watermark: plan.watermark,
    closedThrough: plan.closedThrough,
    counts: plan.counts,
    intent: null,
    index: { attempt: plan.attempt, digest: indexDigest },
    abandoned: ledger.abandoned.filter((one) => !plan.abandoned.some((noted) => noted.attempt === one.attempt)),
  }
}

/** The digest of a commit. It covers the digest of the commit before and everything that this commit decides. */
function commitDigest(plan: CommitPlan, outcome: AggregateOutcome | null): string {
  const { commit, digestBefore, cut, watermark, closedThrough, counts, close } = plan
  const open = plan.open.map((one) => one.set)
  const sets = [
    ...open,
    plan.roster,
    ...(plan.contents ?? []).flatMap((one) => [one.whole, one.amended]),
    plan.dead,
    plan.late,
    plan.amend?.late,
    outcome?.closing?.states,
    ...(outcome?.amended ?? []).map((entry) => entry.amended),
    outcome?.results,
    outcome?.quarantined,
    outcome?.total,
    outcome?.certificate?.set,
    ...(outcome?.promotion === undefined ? [] : [outcome.promotion.states]),
  ]
  const decided = {
    commit,
    digestBefore,
    cut,
    watermark,
    closedThrough,
    counts: { ...counts },
    trigger: close?.trigger ?? null,
    sets: sets.map((set) => set?.digests ?? []),
  }
  return textDigest(canonicalJson(decided))
}

function stepOf(plan: CommitPlan, outcome: AggregateOutcome | null, digest: string): IndexStep {
  const { close } = plan
  return {
    attempt: plan.attempt,
    commit: plan.commit,
    digest,
    resumeOffset: plan.cut + 1,
    open: plan.open,
    roster: plan.roster,
    contents: plan.contents ?? [],
    findings: plan.findings,
    deadLetters: [plan.dead, outcome?.quarantined].flatMap((set) => (set === undefined || set.rows === 0 ? [] : [set])),
    late: plan.late,
    amendedLate: plan.amend?.late ?? null,
    results: outcome?.results ?? null,
    // An `aggregate` of an earlier version, still in flight during an upgrade, does not count them.
    revisions: outcome?.revisions ?? 0,
    total: outcome?.total ?? null,
    amended: outcome?.amended ?? [],
    states: outcome?.promotion?.states ?? null,
    promotion: outcome?.promotion?.outcome ?? null,
    closing: close === null ? null : closingOf(close, plan.vmsPerWorkflow, outcome),
    certificate: outcome?.certificate ?? null,
    publishedCommit: plan.publishedCommit,
    sweptCommit: plan.sweptCommit,
    abandoned: plan.abandoned,
    rememberWindows: plan.rules.amendWindows,
  }
}

function closingOf(
  close: PlannedClose,
  vmsPerWorkflow: number,
  outcome: AggregateOutcome | null,
): IndexStep['closing'] {
  if (outcome === null || outcome.closing === null) return null
  const { states, reason, statesDropped, vmWindowsByReason, points } = outcome.closing
  const quarantined = outcome.quarantined.rows > 0 ? outcome.quarantined : null
  const { windowStart: window, trigger, accs } = close
  return {
    window,
    trigger,
    accs,
    states,
    quarantined,
    reason,
    statesDropped,
    vmsPerWorkflow,
    vmWindowsByReason,
    points,
  }
}

function unbalanced(plan: CommitPlan): WindrowError {
  return new WindrowError(`the counts of attempt ${plan.attempt} do not add up: ${JSON.stringify(plan.counts)}`, {
    code: 'COUNTS_DIFFER',
  })
}
