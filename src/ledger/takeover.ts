/**
 * Takes a partition over, and announces the owner's next commit. Each operation is a read and one compare-and-swap. If the
 * answer to the write is lost, the next read shows whether it took effect.
 */
import { WindrowError } from '../errors/index.ts'
import type { StateStore } from '../ports/index.ts'
import { attemptId, ledgerKey } from './attempt-id.ts'
import {
  emptyLedger,
  encodeLedger,
  isOwnedBy,
  lostPartition,
  MAX_ABANDONED,
  readLedger,
  type AbandonedAttempt,
  type Intent,
  type Ledger,
  type StoredLedger,
} from './ledger.ts'

/** The owner of a partition. The token distinguishes two processors that raised the epoch at the same time. */
export interface Owner {
  readonly job: string
  readonly partition: number
  readonly epoch: number
  readonly token: string
}

export interface Takeover {
  readonly owner: Owner
  readonly ledger: Ledger
  /** What the previous owner was about to commit. The new owner must make the same decision at the same cut. */
  readonly intent: Intent | null
}

/**
 * Raises the epoch, which fences every earlier owner. `firstOffset` is where a partition without a ledger begins. The intent
 * of the previous owner is returned; the next intent turns it into an abandoned attempt.
 */
export async function takeOver(
  store: StateStore,
  job: string,
  partition: number,
  token: string,
  firstOffset: number,
): Promise<Takeover> {
  const key = ledgerKey(job, partition)
  for (;;) {
    const found = await readLedger(store, job, partition)
    // An earlier iteration, or an earlier call whose answer was lost, has written the token already.
    if (found?.ledger.token === token) return takeoverOf(found.ledger)
    const before = found?.ledger ?? emptyLedger(job, partition, firstOffset)
    const after: Ledger = { ...before, epoch: before.epoch + 1, token }
    if (found === null) {
      if ((await store.insert(key, encodeLedger(after))) === 'inserted') return takeoverOf(after)
    } else if ((await store.swap(key, encodeLedger(after), found.etag)) === 'swapped') {
      return takeoverOf(after)
    }
  }
}

function takeoverOf(ledger: Ledger): Takeover {
  const { job, partition, epoch, token, intent } = ledger
  return { owner: { job, partition, epoch, token }, ledger, intent }
}

/** Reads the ledger for its owner. Throws PARTITION_LOST if the partition has another owner, LEDGER_GONE without a ledger. */
export async function readOwnLedger(store: StateStore, owner: Owner): Promise<StoredLedger> {
  const found = await readLedger(store, owner.job, owner.partition)
  if (found === null) {
    throw new WindrowError(`the ledger of partition ${owner.partition} of job ${owner.job} is missing`, {
      code: 'LEDGER_GONE',
    })
  }
  if (!isOwnedBy(found.ledger, owner)) throw lostPartition(owner.job, owner.partition, owner.epoch)
  return found
}

/**
 * Changes the owner's ledger. On a conflict it reads the ledger again, so it fails only if the owner lost the partition.
 * `known` is the ledger as the owner read it last; with it, the first try needs no read.
 */
export async function updateOwnLedger(
  store: StateStore,
  owner: Owner,
  change: (ledger: Ledger) => Ledger,
  known: StoredLedger | null = null,
): Promise<Ledger> {
  for (let next = known; ; next = null) {
    const found = next ?? (await readOwnLedger(store, owner))
    const after = change(found.ledger)
    if (after === found.ledger) return after
    if ((await store.swap(ledgerKey(owner.job, owner.partition), encodeLedger(after), found.etag)) === 'swapped')
      return after
  }
}

/** The intent of a commit that has no attempt yet. */
export type Proposal = Omit<Intent, 'attempt' | 'commit' | 'epoch'>

/** Abandoned attempts that would be evicted by the next intent. The caller must sweep them before proposing it. */
export function evictedBy(ledger: Ledger, owner: Owner): readonly AbandonedAttempt[] {
  const { intent, abandoned } = ledger
  if (intent === null || intent.attempt === attemptId({ ...owner, commit: ledger.commit + 1 })) return []
  return abandoned.slice(0, Math.max(0, abandoned.length + 1 - MAX_ABANDONED))
}

/**
 * Writes the intent for the commit after `commitBefore`. If it replaces an intent of an earlier epoch, that attempt is
 * recorded as abandoned, since its chunks exist and its stragglers may still write.
 */
export async function proposeIntent(
  store: StateStore,
  owner: Owner,
  commitBefore: number,
  proposal: Proposal,
  published: Ledger['published'],
  known: StoredLedger | null = null,
): Promise<{ intent: Intent; ledger: Ledger }> {
  const origin = { ...owner, commit: commitBefore + 1 }
  const intent: Intent = { attempt: attemptId(origin), commit: origin.commit, epoch: owner.epoch, ...proposal }
  const announce = (before: Ledger): Ledger => {
    if (before.commit !== commitBefore) throw lostPartition(owner.job, owner.partition, owner.epoch)
    if (before.intent?.attempt === intent.attempt) return before
    const abandoned = before.intent === null ? before.abandoned : [...before.abandoned, abandonedBy(before.intent)]
    return { ...before, intent, published, abandoned: abandoned.slice(-MAX_ABANDONED) }
  }
  const ledger = await updateOwnLedger(store, owner, announce, known)
  return { intent, ledger }
}

function abandonedBy(intent: Intent): AbandonedAttempt {
  return { attempt: intent.attempt, pages: intent.pages }
}
