import { readLedger } from '../../ledger/ledger.ts'
import type { StateStore } from '../../ports/index.ts'

/** Whether every partition of the job has consumed what it was to consume, whichever process it belonged to. */
export async function haveAllEnded(store: StateStore, job: string, partitions: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found?.ledger.goal?.isReached !== true) return false
  }
  return true
}

/** What a run that begins now has to reach: the offset at which each partition may end. */
export type Ends = ReadonlyMap<number, number>

/**
 * The ends of a run: the goal that an interrupted run had, where there is one, else the log's end now. A goal that was
 * reached before is an earlier run's: it says nothing of the records that came since.
 */
export async function endsOf(store: StateStore, job: string, logEnds: Ends): Promise<Ends> {
  const ends = new Map<number, number>()
  for (const [partition, logEnd] of logEnds) {
    const goal = (await readLedger(store, job, partition))?.ledger.goal
    ends.set(partition, goal?.isReached === false ? goal.offset : logEnd)
  }
  return ends
}

/** Whether every partition has reached its end, whichever process it belonged to. */
export async function haveReached(store: StateStore, job: string, ends: Ends): Promise<boolean> {
  for (const [partition, end] of ends) {
    const goal = (await readLedger(store, job, partition))?.ledger.goal
    if (goal?.isReached !== true || goal.offset < end) return false
  }
  return true
}
