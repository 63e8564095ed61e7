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
}

export class Roster {
  readonly #vms = new Map<string, Map<string, number>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  has(vmId: string, producer: string): boolean {
    return this.#vms.get(vmId)?.has(producer) ?? false
  }

  hasVm(vmId: string): boolean {
    return this.#vms.has(vmId)
  }

  vmIds(): Iterable<string> {
    return this.#vms.keys()
  }

  producersOf(vmId: string): Iterable<string> {
    return this.#vms.get(vmId)?.keys() ?? []
  }

  set(row: RosterRow): void {
    let producers = this.#vms.get(row.vmId)
    if (producers === undefined) this.#vms.set(row.vmId, (producers = new Map<string, number>()))
    if (!producers.has(row.producer)) this.#size++
    producers.set(row.producer, row.missedWindows)
  }

  /** Whether it was there. */
  remove(vmId: string, producer: string): boolean {
    const producers = this.#vms.get(vmId)
    if (!producers?.delete(producer)) return false
    this.#size--
    if (producers.size === 0) this.#vms.delete(vmId)
    return true
  }

  /** Sorted, so that equal rosters have equal texts. */
  rows(): RosterRow[] {
    const rows: RosterRow[] = []
    for (const vmId of [...this.#vms.keys()].sort()) {
      const producers = this.#vms.get(vmId) as Map<string, number>
      for (const producer of [...producers.keys()].sort()) {
        rows.push({ vmId, producer, missedWindows: producers.get(producer) as number })
      }
    }
    return rows
  }
}
