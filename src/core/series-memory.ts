/** The series of all producers of a partition (producer-series.ts), which outlive the windows. */
import { ProducerSeries, type SeriesRow } from './producer-series.ts'
import type { Roster } from './roster.ts'
import type { TimeWindow } from './window-policy.ts'
import type { Windowing } from './windowing.ts'

/** What a closing window has of each producer. */
interface SentInWindow extends TimeWindow {
  readonly vms: ReadonlyMap<string, { readonly vmId: string; readonly producers: ReadonlyMap<string, Sent> }>
}

interface Sent {
  readonly sharesSeqs: boolean
  metricNames(): readonly string[]
}

export class SeriesMemory {
  readonly #rules: Windowing
  readonly #vms = new Map<string, Map<string, ProducerSeries>>()
  #head: TimeWindow | null = null

  constructor(rules: Windowing) {
    this.#rules = rules
  }

  find(vmId: string, producer: string): ProducerSeries | null {
    return this.#vms.get(vmId)?.get(producer) ?? null
  }

  of(vmId: string, producer: string): ProducerSeries {
    let producers = this.#vms.get(vmId)
    if (producers === undefined) this.#vms.set(vmId, (producers = new Map<string, ProducerSeries>()))
    let series = producers.get(producer)
    if (series === undefined) {
      producers.set(producer, (series = new ProducerSeries(this.#rules)))
      series.setHead(this.#head)
    }
    return series
  }

  setHead(head: TimeWindow | null): void {
    this.#head = head
    if (this.#rules.expectEveryMs === null) return
    for (const producers of this.#vms.values()) for (const series of producers.values()) series.setHead(head)
  }

  /** A window has closed, and the roster has moved on. `isOpen`: whether an open window has a part of the producer. */
  advance(window: SentInWindow, roster: Roster, isOpen: (vmId: string, producer: string) => boolean): void {
    for (const { vmId, producers } of window.vms.values()) {
      for (const [name, producer] of producers) if (producer.metricNames().length > 0) this.of(vmId, name)
    }
    for (const [vmId, producers] of this.#vms) {
      const sent = window.vms.get(vmId)?.producers
      for (const [name, series] of producers) {
        const producer = sent?.get(name)
        series.advance(window, producer?.metricNames() ?? [], producer?.sharesSeqs === true)
        if (!roster.has(vmId, name)) series.leave()
        // The parts of open windows refer to the series.
        if (series.isEmpty && !isOpen(vmId, name)) producers.delete(name)
      }
      if (producers.size === 0) this.#vms.delete(vmId)
    }
  }

  /** Sorted, so that equal memories have equal texts. */
  rows(): SeriesRow[] {
    const rows: SeriesRow[] = []
    for (const vmId of [...this.#vms.keys()].sort()) {
      const producers = this.#vms.get(vmId) as Map<string, ProducerSeries>
      for (const name of [...producers.keys()].sort())
        rows.push((producers.get(name) as ProducerSeries).row(vmId, name))
    }
    return rows
  }

  restore(row: SeriesRow): void {
    this.of(row.vmId, row.producer).restore(row)
  }
}
