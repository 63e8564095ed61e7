/**
 * Ports with one fault each, of the kind that a processor of streams is usually built with. They stand in the place of
 * good ones, so the product needs no switches; a harness that does not find each of them proves nothing.
 */
import type { SourceRecord } from '../../src/core/point.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { PublishedMarker, AtomicPublisher, Source, StateStore, StoredValue } from '../../src/ports/index.ts'
import type { PortFaults } from './world.ts'

const isLedger = (key: string): boolean => key.endsWith('-ledger')

/** Far from a producer's numbers, near enough not to be refused for it. */
const COPY_SEQ_SHIFT = 5_000

/** A copy looks like a point of its own. */
const withoutDeduplication: PortFaults = {
  source: (source): Source => ({
    async open(partition, fromOffset) {
      // From the log's start, so that what is a copy does not depend on where reading begins.
      const opened = await source.open(partition, 0)
      const seen = new Set<string>()
      const alone = (record: SourceRecord): SourceRecord => {
        const { decoded } = record
        if (decoded.kind !== 'point' || decoded.point.seq === null) return record
        const { vmId, producer, seq } = decoded.point
        const id = `${vmId}/${producer}/${seq}`
        if (!seen.has(id)) {
          seen.add(id)
          return record
        }
        return { ...record, decoded: { ...decoded, point: { ...decoded.point, seq: seq + COPY_SEQ_SHIFT } } }
      }
      return {
        logStart: opened.logStart,
        logEnd: opened.logEnd,
        close: () => opened.close(),
        async next() {
          const event = await opened.next()
          if (event.kind !== 'records') return event
          const records = event.records.map(alone).filter(({ offset }) => offset >= fromOffset)
          return { kind: 'records', records }
        },
      }
    },
  }),
}

/** The offset moves on when the work begins, as with a consumer that commits what it was handed. */
const offsetMovedEarly: PortFaults = {
  store: (store) =>
    changing(store, {
      write: (ledger) => (ledger.intent === null ? ledger : { ...ledger, resumeOffset: ledger.intent.cut + 1 }),
    }),
}

/** A processor that took a partition over believes for ever that it is its own. */
const epochUnchecked: PortFaults = {
  store(store) {
    const own = new Map<number, Pick<Ledger, 'epoch' | 'token'>>()
    return changing(store, {
      read: (ledger) => ({ ...ledger, ...own.get(ledger.partition) }),
      write(ledger) {
        const { partition, epoch, token } = ledger
        own.set(partition, { epoch, token })
        return ledger
      },
    })
  },
}

/** After an error the same publisher goes on, from the last batch that it was told had gone out. */
const producerReused: PortFaults = {
  publishers(results) {
    const kept = new Map<number, Promise<AtomicPublisher>>()
    const acknowledged = new Map<number, PublishedMarker>()
    const open = async (partition: number): Promise<AtomicPublisher> => {
      const publisher = await results.open(partition)
      if (publisher.marker !== null) acknowledged.set(partition, publisher.marker)
      return publisher
    }
    return {
      async open(partition) {
        const opening = kept.get(partition) ?? open(partition)
        kept.set(partition, opening)
        const publisher = await opening
        // The gate around it loses replies; what it lets through was acknowledged when the next batch is asked for.
        let sent: PublishedMarker | null = null
        return {
          marker: acknowledged.get(partition) ?? null,
          async publish(batch) {
            if (sent !== null) acknowledged.set(partition, sent)
            try {
              await publisher.publish(batch)
            } catch (error) {
              // Shut out, which is for ever: nobody can go on with that one.
              kept.delete(partition)
              throw error
            }
            sent = batch.marker
          },
          close: () => Promise.resolve(),
        }
      },
    }
  },
}

/** Port calls of others that happen meanwhile. */
const INIT_TURNS = 200

/** How far publishing got is read first, and only then are others shut out: one of them may publish in between. */
const markerReadBeforeInit: PortFaults = {
  publishers: (results, turn) => ({
    async open(partition) {
      const marker = results.markerOf(partition)
      // Kafka's init waits for what the one before left unfinished.
      for (let turns = 0; turns < INIT_TURNS; turns++) await turn()
      return { ...(await results.open(partition)), marker }
    },
  }),
}

export const FAULTY_PORTS: Readonly<Record<string, PortFaults>> = {
  'without deduplication': withoutDeduplication,
  'offset moved early': offsetMovedEarly,
  'epoch unchecked': epochUnchecked,
  'producer reused after an error': producerReused,
  'published number read before init': markerReadBeforeInit,
}

interface LedgerChanges {
  readonly read?: (ledger: Ledger) => Ledger
  readonly write?: (ledger: Ledger) => Ledger
}

/** The same store, but for ledgers. */
function changing(store: StateStore, { read, write }: LedgerChanges): StateStore {
  const change = (key: string, value: string, how: ((ledger: Ledger) => Ledger) | undefined): string =>
    how !== undefined && isLedger(key) ? JSON.stringify(how(JSON.parse(value) as Ledger)) : value
  return {
    maxValueBytes: store.maxValueBytes,
    async get(keys) {
      const found = new Map<string, StoredValue>()
      for (const [key, stored] of await store.get(keys))
        found.set(key, { ...stored, value: change(key, stored.value, read) })
      return found
    },
    insert: (key, value) => store.insert(key, change(key, value, write)),
    swap: (key, value, etag) => store.swap(key, change(key, value, write), etag),
    delete: (keys) => store.delete(keys),
  }
}
