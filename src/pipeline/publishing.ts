/**
 * Publishing: sends what the ledger has committed to every sink, in order, each commit once per sink. Opening a publisher
 * fences earlier ones. The marker that is stored with each batch says how far a sink has got; the ledger says how far it
 * may go.
 */
import { canonicalJson } from '../core/json.ts'
import type { DeadLetterReason } from '../core/fate.ts'
import { WindrowError } from '../errors/index.ts'
import { readRows } from '../ledger/chunks.ts'
import { keysOf, type Outbox } from '../ledger/index-chunk.ts'
import type { EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { AtomicPublisher, OutboxBatch, PublishedMarker, Sink, StateStore } from '../ports/index.ts'
import { resultLine } from '../ledger/result-line.ts'
import { isRetryable } from '../retry/retry.ts'
import { createBackoff } from './retrying.ts'
import { assertOwned, type Session, type SinkPublisher } from './session.ts'
import { publishersOf } from './stored-marker.ts'
import { stepped } from '../ports/steps.ts'

type Published = PipelineEvent & { readonly kind: 'published' }

const NOTHING_PUBLISHED: PublishedMarker = { commit: 0, digest: '' }

/**
 * Publishes every commit that some sink lacks. After a retryable error it starts again with new publishers. `closed`
 * are the windows that the last commit closed, in order; none if another owner made it.
 */
export async function publishOutstanding(session: Session, closed: readonly EpochMs[] = []): Promise<void> {
  const { env, partition, signal } = session
  const backoff = createBackoff(env, partition, signal, closed.at(-1) ?? null)
  for (;;) {
    try {
      const place = { partition, window: null, commit: session.ledger.commit }
      session.publishers ??= await stepped(env.observe, 'open-publisher', place, () => openPublishers(session))
      for (const outbox of session.index?.outboxes ?? []) {
        const { commit } = outbox.marker
        if (commit <= session.published.commit) continue
        await publish(session, session.publishers, outbox, commit === session.ledger.commit ? closed : [])
      }
      return
    } catch (error) {
      await discardPublishers(session)
      if (!isRetryable(error)) throw error
      await backoff.pauseAfter(error, 'publishing')
    }
  }
}

/**
 * Opens the publishers first and reads the ledger after that: once earlier publishers are fenced, a ledger that is still
 * ours stays ours to publish.
 */
async function openPublishers(session: Session): Promise<readonly SinkPublisher[]> {
  const { env, partition } = session
  const opened: { readonly sink: Sink; readonly publisher: AtomicPublisher }[] = []
  try {
    for (const sink of env.sinks) {
      opened.push({ sink, publisher: await publishersOf(sink, env.store, env.job).open(partition) })
    }
    await assertOwned(session)
    const publishers = opened.map(({ sink, publisher }) => ({
      publisher,
      published: checkMarker(session, sink, publisher.marker ?? NOTHING_PUBLISHED),
    }))
    session.published = lowestOf(publishers)
    return publishers
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

export async function discardPublishers(session: Session): Promise<void> {
  const { publishers } = session
  session.publishers = null
  await closeAll(publishers ?? [])
}

async function closeAll(publishers: readonly { readonly publisher: AtomicPublisher }[]): Promise<void> {
  await Promise.all(publishers.map(({ publisher }) => publisher.close()))
}

/** A commit counts as published once every sink has it. */
function lowestOf(publishers: readonly SinkPublisher[]): PublishedMarker {
  return publishers.map(({ published }) => published).reduce((a, b) => (b.commit < a.commit ? b : a))
}

async function publish(
  session: Session,
  publishers: readonly SinkPublisher[],
  outbox: Outbox,
  closed: readonly EpochMs[],
): Promise<void> {
  const { env, partition } = session
  const earlier = closed.slice(0, -1)
  const window = closed.at(-1) ?? null
  const startedMs = env.clock.nowMs()
  const { batch, deadLettersByReason } = await readOutbox(env.store, outbox)
  const { commit } = outbox.marker
  await stepped(env.observe, 'publish', { partition, window, commit }, () => publishToAll(publishers, batch))
  session.published = outbox.marker
  env.observe({
    kind: 'published',
    partition,
    window,
    ...(earlier.length === 0 ? {} : { earlier }),
    commit,
    results: batch.results.length,
    deadLetters: batch.deadLetters.length,
    deadLettersByReason,
    elapsedMs: env.clock.nowMs() - startedMs,
  })
}

/** Publishes to all sinks that lack the batch, concurrently. One failing sink does not keep the batch from the others. */
async function publishToAll(publishers: readonly SinkPublisher[], batch: OutboxBatch): Promise<void> {
  const lacking = publishers.filter(({ published }) => published.commit < batch.marker.commit)
  const outcomes = await Promise.allSettled(
    lacking.map(async (one) => {
      await one.publisher.publish(batch)
      one.published = batch.marker
    }),
  )
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as Error)
  const failure = failures.find((reason) => !isRetryable(reason)) ?? failures[0]
  if (failure !== undefined) throw failure
}

/** Every published commit must be in the ledger with the same digest (I4). */
function checkMarker(session: Session, { destination }: Sink, marker: PublishedMarker): PublishedMarker {
  const { ledger, index, partition } = session
  const where = `partition ${partition} of job ${ledger.job}, ${destination}`
  if (marker.commit > ledger.commit) {
    throw new WindrowError(
      `${where}: commit ${marker.commit} is published, but the ledger knows only ${ledger.commit}`,
      { code: 'STATE_BEHIND' },
    )
  }
  if (marker.commit < ledger.published.commit) {
    throw new WindrowError(
      `${where}: the ledger records commit ${ledger.published.commit} as published, but only ${marker.commit} is`,
      { code: 'RESULTS_BEHIND' },
    )
  }
  const committed = [
    ledger.published,
    { commit: ledger.commit, digest: ledger.digest },
    ...(index?.outboxes ?? []).map((one) => one.marker),
  ]
  if (!committed.some((one) => one.commit === marker.commit && one.digest === marker.digest)) {
    throw new WindrowError(
      `${where}: commit ${marker.commit} as published differs from commit ${marker.commit} in the ledger`,
      { code: 'STATE_BEHIND' },
    )
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

/** Number of pages that the next sweep deletes. */
export function unsweptPages({ index }: Session): number {
  return (index?.garbage ?? []).reduce((sum, one) => sum + one.pages, 0)
}

/** Deletes what the published commit superseded. A failure wastes space only: the next commit's garbage includes it. */
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
