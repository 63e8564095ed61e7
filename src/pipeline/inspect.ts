/**
 * Looks at a job from outside, while its owners go on: reads ledgers and chunks, takes nothing over, writes nothing, and
 * needs no aggregator of the user's. What it sees is the last commit.
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
  /** Late points that the next close amends windows by. */
  readonly latePoints: number
}

/** A commit sweeps the chunks of the one before only after it is published, so a reader is seldom too slow twice. */
const MAX_LOOKS = 20

/** `null` when there is no such job. */
export async function readJob(store: StateStore, job: string): Promise<JobRecord | null> {
  const key = jobKey(job)
  const stored = (await store.get([key])).get(key)?.value
  return stored === undefined ? null : (JSON.parse(stored) as JobRecord)
}

/** `null` while nobody has taken the partition. */
export async function viewPartition(
  store: StateStore,
  job: string,
  partition: number,
  rules: Windowing,
): Promise<PartitionView | null> {
  for (let looks = 1; ; looks++) {
    const found = await readLedger(store, job, partition)
    if (found === null) return null
    const { ledger } = found
    try {
      const index = ledger.index === null ? null : await readIndex(store, ledger.index)
      const state = await loadOpen(store, ledger, index, rules, UNTOUCHED)
      return { ledger, index, state, latePoints: await latePointsIn(store, index, rules) }
    } catch (error) {
      if (!(error instanceof WindrowError) || error.code !== 'CHUNK_BROKEN') throw error
      // A chunk that is gone was superseded, if the ledger moved on meanwhile; else it is lost.
      const now = await readLedger(store, job, partition)
      if (now?.ledger.commit === ledger.commit) throw error
      if (looks === MAX_LOOKS) throw tooFast(job, partition)
    }
  }
}

/** Late points that wait for the next close. */
export async function latePointsIn(store: StateStore, index: IndexChunk | null, rules: Windowing): Promise<number> {
  if (index === null || index.late === null) return 0
  let points = 0
  for (const { window } of await readRows(store, index.late)) {
    for (const producer of decodeProducers(window, rules).values()) points += producer.receivedCount
  }
  return points
}

/** The same store for reading alone: whoever looks on must not change anything, whatever is called by mistake. */
export function readOnly(store: StateStore): StateStore {
  const refuse = (): never => {
    throw new Error('this store is for reading')
  }
  return {
    maxValueBytes: store.maxValueBytes,
    get: (keys) => store.get(keys),
    insert: refuse,
    swap: refuse,
    delete: refuse,
  }
}

/** Leaves accumulators as they are stored, whichever aggregator made them. */
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
    disposition: 'retryable',
    remedy: 'Try again.',
  })
}
