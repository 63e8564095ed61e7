/** Open windows as the last commit has them: how far each VM is, and what its producers lack. Pure. */
import type { EpochMs } from '../../core/point.ts'
import type { OpenWindow } from '../../core/open-window.ts'
import type { ProducerWindow } from '../../core/producer-window.ts'
import type { ProducerSeries } from '../../core/producer-series.ts'
import { missingOf } from '../../core/slots.ts'
import type { TimeWindow } from '../../core/window-policy.ts'
import type { Windowing } from '../../core/windowing.ts'
import type { PartitionView } from '../../pipeline/inspect.ts'
import type { OpenAnswer, OpenWindowAnswer, WaitingAnswer } from '../answers.ts'
import type { Snapshot } from '../snapshot/snapshots.ts'

const MAX_RANGES = 100

/** An open window with all (VM, producer) pairs that it waits for. */
export interface OpenView {
  readonly partition: number
  readonly window: OpenWindow
  /** Sorted: first those that lack most. */
  readonly pairs: readonly WaitingAnswer[]
}

/** Computed once per snapshot. */
const views = new WeakMap<Snapshot, readonly OpenView[]>()

/** By start, then partition. */
export function openViewsOf(snapshot: Snapshot): readonly OpenView[] {
  let found = views.get(snapshot)
  if (found === undefined) {
    found = snapshot.stored
      .flatMap(({ view }, partition) => (view === null ? [] : viewsIn(partition, view, snapshot.record.rules)))
      .sort((a, b) => a.window.start - b.window.start || a.partition - b.partition)
    views.set(snapshot, found)
  }
  return found
}

function viewsIn(partition: number, { state }: PartitionView, rules: Windowing): OpenView[] {
  return [...state.windows.values()].map((window) => {
    // As in the status: the cadence counts for one window at a time.
    state.series.setHead(window)
    const pairs: WaitingAnswer[] = []
    for (const { vmId, producers } of window.vms.values()) {
      for (const [name, producer] of producers) {
        const series = state.series.find(vmId, name)
        if (series !== null && series.history !== producer.history) producer.history = series.history
        pairs.push(pairOf(vmId, name, producer, series, window, rules))
      }
    }
    for (const vmId of state.roster.vmIds()) {
      for (const name of state.roster.producersOf(vmId)) {
        if (!window.has(vmId, name)) pairs.push(silentPair(vmId, name, state.series.find(vmId, name), window, rules))
      }
    }
    return { partition, window, pairs: pairs.sort(worstFirst) }
  })
}

const STATES = ['silent', 'missing', 'unannounced', 'conflict', 'complete'] as const

function worstFirst(a: WaitingAnswer, b: WaitingAnswer): number {
  const byState = Number(a.state === 'complete') - Number(b.state === 'complete')
  if (byState !== 0) return byState
  const byMissing = b.missingCount - a.missingCount
  if (byMissing !== 0) return byMissing
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || compare(a.vmId, b.vmId) || compare(a.producer, b.producer)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function pairOf(
  vmId: string,
  producer: string,
  sent: ProducerWindow,
  series: ProducerSeries | null,
  window: TimeWindow,
  rules: Windowing,
): WaitingAnswer {
  const { expected, missingCount } = promiseOf(sent, series, window, rules)
  const state = sent.isComplete
    ? 'complete'
    : !sent.isHeard
      ? 'silent'
      : sent.conflicts > 0 && missingCount === 0
        ? 'conflict'
        : expected === null
          ? 'unannounced'
          : 'missing'
  const missing = sent.missing(MAX_RANGES).ranges
  return { vmId, producer, state, expected, received: sent.receivedCount, missing, missingCount }
}

function silentPair(
  vmId: string,
  producer: string,
  series: ProducerSeries | null,
  window: TimeWindow,
  rules: Windowing,
): WaitingAnswer {
  const { expected, missingCount } = slotsOf(series, window, rules)
  const state = series?.isHeadComplete === true ? 'complete' : 'silent'
  return { vmId, producer, state, expected, received: 0, missing: [], missingCount }
}

function promiseOf(
  sent: ProducerWindow,
  series: ProducerSeries | null,
  window: TimeWindow,
  rules: Windowing,
): { readonly expected: number | null; readonly missingCount: number } {
  if (sent.promised !== null || sent.replacedBy !== null || rules.expectEveryMs === null) {
    return { expected: sent.expectedCount, missingCount: sent.missingCount }
  }
  return slotsOf(series, window, rules)
}

/** What the cadence expects of a producer in the window so far. */
function slotsOf(
  series: ProducerSeries | null,
  window: TimeWindow,
  { expectEveryMs }: Windowing,
): { readonly expected: number | null; readonly missingCount: number } {
  if (expectEveryMs === null || series === null) return { expected: null, missingCount: 0 }
  const slots = series.closed(window)
  if (slots.length === 0) return { expected: null, missingCount: 0 }
  return {
    expected: slots.reduce((sum, { count }) => sum + count, 0),
    missingCount: slots.reduce((sum, one) => sum + missingOf(one), 0),
  }
}

export function openWindowAnswer(
  { partition, window, pairs }: OpenView,
  { graceMs, deadlineMs }: Windowing,
  limit: number,
): OpenWindowAnswer {
  const waiting = pairs.filter(({ state }) => state !== 'complete')
  const sums = { duplicates: 0, conflicts: 0, noReadings: 0 }
  for (const vm of window.vms.values()) {
    sums.duplicates += vm.duplicates
    sums.conflicts += vm.conflicts
    sums.noReadings += vm.noReadings
  }
  return {
    ...{ partition, start: window.start, end: window.end, vmWindows: window.vms.size, waitedFor: pairs.length },
    complete: pairs.length - waiting.length,
    expected: pairs.reduce<number | null>((sum, { expected }) => addKnown(sum, expected), 0),
    received: pairs.reduce((sum, { received }) => sum + received, 0),
    missing: pairs.reduce((sum, { missingCount }) => sum + missingCount, 0),
    ...sums,
    graceEndsMs: window.end + graceMs,
    deadlineMs: deadlineMs === null ? null : window.end + deadlineMs,
    waitsFor: { total: waiting.length, first: waiting.slice(0, limit) },
  }
}

export function addKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

export function openAnswer(snapshot: Snapshot, limit: number): OpenAnswer {
  const { rules } = snapshot.record
  return {
    snapshot: snapshot.id,
    windows: openViewsOf(snapshot).map((view) => openWindowAnswer(view, rules, limit)),
  }
}

export function openViewAt(snapshot: Snapshot, partition: number, start: EpochMs): OpenView | null {
  return openViewsOf(snapshot).find((one) => one.partition === partition && one.window.start === start) ?? null
}
