/**
 * Publishing: what the ledger says is committed goes out in order, each commit once. Opening a publisher shuts out every
 * earlier one; the marker that travels with each batch says how far publishing got; the ledger says how far it may go.
 */
import { canonicalJson } from '../core/json.ts'
import type { DeadLetterReason } from '../core/fate.ts'
import { WindrowError } from '../errors/index.ts'
import { readRows } from '../ledger/chunks.ts'
import { keysOf, type Outbox } from '../ledger/index-chunk.ts'
import type { EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { OutboxBatch, PublishedMarker, AtomicPublisher, StateStore } from '../ports/index.ts'
import { resultLine } from '../ledger/result-line.ts'
import { isRetryable } from '../retry/retry.ts'
import { createBackoff } from './retrying.ts'
import { assertOwned, type Session } from './session.ts'
import { stepped } from '../ports/steps.ts'

type Published = PipelineEvent & { readonly kind: 'published' }

const NOTHING_PUBLISHED: PublishedMarker = { commit: 0, digest: '' }

/**
 * Publishes all that is committed and not published. After an error everything is asked again, from a new publisher.
 * `lastWindow` is the window that the last commit closed; `null` if it closed none or is another owner's.
 */
export async function publishOutstanding(session: Session, lastWindow: EpochMs | null = null): Promise<void> {
  const { env, partition, signal } = session
  const backoff = createBackoff(env, partition, signal, lastWindow)
  for (;;) {
    try {
      session.publisher ??= await stepped(
        env.observe,
        'open-publisher',
        { partition, window: null, commit: session.ledger.commit },
        () => openPublisher(session),
      )
      const { publisher } = session
      for (const outbox of session.index?.outboxes ?? []) {
        if (outbox.marker.commit <= session.published.commit) continue
        const startedMs = env.clock.nowMs()
        const { batch, deadLettersByReason } = await readOutbox(env.store, outbox)
        const { commit } = outbox.marker
        const window = commit === session.ledger.commit ? lastWindow : null
        await stepped(env.observe, 'publish', { partition, window, commit }, () => publisher.publish(batch))
        session.published = outbox.marker
        const { results, deadLetters } = batch
        env.observe({
          kind: 'published',
          partition,
          window,
          commit,
          results: results.length,
          deadLetters: deadLetters.length,
          deadLettersByReason,
          elapsedMs: env.clock.nowMs() - startedMs,
        })
      }
      return
    } catch (error) {
      await discardPublisher(session)
      if (!isRetryable(error)) throw error
      await backoff.pauseAfter(error, 'publishing')
    }
  }
}

/** The publisher first, the ledger after it: once older publishers are shut out, a ledger that is ours stays ours to publish. */
async function openPublisher(session: Session): Promise<AtomicPublisher> {
  const publisher = await session.env.publishers.open(session.partition)
  try {
    await assertOwned(session)
    session.published = checkMarker(session, publisher.marker ?? NOTHING_PUBLISHED)
    return publisher
  } catch (error) {
    await publisher.close()
    throw error
  }
}

export async function discardPublisher(session: Session): Promise<void> {
  const { publisher } = session
  session.publisher = null
  await publisher?.close()
}

/** What is published must be in the ledger, and must be the same (I4). */
function checkMarker(session: Session, marker: PublishedMarker): PublishedMarker {
  const { ledger, index, partition } = session
  const where = `partition ${partition} of job ${ledger.job}`
  if (marker.commit > ledger.commit) {
    throw new WindrowError(
      `${where}: commit ${marker.commit} is published, but the ledger knows only ${ledger.commit}`,
      {
        code: 'STATE_BEHIND',
        remedy:
          'The state store went back in time, or the results belong to another data folder: restore the state, or publish elsewhere.',
      },
    )
  }
  if (marker.commit < ledger.published.commit) {
    throw new WindrowError(
      `${where}: the ledger knows that commit ${ledger.published.commit} was published, but only ${marker.commit} is`,
      {
        code: 'RESULTS_BEHIND',
        remedy: 'The published results went back in time: restore them, or compute them again under another job name.',
      },
    )
  }
  const known = [
    ledger.published,
    { commit: ledger.commit, digest: ledger.digest },
    ...(index?.outboxes ?? []).map((one) => one.marker),
  ]
  if (!known.some((one) => one.commit === marker.commit && one.digest === marker.digest)) {
    throw new WindrowError(`${where}: what is published as commit ${marker.commit} is not what the ledger committed`, {
      code: 'STATE_BEHIND',
      remedy:
        'The results belong to another state of this job: restore the state that made them, or publish elsewhere.',
    })
  }
  return marker
}

async function readOutbox(
  store: StateStore,
  outbox: Outbox,
): Promise<{ readonly batch: OutboxBatch; readonly deadLettersByReason: Published['deadLettersByReason'] }> {
  const results = await readRows(store, outbox.results)
  const deadLetters = (await Promise.all(outbox.deadLetters.map((set) => readRows(store, set)))).flat()
  const certificates = await readRows(store, outbox.certificate)
  const deadLettersByReason: { [Reason in DeadLetterReason]?: number } = {}
  for (const { reason } of deadLetters) {
    deadLettersByReason[reason] = (deadLettersByReason[reason] ?? 0) + 1
  }
  const { marker, resumeOffset } = outbox
  const batch = {
    marker,
    resumeOffset,
    results: results.map(resultLine),
    deadLetters: deadLetters.map((row) => canonicalJson(row)),
    certificates: certificates.map((row) => canonicalJson(row)),
  }
  return { batch, deadLettersByReason }
}

/** Deletes what the published commit superseded. A failure costs space, not correctness: the next commit carries it on. */
export async function sweep(session: Session): Promise<void> {
  const { env, index, partition } = session
  if (index === null || session.published.commit < index.commit) return
  try {
    await stepped(env.observe, 'sweep', { partition, window: null, commit: index.commit }, () =>
      env.store.delete(keysOf(index.garbage)),
    )
    session.sweptCommit = index.commit
  } catch (error) {
    if (!isRetryable(error)) throw error
    env.observe({ kind: 'sweep-failed', partition, window: null, reason: String(error) })
  }
}
