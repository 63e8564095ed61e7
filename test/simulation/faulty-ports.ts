/**
 * Ports with one common implementation error each. They replace the correct ports, so the product needs no switches for
 * tests. A harness that does not detect each of them proves nothing.
 */
import type { SourceRecord } from '../../src/core/point.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import type { PublishedMarker, AtomicPublisher, Source, StateStore, StoredValue } from '../../src/ports/index.ts'
import type { PortFaults } from './world.ts'

const isLedger = (key: string): boolean => key.endsWith('-ledger')

/** Larger than every seq of a producer, and small enough not to exceed the seq span of a VM window. */
const DUPLICATE_SEQ_SHIFT = 5_000

/** A duplicate is treated as another point. */
const withoutDeduplication: PortFaults = {
  source: (source): Source => ({
    async open(partition, fromOffset) {
      // Reads from the start of the log, so that what counts as a duplicate does not depend on the offset of the reader.
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
        return { ...record, decoded: { ...decoded, point: { ...decoded.point, seq: seq + DUPLICATE_SEQ_SHIFT } } }
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

/** The offset advances when the work begins, as with a consumer that commits what it has received. */
const offsetMovedEarly: PortFaults = {
  store: (store) =>
    changing(store, {
      write: (ledger) => (ledger.intent === null ? ledger : { ...ledger, resumeOffset: ledger.intent.cut + 1 }),
    }),
}

/** A processor that took a partition over never checks that it still owns it. */
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

/** After an error the same publisher continues after the last acknowledged batch. */
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
        // The gate around the publisher loses replies. A batch counts as acknowledged when the next one is published.
        let sent: PublishedMarker | null = null
        return {
          marker: acknowledged.get(partition) ?? null,
          async publish(batch) {
            if (sent !== null) acknowledged.set(partition, sent)
            try {
              await publisher.publish(batch)
            } catch (error) {
              // Fenced: this publisher can never be used again.
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

/** Number of port calls of other processors during the simulated init. */
const INIT_TURNS = 200

/** Reads the published marker before it fences the other publishers: one of them may publish in between. */
const markerReadBeforeInit: PortFaults = {
  publishers: (results, turn) => ({
    async open(partition) {
      const marker = results.markerOf(partition)
      // Kafka's init waits for unfinished transactions of the previous producer.
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

/** Wraps the store so that ledgers are changed when they are read or written. */
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
