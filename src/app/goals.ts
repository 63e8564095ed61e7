import { readLedger } from '../ledger/ledger.ts'
import type { StateStore } from '../pipeline/ports.ts'

/** Whether every partition of the job has consumed what it was to consume, whichever process it belonged to. */
export async function haveAllEnded(store: StateStore, job: string, partitions: number): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found?.ledger.goal?.isReached !== true) return false
  }
  return true
}
