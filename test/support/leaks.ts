/** Finds leaked keys in a job's store: keys that are neither a ledger, nor in use by one, nor listed as garbage. */
import type { MemoryStore } from './memory-store.ts'
import { jobKey, ledgerKey } from '../../src/ledger/attempt-id.ts'
import { chunkKey } from '../../src/ledger/chunks.ts'
import { announcedGarbage, chunksOf, keysOf, readIndex } from '../../src/ledger/index-chunk.ts'
import { readLedger } from '../../src/ledger/ledger.ts'
import { chunkKeys } from './chunk-keys.ts'

export interface Leaks {
  /** Keys that no ledger accounts for. */
  readonly lost: string[]
  /** Keys that are listed as garbage and still exist. */
  readonly unswept: string[]
}

export async function leaksOf(store: MemoryStore, job: string, partitions: number): Promise<Leaks> {
  const inForce = new Set([jobKey(job)])
  const garbage = new Set<string>()
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found === null) continue
    const { ledger } = found
    inForce.add(ledgerKey(job, partition))
    const announced = [...ledger.abandoned, ...(ledger.intent === null ? [] : [ledger.intent])]
    for (const one of announced) for (const key of keysOf(announcedGarbage(one.attempt, one.pages, 0))) garbage.add(key)
    if (ledger.index === null) continue
    const index = await readIndex(store, ledger.index)
    const sets = chunksOf(index)
    for (const set of sets) for (const key of set === null ? [] : chunkKeys(set)) inForce.add(key)
    inForce.add(chunkKey(ledger.index.attempt, 'index', 0))
    for (const key of keysOf(index.garbage)) garbage.add(key)
  }
  const rest = store.keys().filter((key) => !inForce.has(key))
  return { lost: rest.filter((key) => !garbage.has(key)), unswept: rest.filter((key) => garbage.has(key)) }
}
