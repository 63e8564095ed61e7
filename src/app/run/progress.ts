/** Converts pipeline and worker events into the progress and the warnings that a run's observer displays. */
import type { RunObserver, RunProgress } from '../types.ts'
import type { OrderProgress } from '../../adapters/files/ordered-input.ts'
import type { WorkerEvent } from '../../adapters/dapr/worker.ts'
import { furthest, type VmAhead } from '../../core/quorum-clock.ts'
import { SPLIT_REMEDY, splitVmText } from '../../core/split-vm.ts'
import type { PipelineEvent } from '../../ports/events.ts'

const INTERVAL_MS = 200
const RETRY_REMEDY = 'Nothing is lost. Fix the cause given above; the run then continues automatically.'
const AHEAD_REMEDY =
  'Their points wait in their windows and close nothing for the others. Correct the clocks of these VMs.'
/** A warning that persists is repeated after this time. */
const WARN_AGAIN_AFTER_MS = 60_000
/** Reasons may contain ids, so their number is unbounded. */
const MAX_REMEMBERED_WARNINGS = 100

export class ProgressMeter {
  readonly #observer: RunObserver
  readonly #nowMs: () => number
  readonly #consumed = new Map<number, number>()
  /** VM windows of all cuts so far, committed or not. */
  #vmWindowsTotal = 0
  #vmWindowsDone = 0
  #consumedBefore = 0
  #windowsClosed = 0
  #published = 0
  #hasReportedWaiting = false
  #deadLetters = 0
  #ahead = new Map<string, number>()
  #reading: OrderProgress | null = null
  #last = { atMs: 0, consumed: 0, pointsPerSecond: 0 }
  #timer: NodeJS.Timeout | null = null
  /** When each retry warning was last emitted, by its text. */
  readonly #warnedAtMs = new Map<string, number>()

  constructor(observer: RunObserver, nowMs: () => number) {
    this.#observer = observer
    this.#nowMs = nowMs
  }

  /** The input is read before any record is processed; `null` ends this. */
  reading(progress: OrderProgress | null): void {
    this.#reading = progress
  }

  start(consumedBefore: number): void {
    this.#consumedBefore = consumedBefore
    this.#last = { atMs: this.#nowMs(), consumed: consumedBefore, pointsPerSecond: 0 }
    this.#timer = setInterval(() => this.#observer.progress(this.#snapshot()), INTERVAL_MS)
    this.#timer.unref()
  }

