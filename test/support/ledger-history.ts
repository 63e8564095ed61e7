/** A store that remembers every ledger that was ever written into it, in order. */
import { MemoryStore } from '../../src/adapters/memory/memory-store.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'

export class LedgerHistory extends MemoryStore {
  readonly ledgers: Ledger[] = []

  override async insert(key: string, value: string): Promise<'inserted' | 'exists'> {
    const outcome = await super.insert(key, value)
    if (outcome === 'inserted') this.#note(key, value)
    return outcome
  }

  override async swap(key: string, value: string, etag: string): Promise<'swapped' | 'conflict'> {
    const outcome = await super.swap(key, value, etag)
    if (outcome === 'swapped') this.#note(key, value)
    return outcome
  }

  of(partition: number): Ledger[] {
    return this.ledgers.filter((ledger) => ledger.partition === partition)
  }

  #note(key: string, value: string): void {
    if (key.endsWith('-ledger')) this.ledgers.push(JSON.parse(value) as Ledger)
  }
}
