/**
 * Runs the fold alone, as the pipeline does: one record, then all due closes. It logs what happened as short texts, so that a
 * test reads as a table.
 */
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import {
  closeVmWindow,
  quarantineVmWindow,
  type VmWindowResult,
  type VmWindowTask,
} from '../../src/core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../src/core/json.ts'
import { PartitionState, type CloseDecision, type ClosedWindow, type Quiet } from '../../src/core/partition-state.ts'
import type { Decoded } from '../../src/core/point.ts'
import type { EncodedContents } from '../../src/core/identity.ts'
import { summary } from '../../src/core/summary.ts'
import type { ProgressRow } from '../../src/core/quorum-clock.ts'
import type { SeriesRow } from '../../src/core/producer-series.ts'
import { RememberedVm } from '../../src/core/remembered-vm.ts'
import { decodeProducers, VmWindow, type Producers } from '../../src/core/vm-window.ts'
import type { Windowing } from '../../src/core/windowing.ts'
import { RULES } from './records.ts'

export interface SentRecord {
  readonly decoded: Decoded
  readonly brokerTimestampMs?: number
}

export class Folding {
  readonly rules: Windowing
  readonly aggregator: AnyAggregator
  readonly closed: ClosedWindow[] = []
  /** `#3 0 complete a:complete/2 b:complete/0`: after record 3 the window 0 closed, with the reason and points of each VM. */
  readonly closes: string[] = []
  /** `#3 too-late` */
  readonly refusals: string[] = []
  state: PartitionState
  #sent = 0

  constructor(rules: Partial<Windowing> = {}, aggregator: AnyAggregator = summary) {
    this.rules = { ...RULES, ...rules }
    this.aggregator = aggregator
    this.state = new PartitionState(this.rules, aggregator)
  }

  feed(...sent: readonly (Decoded | SentRecord)[]): this {
    for (const one of sent) {
      const { decoded, brokerTimestampMs } = 'decoded' in one ? one : { decoded: one, brokerTimestampMs: undefined }
      const refusal = this.state.fold({
        offset: this.#sent,
        brokerTimestampMs: brokerTimestampMs ?? null,
        decoded,
        raw: () => {
          throw new Error('core never reads raw bytes')
        },
      })
      if (refusal !== null) this.refusals.push(`#${this.#sent} ${refusal.reason}`)
      this.#closeDue(`#${this.#sent}`)
      this.#sent++
    }
    return this
  }

  /** The bounded input ends. */
  end(): this {
    this.state.ended = true
    this.#closeDue('end')
    return this
  }

  /** The wall clock shows `nowMs`, and the log has been read to its end without new records for a while. */
  clock(nowMs: number, quiet: Quiet = { partitionMs: Infinity, headMs: Infinity }): this {
    for (let due = this.state.dueByClock(nowMs, quiet); due !== null; due = this.state.dueByClock(nowMs, quiet)) {
      this.#close('clock', due)
      this.#closeDue('clock')
    }
    return this
  }

  /** What `results` holds, read. */
  parsedResults(): VmWindowResult[] {
    return this.results().map((text) => JSON.parse(text) as VmWindowResult)
  }

  /** Canonical results of all closed windows, each VM's state carried from window to window. */
  results(): string[] {
    const states = new Map<string, Json>()
    return this.closed.flatMap((window) =>
      window.vms.map(({ window: vm, reason, silent }) => {
        const task: VmWindowTask = {
          windowStart: window.start,
          windowEnd: window.end,
          revision: 1,
          reason,
          silent,
          window: vm.encode(this.aggregator),
          prior: states.get(vm.vmId) ?? null,
        }
        const outcome =
          vm.failure === null
            ? closeVmWindow(task, this.aggregator, this.rules)
            : quarantineVmWindow(task, this.aggregator, this.rules, vm.failure)
        states.set(vm.vmId, outcome.state)
        return canonicalJson(outcome.result)
      }),
    )
  }

  #closeDue(when: string): void {
    for (let due = this.state.due(); due !== null; due = this.state.due()) this.#close(when, due)
  }

  #close(when: string, due: CloseDecision): void {
    const closed = this.state.close(due)
    this.closed.push(closed)
    const vms = closed.vms.map(({ window, reason, silent }) => {
      const missing = silent.length === 0 ? '' : `-${silent.map((producer) => producer || "''").join(',')}`
      return `${window.vmId}:${reason}/${window.receivedCount}${missing}`
    })
    this.closes.push([when, closed.start, closed.trigger, ...vms].join(' '))
  }
}

/** The state of an owner that takes over from what was stored at this record. */
export function recovered(state: PartitionState, rules: Windowing, aggregator: AnyAggregator): PartitionState {
  const wire = <T>(value: T): T => JSON.parse(canonicalJson(value as Json)) as T
  const next = new PartitionState(rules, aggregator)
  const stored = (vm: VmWindow): VmWindow => {
    const again = VmWindow.decode(wire(vm.encode(aggregator)), aggregator, rules)
    giveContents(vm.producers, again.producers)
    return again
  }
  const giveContents = (from: Producers, to: Producers): void => {
    for (const [name, producer] of from) {
      for (const row of wire(producer.encodeContents(name) as unknown as Json) as unknown as EncodedContents[]) {
        to.get(name)?.loadContents(row)
      }
    }
  }
  next.counts = state.counts
  next.watermark = state.watermark
  next.closedThrough = state.closedThrough
  for (const [start, window] of state.windows) for (const vm of window.vms.values()) next.restore(start, stored(vm))
  for (const row of wire(state.roster.rows())) next.roster.set(row)
  const again = (producers: Producers): Producers => {
    const rows = [...producers].map(([name, producer]) => [name, wire(producer.encode())] as const)
    return decodeProducers({ producers: rows }, rules)
  }
  for (const { start, vms } of state.late.remembered) {
    const known = [...vms].map(
      ([vmId, { producers, metrics }]) => [vmId, new RememberedVm(again(producers), metrics)] as const,
    )
    next.late.remembered.push({ start, vms: new Map(known), version: 0 })
  }
  for (const { start, vms } of state.late.pending()) {
    for (const vm of vms) {
      // A closed window is stored without what is pending; the restore adds that.
      const closed = next.late.remembered.find((one) => one.start === start)?.vms.get(vm.vmId)
      for (const [name, pending] of vm.producers) {
        const known = closed?.producers.get(name)
        if (known === undefined) continue
        known.points -= pending.points
        known.unsequenced -= pending.unsequenced
        known.conflicts -= pending.conflicts
      }
      next.late.restore(start, stored(vm))
    }
  }
  // Late points are in the sets of the remembered windows already.
  for (const { start, vms } of state.late.remembered) {
    const window = next.late.remembered.find((one) => one.start === start)
    for (const [vmId, { producers }] of vms) giveContents(producers, window?.vms.get(vmId)?.producers ?? new Map())
  }
  next.settle(
    wire([...state.series.rows(), ...state.clock.rows()] as unknown as Json) as unknown as (SeriesRow | ProgressRow)[],
  )
  next.settleContents()
  return next
}