  stop(): void {
    if (this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
    this.#observer.progress(this.#snapshot())
  }

  /** VMs that are far ahead of the others, the furthest first. */
  vmsAhead(vms: readonly VmAhead[], where: string): void {
    for (const one of vms) {
      const highest = Math.max(one.highest, this.#ahead.get(one.vmId) ?? -Infinity)
      this.#ahead.set(one.vmId, highest)
    }
    const all = furthest([...this.#ahead].map(([vmId, highest]) => ({ vmId, highest })))
    this.#ahead = new Map(all.map(({ vmId, highest }) => [vmId, highest]))
    this.#observer.event({ kind: 'warning', message: `${where}: ${aheadText(vms)}`, remedy: AHEAD_REMEDY })
  }

  /** The ten VMs that were furthest ahead of the others, as far as this process has seen. */
  get ahead(): readonly VmAhead[] {
    return [...this.#ahead].map(([vmId, highest]) => ({ vmId, highest }))
  }

  vmWindowsClosed(count: number): void {
    this.#vmWindowsDone += count
  }

  observeWorker(event: WorkerEvent): void {
    if (event.kind === 'connected') {
      this.#hasReportedWaiting = false
      return
    }
    if (event.kind === 'actors-unwatched') {
      const { message, remedy } = event.error
      this.#observer.event({ kind: 'warning', message, remedy })
      return
    }
    // Report the first attempt only.
    if (event.kind === 'waiting' && this.#hasReportedWaiting) return
    this.#hasReportedWaiting ||= event.kind === 'waiting'
    const message = event.kind === 'log' ? event.message : `worker: ${event.kind}`
    this.#observer.event({ kind: 'warning', message, remedy: 'No action needed: the worker reconnects automatically.' })
  }

  readonly observe = (event: PipelineEvent): void => {
    const { partition } = event
    switch (event.kind) {
      case 'taken-over':
        if (event.commit > 0 && event.epoch > 1) {
          this.#observer.event({ kind: 'resumed', partition, commit: event.commit, resumeOffset: event.resumeOffset })
        }
        return
      case 'folded':
        this.#consumed.set(partition, event.counts.consumed)
        return
      case 'cut':
        this.#vmWindowsTotal += event.vmWindows
        return
      case 'committed':
        if (event.closed === null || event.reason === null) return
        this.#windowsClosed++
        if (event.statesDropped > 0) this.#warnOfDroppedStates(partition, event.statesDropped)
        this.#observer.event({ kind: 'window-closed', partition, window: event.closed, reason: event.reason })
        return
      case 'published':
        this.#published += event.results
        this.#deadLetters += event.deadLetters
        return
      case 'retry':
        return this.#warnOfRetry(event)
      case 'dropped-from-roster': {
        const names = event.producers
          .slice(0, 5)
          .map((one) => one.vmId)
          .join(', ')
        const message = `partition ${partition} no longer waits for ${event.producers.length} silent producers: ${names}`
        this.#observer.event({ kind: 'warning', message, remedy: 'Windows wait for them again once they send points.' })
        return
      }
      case 'vms-ahead':
        return this.vmsAhead(event.vms, `partition ${partition}`)
      case 'vms-in-two-partitions':
        for (const vm of event.vms) {
          this.#observer.event({ kind: 'warning', message: splitVmText(vm), remedy: SPLIT_REMEDY })
        }
        return
      case 'samples-refused': {
        const message = `${event.destination} refused ${event.count} samples of partition ${partition}, among them ${event.samples[0]}`
        this.#observer.event({ kind: 'warning', message, remedy: 'See docs/reference/prometheus.md#revisions.' })
        return
      }
      case 'request-taken': {
        const { asks, who, why, windows } = event
        const what =
          asks === 'promote'
            ? `promotes a replay's results of ${windows} windows of partition ${partition}`
            : `forces ${windows} windows of partition ${partition} to close`
        const command = asks === 'promote' ? 'windrow replay --promote' : 'windrow close'
        this.#observer.event({
          kind: 'warning',
          message: `${who} ${what}: ${why}`,
          remedy: `Requested with ${command}.`,
        })
        return
      }
      case 'request-answered':
      case 'step':
      case 'opened':
      case 'recovered':
      case 'caught-up':
      case 'sweep-failed':
      case 'halt-not-kept':
      case 'ended':
      case 'failed':
        return
    }
  }

  /** A cause usually affects all partitions and many attempts. Warn once, and again if it persists. */
  #warnOfRetry({ step, reason }: PipelineEvent & { readonly kind: 'retry' }): void {
    const message = `${step} failed and will be retried: ${reason}`
    const nowMs = this.#nowMs()
    if (nowMs < (this.#warnedAtMs.get(message) ?? -Infinity) + WARN_AGAIN_AFTER_MS) return
    if (this.#warnedAtMs.size >= MAX_REMEMBERED_WARNINGS) this.#warnedAtMs.clear()
    this.#warnedAtMs.set(message, nowMs)
    this.#observer.event({ kind: 'warning', message, remedy: RETRY_REMEDY })
  }

  #warnOfDroppedStates(partition: number, count: number): void {
    const message = `partition ${partition} dropped the state of ${count} VMs that sent nothing for stateWindows windows`
    this.#observer.event({
      kind: 'warning',
      message,
      remedy: 'If they send again, they start without a state. Raise stateWindows to keep states longer.',
    })
  }

  #snapshot(): RunProgress {
    let consumed = 0
    for (const count of this.#consumed.values()) consumed += count
    // Until a partition has folded a batch in this run, its earlier records are only contained in the total.
    consumed = Math.max(consumed, this.#consumedBefore)
    const nowMs = this.#nowMs()
    const elapsedMs = nowMs - this.#last.atMs
    if (elapsedMs >= 1000) {
      const pointsPerSecond = Math.max(0, Math.round(((consumed - this.#last.consumed) * 1000) / elapsedMs))
      this.#last = { atMs: nowMs, consumed, pointsPerSecond }
    }
    return {
      consumed,
      reading: this.#reading,
      available: null,
      pointsPerSecond: this.#last.pointsPerSecond,
      windowsClosed: this.#windowsClosed,
      vmWindowsDone: this.#vmWindowsDone,
      vmWindowsTotal: this.#vmWindowsTotal,
      published: this.#published,
      deadLetters: this.#deadLetters,
    }
  }
}

/** `VM h-0 is far ahead of the others, at 2026-03-02 01:10`. */
function aheadText(vms: readonly VmAhead[]): string {
  const names = vms.map(({ vmId, highest }) => `${vmId} (at ${new Date(highest).toISOString()})`).join(', ')
  return vms.length === 1 ? `VM ${names} is far ahead of the others` : `VMs are far ahead of the others: ${names}`
}
