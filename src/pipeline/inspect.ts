/**
 * Reads the state of a job from outside, while its owners keep running. It reads ledgers and chunks, takes nothing over,
 * writes nothing, and does not need the user's aggregator. It sees the state of the last commit.
 */
import type { AnyAggregator } from '../core/aggregator.ts'
import type { Json } from '../core/json.ts'
import type { PartitionState } from '../core/partition-state.ts'
import type { Windowing } from '../core/windowing.ts'
import { WindrowError } from '../errors/index.ts'
import { decodeProducers } from '../core/vm-window.ts'
import { jobKey } from '../ledger/attempt-id.ts'
import { readRows } from '../ledger/chunks.ts'
import { readIndex, type IndexChunk } from '../ledger/index-chunk.ts'
import type { JobRecord } from '../ledger/job-record.ts'
import { readLedger, type Ledger } from '../ledger/ledger.ts'
import { loadOpen } from './recovery.ts'
import type { StateStore } from '../ports/index.ts'

export interface PartitionView {
  readonly ledger: Ledger
  /** `null` before the first commit. */
  readonly index: IndexChunk | null
  /** Open windows, roster and counts, as of the last commit. */
  readonly state: PartitionState
  /** Number of late points that the next close merges. */
  readonly latePoints: number
}

/** A commit deletes the chunks of the one before only after it is published, so a reader is seldom too slow twice. */
const MAX_READS = 20

/** The job record; `null` if the job does not exist. */
export async function readJob(store: StateStore, job: string): Promise<JobRecord | null> {
  const key = jobKey(job)
  const stored = (await store.get([key])).get(key)?.value
  return stored === undefined ? null : (JSON.parse(stored) as JobRecord)
}

/**
 * The partition at its last commit; `null` if it never had an owner. Throws STATUS_OVERTAKEN, which is retryable, if commits
 * keep deleting the chunks that it is about to read.
 */
export async function viewPartition(
  store: StateStore,
  job: string,
  partition: number,
  rules: Windowing,
): Promise<PartitionView | null> {
  for (let reads = 1; ; reads++) {
    const found = await readLedger(store, job, partition)
    if (found === null) return null
    const { ledger } = found
    try {
      const index = ledger.index === null ? null : await readIndex(store, ledger.index)
      const state = await loadOpen(store, ledger, index, rules, UNTOUCHED)
      return { ledger, index, state, latePoints: await latePointsIn(store, index, rules) }
    } catch (error) {
      if (!(error instanceof WindrowError) || error.code !== 'CHUNK_BROKEN') throw error
      // With a newer commit in the ledger, the missing chunk was superseded. Otherwise it is lost.
      const now = await readLedger(store, job, partition)
      if (now?.ledger.commit === ledger.commit) throw error
      if (reads === MAX_READS) throw tooFast(job, partition)
    }
  }
}

/** Number of late points that wait for the next close. */
export async function latePointsIn(store: StateStore, index: IndexChunk | null, rules: Windowing): Promise<number> {
  if (index === null || index.late === null) return 0
  let points = 0
  for (const { window } of await readRows(store, index.late)) {
    for (const producer of decodeProducers(window, rules).values()) points += producer.receivedCount
  }
  return points
}

/** The same store, but every write throws. Guards commands that only inspect a job. */
export function readOnly(store: StateStore): StateStore {
  const refuse = (): never => {
    throw new Error('this store is read-only')
  }
  return {
    maxValueBytes: store.maxValueBytes,
    get: (keys) => store.get(keys),
    insert: refuse,
    swap: refuse,
    delete: refuse,
  }
}

/** An aggregator that leaves accumulators as they are stored, so that rows of any aggregator can be decoded. */
const UNTOUCHED: AnyAggregator = {
  name: 'untouched',
  version: 1,
  maxBytesPerMetric: null,
  create: () => null,
  add: (acc: Json) => acc,
  merge: (acc: Json) => acc,
  result: () => null,
  advance: () => null,
  encode: (acc: Json) => acc,
  decode: (acc: Json) => acc,
}

function tooFast(job: string, partition: number): WindrowError {
  return new WindrowError(`partition ${partition} of job ${job} commits faster than it can be read`, {
    code: 'STATUS_OVERTAKEN',
  })
}
