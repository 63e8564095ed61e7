/**
 * The activity `commit`: the single write that makes a commit take effect. It swaps the ledger from commit n - 1 to n if, and
 * only if, the ledger still announces this attempt under the current epoch.
 *
 * Running it twice is safe: the second run finds the commit of the first in the ledger and returns it.
 */
import { canonicalJson } from '../../core/json.ts'
import { isBalanced, withAllFates, type FateCounts } from '../../core/fate.ts'
import { WindrowError } from '../../errors/index.ts'
import { ledgerKey } from '../../ledger/attempt-id.ts'
import type { ChunkSet } from '../../ledger/chunks.ts'
import { textDigest } from '../../ledger/text-digest.ts'
import { nextIndex, readIndex, writeIndex, type IndexStep } from '../../ledger/index-chunk.ts'
import { encodeLedger, isOwnedBy, lostPartition, readLedger, type Ledger } from '../../ledger/ledger.ts'
import type { StateStore } from '../../ports/index.ts'
import type {
  AggregateOutcome,
  ClosingOutcome,
  CommitPlan,
  CommitRequest,
  EarlierClose,
  EarlierOutcome,
  PlannedClose,
} from '../plan.ts'

export async function commit(request: CommitRequest, store: StateStore): Promise<{ commit: number }> {
  const { plan, outcome } = request
  const { owner } = plan
  for (const { counts } of [...(plan.earlier ?? []), plan]) {
    if (!isBalanced(withAllFates(counts))) throw unbalanced(plan.attempt, counts)
  }
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
    ...(plan.earlier === undefined
      ? {}
      : { earlier: plan.earlier.map((one, i) => decidedBy(one, outcome?.earlier?.[i])) }),
  }
  return textDigest(canonicalJson(decided))
}

/** What the digest of the commit covers of a window that it closes before its last one. */
function decidedBy(
  { cut, watermark, closedThrough, counts, close, dead }: EarlierClose,
  outcome: EarlierOutcome | undefined,
): { readonly sets: readonly (readonly string[])[] } & Pick<EarlierClose, 'cut' | 'watermark' | 'closedThrough'> & {
    readonly counts: { readonly [fate: string]: number }
    readonly trigger: string
  } {
  const sets = [dead, outcome?.closing.states, outcome?.quarantined, outcome?.certificate.set]
  const decided = { cut, watermark, closedThrough, counts: { ...counts }, trigger: close.trigger }
  return { ...decided, sets: sets.map((set) => set?.digests ?? []) }
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
    deadLetters: deadLettersOf(plan, outcome),
    late: plan.late,
    amendedLate: plan.amend?.late ?? null,
    results: outcome?.results ?? null,
    // An `aggregate` of an earlier version, still in flight during an upgrade, does not count them.
    revisions: outcome?.revisions ?? 0,
    total: outcome?.total ?? null,
    amended: outcome?.amended ?? [],
    states: outcome?.promotion?.states ?? null,
    promotion: outcome?.promotion?.outcome ?? null,
    closing: close === null || outcome === null ? null : closingOf(close, plan.vmsPerWorkflow, outcome),
    ...(plan.earlier === undefined ? {} : { earlier: earlierOf(plan, plan.earlier, outcome) }),
    certificate: outcome?.certificate ?? null,
    publishedCommit: plan.publishedCommit,
    sweptCommit: plan.sweptCommit,
    abandoned: plan.abandoned,
    rememberWindows: plan.rules.amendWindows,
  }
}

/** In the order in which the windows closed: records that were refused before a cut, then its VM windows in quarantine. */
function deadLettersOf({ earlier = [], dead }: CommitPlan, outcome: AggregateOutcome | null): IndexStep['deadLetters'] {
  const before = earlier.flatMap((one, i) => [one.dead, outcome?.earlier?.[i]?.quarantined])
  return [...before, dead, outcome?.quarantined].flatMap((set) => (set === undefined || set.rows === 0 ? [] : [set]))
}

function earlierOf(
  { attempt, vmsPerWorkflow }: CommitPlan,
  earlier: readonly EarlierClose[],
  outcome: AggregateOutcome | null,
): NonNullable<IndexStep['earlier']> {
  return earlier.map(({ close }, i) => {
    const computed = outcome?.earlier?.[i]
    const closing = computed && closingOf(close, vmsPerWorkflow, computed)
    if (computed === undefined || closing === undefined || closing === null) {
      throw new Error(`attempt ${attempt} has computed nothing for the window ${close.windowStart}`)
    }
    return { closing, certificate: computed.certificate }
  })
}

function closingOf<States extends ChunkSet<'states'> | null>(
  close: PlannedClose,
  vmsPerWorkflow: number,
  outcome: {
    readonly closing: (Omit<ClosingOutcome, 'states'> & { readonly states: States }) | null
    readonly quarantined: ChunkSet<'quarantined'>
  },
): (Omit<NonNullable<IndexStep['closing']>, 'states'> & { readonly states: States }) | null {
  if (outcome.closing === null) return null
  const { states, reason, statesDropped, vmWindowsByReason, points } = outcome.closing
  const quarantined = outcome.quarantined.rows > 0 ? outcome.quarantined : null
  const { windowStart: window, trigger, accs } = close
  const counted = { reason, statesDropped, vmsPerWorkflow, vmWindowsByReason, points }
  return { window, trigger, accs, states, quarantined, ...counted }
}

function unbalanced(attempt: string, counts: FateCounts): WindrowError {
  return new WindrowError(`the counts of attempt ${attempt} do not add up: ${JSON.stringify(counts)}`, {
    code: 'COUNTS_DIFFER',
  })
}
