/** The rules of a job that decide what is folded and when windows close. Bound to the job: they never change under it. */
import type { DurationMs } from './point.ts'

export interface Windowing {
  /** Length of the windows; of calendar windows their usual length. Only window-policy.ts computes with it. */
  readonly sizeMs: DurationMs
  /** How far windows of one length begin after the multiples of it; absent: 0. */
  readonly offsetMs?: DurationMs
  /** The windows are days, weeks or months; absent: they are of one length. */
  readonly calendar?: CalendarRule
  /** A window closes when a quorum of VMs has reached its end plus this. */
  readonly graceMs: DurationMs
  /** Share of the VMs that has to be exceeded for a quorum, from 0 to below 1; 0: one VM is enough. */
  readonly quorum: number
  /** A window closes when the wall clock reaches its end plus this and the log is read to its end; `null`: never. */
  readonly deadlineMs: DurationMs | null
  /** Number of closed windows that are remembered: late points amend them, and duplicates of late points are recognized. */
  readonly amendWindows: number
  /** After how many closed windows in which it sent nothing a producer is no longer expected. */
  readonly rosterWindows: number
  /** After how many windows without a point a VM's state is dropped. */
  readonly stateWindows: number
  /** Each metric of each producer has one point per interval of this length, which gives expected counts without manifests. */
  readonly expectEveryMs: DurationMs | null
  /** Metrics that a cadence expects of every producer, whether or not one came. */
  readonly expectMetrics: readonly string[]
  /** Whether a producer that appears replaces the earlier producers of its VM. */
  readonly producerRestarts: 'keep' | 'replace'
  /** A timestamp further ahead of the broker's clock is rejected; `null` where there is no such clock. */
  readonly maxAheadMs: DurationMs | null
  /** Points without a seq are identified by their timestamp; absent: they are counted and never deduplicated. */
  readonly identity?: 'time'
  /** Distance from the lowest to the highest seq of a producer's VM window; beyond it a point is rejected. */
  readonly maxSeqSpan: number
  readonly maxMetricsPerVm: number
  readonly maxProducersPerVm: number
  /** The input is in no order of time: windows close at its end only. */
  readonly closeAtEndOnly: boolean
  /** The input is sorted by window: a window closes once a record of a later one shows that all of it has been read. */
  readonly inWindowOrder: boolean
}

/** Windows between the borders of a calendar, by the local time of a time zone. */
export interface CalendarRule {
  readonly unit: CalendarUnit
  /** A name of the time zone database, such as `Europe/Berlin`. */
  readonly timeZone: string
  /** First day of a week: 1 (Monday) to 7 (Sunday). Only with the unit `week`. */
  readonly weekStart?: number
}

export type CalendarUnit = 'day' | 'week' | 'month'

const NO_METRICS: readonly string[] = []
/** Rules that job records of earlier versions lack, with the values that keep the behaviour of those versions. */
export const RULES_BEFORE = {
  quorum: 0,
  inWindowOrder: false,
  expectMetrics: NO_METRICS,
  producerRestarts: 'keep',
} as const satisfies Partial<Windowing>
