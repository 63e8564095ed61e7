/** Metrics computed from pipeline events. */
import type { WindowPolicy } from '../core/window-policy.ts'
import type { FateCounts } from '../core/fate.ts'
import type { DurationMs, EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'
import { RECORD_FATES, RETRY_STEPS, type Attributes, type RetryStep } from './attributes.ts'
import type { Instruments, SetGauge } from './instruments.ts'
import { LogEnds } from './log-ends.ts'

/** The facts of a job that gauges depend on. */
export interface JobFacts {
  readonly partitions: number
  readonly windows: WindowPolicy
  /** `null` if windows have no wall-clock deadline. */
  readonly deadlineMs: DurationMs | null
  /** Whether the run has no end of its own: it reads a topic, and not only to its current end. */
  readonly isContinuous: boolean
}

/** Offset of a log's first record (`start`) and the offset after its last record (`end`). */
export interface LogOffsets {
  readonly start: number
  readonly end: number
}

interface PartitionFacts {
  counts: FateCounts
  position: number
  /** Whether the owner has restored the state of the last commit. Before that, the members about windows are unknown. */
  isRecovered: boolean
  watermark: EpochMs | null
  /** Start of the lowest open window; `null` if none is open, or none is known. */
  lowestOpen: EpochMs | null
  openWindows: number
  waitedFor: number
  incomplete: number
  /** VMs far ahead of the others. */
  ahead: number
  /** For each closed window that is not published yet, by its start: when the record that closed it was folded. */
  readonly closedAtMs: Map<EpochMs, number>
  /** For each committed window that is not published yet: its close reason. */
  readonly reasons: Map<EpochMs, string>
  /** VM windows per workflow of the last commit that closes a window; `null` before the first. */
  vmsPerWorkflow: number | null
}

export class PipelineMetrics {
  readonly #instruments: Instruments
  readonly #nowMs: () => number
  /** Partitions that this process works on. */
  readonly #owned = new Map<number, PartitionFacts>()
  readonly #halted = new Set<number>()
  readonly #logs = new Map<number, { readonly ends: LogEnds; start: number }>()
  #job: JobFacts | null = null
  /** VMs in two partitions of this process. */
  #split = 0

  constructor(instruments: Instruments, nowMs: () => number) {
    this.#instruments = instruments
    this.#nowMs = nowMs
    instruments.onCollect((set) => this.#collect(set))
  }

  setJob(job: JobFacts): void {
    this.#job = job
  }

  /** Halted partitions are no longer counted: after an assignment, their new owners try them again. */
  recordAssignment(): void {
    this.#instruments.add('assignments', 1)
    this.#halted.clear()
  }

  recordLogOffsets(offsets: ReadonlyMap<number, LogOffsets>): void {
    for (const [partition, { start, end }] of offsets) {
      const log = this.#logs.get(partition) ?? { ends: new LogEnds(), start }
      log.start = start
      log.ends.observe(end, this.#nowMs())
      this.#logs.set(partition, log)
    }
  }

  observe(event: PipelineEvent): void {
    const { partition, window } = event
    const facts = this.#owned.get(partition)
    switch (event.kind) {
      case 'taken-over':
        this.#instruments.add('takeovers', 1)
        this.#halted.delete(partition)
        // The epoch is also raised to retry a commit. In that case the state of the fold does not change.
        if (facts === undefined) this.#owned.set(partition, factsAt(event.counts, event.resumeOffset))
        return
      case 'recovered':
        this.#split = event.split
        if (facts !== undefined) update(facts, event)
        return
      case 'folded':
        this.#split = event.split
        if (facts !== undefined) this.#folded(facts, event)
        return
      case 'caught-up':
        if (facts !== undefined) facts.position = event.position
        return
      case 'cut':
        if (window === null || facts === undefined) return
        facts.closedAtMs.set(window, this.#nowMs())
        facts.vmsPerWorkflow = event.vmsPerWorkflow
        // The next `folded` event names the window that is the lowest open one from here on.
        if (window === facts.lowestOpen) facts.lowestOpen = null
        return
      case 'committed':
        this.#committed(event)
        if (window !== null && event.reason !== null) facts?.reasons.set(window, event.reason)
        return
      case 'published':
        this.#published(event)
        if (window === null || facts === undefined) return
        for (const one of [...(event.earlier ?? []), window]) this.#windowPublished(facts, one)
        return
      case 'samples-refused':
        this.#instruments.add('samplesRefused', event.count)
        return
      case 'retry':
        this.#instruments.add('retries', 1, { 'windrow.step': retryStepOf(event.step) })
        return
      case 'failed':
        if (event.disposition === 'fatal') this.#halted.add(partition)
        this.#owned.delete(partition)
        return
      case 'ended':
        this.#owned.delete(partition)
        return
      default:
        return
    }
  }

  #folded(facts: PartitionFacts, event: StateEvent): void {
    for (const fate of RECORD_FATES) {
      const added = (event.counts[fate] ?? 0) - (facts.counts[fate] ?? 0)
      const attributes = { 'windrow.partition': event.partition, 'windrow.fate': fate }
      // The first batch creates all series, so that a rate exists from the first record of each fate.
      if (added > 0 || facts.counts.consumed === 0) this.#instruments.add('records', Math.max(0, added), attributes)
    }
    update(facts, event)
  }

  #committed({ window, reason, vmWindowsByReason, elapsedMs }: PipelineEvent & { readonly kind: 'committed' }): void {
    const kind = window === null ? 'checkpoint' : 'window'
    this.#instruments.record('commitDuration', elapsedMs / 1000, { 'windrow.commit.kind': kind })
    if (reason !== null) this.#instruments.add('windowsClosed', 1, { 'windrow.reason': reason })
    for (const [closed, count] of Object.entries(vmWindowsByReason)) {
      this.#instruments.add('vmWindowsClosed', count, { 'windrow.reason': closed })
    }
  }

  #published({ results, deadLettersByReason, elapsedMs }: PipelineEvent & { readonly kind: 'published' }): void {
    this.#instruments.record('publishDuration', elapsedMs / 1000)
    this.#instruments.add('results', results)
    for (const [reason, count] of Object.entries(deadLettersByReason)) {
      this.#instruments.add('deadLetters', count, { 'windrow.dead_letter.reason': reason })
    }
  }

  #windowPublished(facts: PartitionFacts, window: EpochMs): void {
    const closedAtMs = facts.closedAtMs.get(window)
    const reason = facts.reasons.get(window)
    facts.closedAtMs.delete(window)
    facts.reasons.delete(window)
    if (closedAtMs === undefined || reason === undefined) return
    this.#instruments.record('closeDuration', (this.#nowMs() - closedAtMs) / 1000, { 'windrow.reason': reason })
  }

  #collect(set: SetGauge): void {
    const nowMs = this.#nowMs()
    if (this.#job !== null) {
      set('partitions', this.#job.partitions)
      set('runContinuous', this.#job.isContinuous ? 1 : 0)
    }
    set('partitionsOwned', this.#owned.size)
    set('vmsInTwoPartitions', this.#owned.size < 2 ? 0 : this.#split)
    for (const partition of new Set([...this.#owned.keys(), ...this.#halted])) {
      set('partitionHalted', this.#halted.has(partition) ? 1 : 0, { 'windrow.partition': partition })
    }
    for (const [partition, facts] of this.#owned) {
      const attributes = { 'windrow.partition': partition }
      if (facts.isRecovered) this.#collectWindows(set, facts, nowMs, attributes)
      const log = this.#logs.get(partition)
      const lagMs = log?.ends.lagMs(facts.position, nowMs) ?? null
      if (log === undefined || log.ends.end === null || lagMs === null) continue
      set('lag', Math.max(0, log.ends.end - facts.position), attributes)
      set('lagDuration', Math.max(0, lagMs) / 1000, attributes)
      set('logEnd', log.ends.end, attributes)
      set('retentionMargin', Math.max(0, facts.position - log.start), attributes)
    }
  }

  #collectWindows(set: SetGauge, facts: PartitionFacts, nowMs: number, attributes: Attributes): void {
    set('windowsOpen', facts.openWindows, attributes)
    set('vmsAhead', facts.ahead, attributes)
    if (facts.vmsPerWorkflow !== null) set('vmsPerWorkflow', facts.vmsPerWorkflow, attributes)
    set('completeness', facts.waitedFor === 0 ? 1 : 1 - facts.incomplete / facts.waitedFor, attributes)
    if (facts.watermark !== null) set('watermarkDelay', (nowMs - facts.watermark) / 1000, attributes)
    const overdueMs = this.#overdueMs(facts, nowMs)
    if (overdueMs !== null) set('overdue', overdueMs / 1000, attributes)
  }

  #overdueMs({ closedAtMs, lowestOpen }: PartitionFacts, nowMs: number): number | null {
    if (this.#job === null || this.#job.deadlineMs === null) return null
    // The oldest window that is not published: the first one closed, else the lowest one open.
    const [window = lowestOpen] = closedAtMs.keys()
    return window === null ? 0 : Math.max(0, nowMs - (this.#job.windows.endOf(window) + this.#job.deadlineMs))
  }
}

function factsAt(counts: FateCounts, position: number): PartitionFacts {
  return {
    ...{
      counts,
      position,
      isRecovered: false,
      watermark: null,
      lowestOpen: null,
      openWindows: 0,
      waitedFor: 0,
      incomplete: 0,
      ahead: 0,
    },
    ...{ closedAtMs: new Map(), reasons: new Map(), vmsPerWorkflow: null },
  }
}

type StateEvent = PipelineEvent & { readonly kind: 'recovered' | 'folded' }

function update(facts: PartitionFacts, event: StateEvent): void {
  const { window: lowestOpen, counts, position, watermark, openWindows, waitedFor, incomplete, ahead } = event
  Object.assign(facts, { lowestOpen, counts, position, watermark, openWindows, waitedFor, incomplete, ahead })
  facts.isRecovered = true
}

/** Strips the number that some steps end in. Unknown steps become `other` instead of a new series. */
export function retryStepOf(step: string): RetryStep {
  const words = step.replace(/ \d+$/, '')
  return RETRY_STEPS.find((known) => known === words) ?? 'other'
}
