/** One ownership of one partition: what the owner knows of ledger, index and publishing, from takeover to the end. */
import type { EpochMs } from '../core/point.ts'
import { readIndex, type IndexChunk } from '../ledger/index-chunk.ts'
import { lostPartition, readLedger, type Intent, type Ledger, type StoredLedger } from '../ledger/ledger.ts'
import { takeOver, updateOwnLedger, type Owner } from '../ledger/takeover.ts'
import type { PipelineEnv } from './env.ts'
import type { AtomicPublisher, PublishedMarker } from '../ports/index.ts'
import { retrying } from './retrying.ts'

export interface Session {
  readonly env: PipelineEnv
  readonly partition: number
  readonly signal: AbortSignal
  owner: Owner
  ledger: Ledger
  /** The ledger with its ETag, as the owner read it last. It is current only while it is that of `ledger`. */
  lastRead: StoredLedger | null
  /** The index of `ledger.commit`; `null` before the first commit. */
  index: IndexChunk | null
  /** Versions of the open windows that the index contains. */
  readonly committedVersions: Map<EpochMs, number>
  /** The same for what late points changed in remembered windows. */
  readonly committedContents: Map<EpochMs, number>
  /** What the previous owner was about to commit at the takeover. */
  readonly intent: Intent | null
  /** One publisher per sink; `null` until they are opened, and after an error. */
  publishers: readonly SinkPublisher[] | null
  /** The last commit that all sinks have published. */
  published: PublishedMarker
  /** The commit whose garbage has been deleted. */
  sweptCommit: number
}

/** A sink's publisher of the session's partition. */
export interface SinkPublisher {
  readonly publisher: AtomicPublisher
  /** The last commit that the sink has published. */
  published: PublishedMarker
}

/** Takes the partition over. `firstOffset` is called only if the partition has no ledger yet. */
export async function openSession(
  env: PipelineEnv,
  partition: number,
  signal: AbortSignal,
  firstOffset: () => Promise<number>,
): Promise<Session> {
  return retrying(env, partition, signal, 'taking over', async () => {
    const known = await readLedger(env.store, env.job, partition)
    const begin = known === null ? await firstOffset() : known.ledger.resumeOffset
    const { owner, ledger, intent } = await takeOver(env.store, env.job, partition, env.newToken(), begin)
    env.observe({
      kind: 'taken-over',
      partition,
      window: null,
      epoch: owner.epoch,
      commit: ledger.commit,
      resumeOffset: ledger.resumeOffset,
      counts: ledger.counts,
    })
    return {
      env,
      partition,
      signal,
      owner,
      ledger,
      lastRead: null,
      index: null,
      committedVersions: new Map(),
      committedContents: new Map(),
      intent,
      publishers: null,
      published: ledger.published,
      // Unknown after a takeover, so assume nothing was swept. Deleting garbage twice is harmless; forgetting it is not.
      sweptCommit: 0,
    }
  })
}

/** Reads the index that the session's ledger names. This is not part of the takeover, since it may fail on its own. */
export async function loadIndex(session: Session): Promise<void> {
  const { env, partition, signal, ledger } = session
  const at = ledger.index
  if (at === null) return
  session.index = await retrying(env, partition, signal, 'reading the index', () => readIndex(env.store, at))
  for (const { window } of session.index.open) session.committedVersions.set(window, 0)
}

/**
 * Raises the epoch of a partition that this session still owns. Called before a commit is retried, so that stragglers of the
 * attempt before are fenced. Throws PARTITION_LOST if another owner has taken the partition over.
 */
export async function renewEpoch(session: Session, token: string): Promise<void> {
  const { env, owner } = session
  const renewed = { ...owner, epoch: owner.epoch + 1, token }
  const found = await readLedger(env.store, owner.job, owner.partition)
  // An earlier call, whose answer was lost, has written the token already.
  if (found?.ledger.token === token) session.ledger = found.ledger
  else
    session.ledger = await updateOwnLedger(env.store, owner, (ledger) => ({ ...ledger, epoch: renewed.epoch, token }))
  session.owner = renewed
  env.observe({
    kind: 'taken-over',
    partition: owner.partition,
    window: null,
    epoch: renewed.epoch,
    commit: session.ledger.commit,
    resumeOffset: session.ledger.resumeOffset,
    counts: session.ledger.counts,
  })
}

/** Throws PARTITION_LOST unless this session still owns the partition. */
export async function assertOwned(session: Session): Promise<void> {
  const { env, owner } = session
  const found = await readLedger(env.store, owner.job, owner.partition)
  if (found?.ledger.token !== owner.token) throw lostPartition(owner.job, owner.partition, owner.epoch)
}
