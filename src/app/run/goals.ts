/** When a bounded run is done: each partition's goal is stored in its ledger. */
import { readLedger } from '../../ledger/ledger.ts'
import type { StateStore } from '../../ports/index.ts'

/** Whether every partition of the job has reached its goal, in whichever process it ran. */
export async function haveAllEnded(store: StateStore, job: string, partitions: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found?.ledger.goal?.isReached !== true) return false
  }
  return true
}

/** The offset at which each partition of a bounded run may end. */
export type Ends = ReadonlyMap<number, number>

/**
 * The ends of a run that starts now: for each partition the goal of an interrupted run, if there is one, otherwise the
 * current end of its log. A goal that was already reached belongs to an earlier run and is ignored.
 */
export async function endsOf(store: StateStore, job: string, logEnds: Ends): Promise<Ends> {
  const ends = new Map<number, number>()
  for (const [partition, logEnd] of logEnds) {
    const goal = (await readLedger(store, job, partition))?.ledger.goal
    ends.set(partition, goal?.isReached === false ? goal.offset : logEnd)
  }
  return ends
}

/** Whether every partition has reached its end, in whichever process it ran. */
export async function haveReached(store: StateStore, job: string, ends: Ends): Promise<boolean> {
  for (const [partition, end] of ends) {
    const goal = (await readLedger(store, job, partition))?.ledger.goal
    if (goal?.isReached !== true || goal.offset < end) return false
  }
  return true
}
