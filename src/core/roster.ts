/**
 * The roster: the (VM, producer) pairs that a window waits for. It is those known from earlier windows plus those seen in
 * the window itself, less those that left. It changes only when a window closes, or when a producer's last manifest comes
 * after its window: so it depends on the records alone (I6).
 */

export interface RosterRow {
  readonly vmId: string
  readonly producer: string
  /** Closed windows in a row without a word from it. */
  readonly missedWindows: number
  /** A producer that replaced it; it is not waited for, only known as one that was there. */
  readonly replacedBy?: string
}

interface Entry {
  readonly missedWindows: number
  readonly replacedBy: string | null
}

export class Roster {
  readonly #vms = new Map<string, Map<string, Entry>>()
  #size = 0

  /** Producers that are waited for. */
  get size(): number {
    return this.#size
  }

  /** Whether the producer is waited for. */
  has(vmId: string, producer: string): boolean {
    const entry = this.#vms.get(vmId)?.get(producer)
    return entry !== undefined && entry.replacedBy === null
  }

  hasVm(vmId: string): boolean {
    return this.#vms.has(vmId)
  }

  vmIds(): Iterable<string> {
    return this.#vms.keys()
  }

  /** VMs with a producer that is waited for. */
  *waitedForVms(): Iterable<string> {
    for (const [vmId, producers] of this.#vms) {
      for (const { replacedBy } of producers.values()) {
        if (replacedBy !== null) continue
        yield vmId
        break
      }
    }
  }

  /** Producers of a VM that are waited for. */
  *producersOf(vmId: string): Iterable<string> {
    for (const [producer, { replacedBy }] of this.#vms.get(vmId) ?? []) if (replacedBy === null) yield producer
  }

  /** The producer that replaced this one; `null`: none did, or that is too long ago to be remembered. */
  replacedBy(vmId: string, producer: string): string | null {
    return this.#vms.get(vmId)?.get(producer)?.replacedBy ?? null
  }

  /** Whether the producer is waited for, or was replaced. */
  knows(vmId: string, producer: string): boolean {
    return this.#vms.get(vmId)?.has(producer) ?? false
  }

  set({ vmId, producer, missedWindows, replacedBy: successor }: RosterRow): void {
    const replacedBy = successor ?? null
    this.remove(vmId, producer)
    let producers = this.#vms.get(vmId)
    if (producers === undefined) this.#vms.set(vmId, (producers = new Map<string, Entry>()))
    if (replacedBy === null) this.#size++
    producers.set(producer, { missedWindows, replacedBy })
  }

  /** Whether it was waited for. */
  remove(vmId: string, producer: string): boolean {
    const producers = this.#vms.get(vmId)
    const entry = producers?.get(producer)
    if (producers === undefined || entry === undefined) return false
    producers.delete(producer)
    if (producers.size === 0) this.#vms.delete(vmId)
    if (entry.replacedBy !== null) return false
    this.#size--
    return true
  }

  /** Sorted, so that equal rosters have equal texts. */
  rows(): RosterRow[] {
    const rows: RosterRow[] = []
    for (const vmId of [...this.#vms.keys()].sort()) {
      const producers = this.#vms.get(vmId) as Map<string, Entry>
      for (const producer of [...producers.keys()].sort()) {
        const { missedWindows, replacedBy } = producers.get(producer) as Entry
        rows.push({ vmId, producer, missedWindows, ...(replacedBy === null ? {} : { replacedBy }) })
      }
    }
    return rows
  }
}
