/** A store that records every ledger written to it, in order. */
import { MemoryStore } from './memory-store.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'

export class LedgerHistory extends MemoryStore {
  readonly ledgers: Ledger[] = []

  override async insert(key: string, value: string): Promise<'inserted' | 'exists'> {
    const outcome = await super.insert(key, value)
    if (outcome === 'inserted') this.#record(key, value)
    return outcome
  }

  override async swap(key: string, value: string, etag: string): Promise<'swapped' | 'conflict'> {
    const outcome = await super.swap(key, value, etag)
    if (outcome === 'swapped') this.#record(key, value)
    return outcome
  }

  of(partition: number): Ledger[] {
    return this.ledgers.filter((ledger) => ledger.partition === partition)
  }

  #record(key: string, value: string): void {
    if (key.endsWith('-ledger')) this.ledgers.push(JSON.parse(value) as Ledger)
  }
}
