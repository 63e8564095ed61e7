/**
 * Publishers of at-least-once sinks. Such a sink cannot store a marker together with a batch, so the pipeline keeps the
 * marker in the state store, next to the ledger: `<job>-<partition>-published-<digest of the destination>`. It is written
 * after the batch. A crash in between repeats the batch, and never skips one.
 */
import { canonicalJson } from '../core/json.ts'
import { WindrowError } from '../errors/index.ts'
import { textDigest } from '../ledger/text-digest.ts'
import type { AtLeastOncePublisher, AtomicPublisher, AtomicPublishers } from '../ports/index.ts'
import type { OutboxBatch, PublishedMarker, Sink, StateStore } from '../ports/index.ts'

/** The publishers of a sink as the pipeline uses them, whatever the sink guarantees. */
export function publishersOf(sink: Sink, store: StateStore, job: string): AtomicPublishers {
  if (sink.delivery === 'exactly-once') return sink.publishers
  const { publishers, destination } = sink
  return {
    open: async (partition) =>
      withMarker(await publishers.open(partition), store, markerKey(job, partition, destination)),
  }
}

export function markerKey(job: string, partition: number, destination: string): string {
  return `${job}-${partition}-published-${textDigest(destination)}`
}

async function withMarker(publisher: AtLeastOncePublisher, store: StateStore, key: string): Promise<AtomicPublisher> {
  try {
    let known = (await store.get([key])).get(key)?.value
    return {
      marker: known === undefined ? null : parseMarker(known),
      async publish(batch: OutboxBatch) {
        await publisher.publish(batch)
        const text = encodeMarker(batch.marker)
        await replaceMarker(store, key, known, text)
        known = text
      },
      close: () => publisher.close(),
    }
  } catch (error) {
    await publisher.close()
    throw error
  }
}

/** Throws PUBLISHER_FENCED if the marker is not the one that this publisher read or wrote last. */
async function replaceMarker(store: StateStore, key: string, known: string | undefined, text: string): Promise<void> {
  const stored = (await store.get([key])).get(key)
  if (stored?.value === known) {
    const written =
      stored === undefined
        ? (await store.insert(key, text)) === 'inserted'
        : (await store.swap(key, text, stored.etag)) === 'swapped'
    if (written) return
  }
  throw new WindrowError(`another publisher has written the marker ${key}`, { code: 'PUBLISHER_FENCED' })
}

function encodeMarker({ commit, digest }: PublishedMarker): string {
  return canonicalJson({ format: 1, commit, digest })
}

function parseMarker(text: string): PublishedMarker {
  const { commit, digest } = JSON.parse(text) as PublishedMarker
  return { commit, digest }
}
