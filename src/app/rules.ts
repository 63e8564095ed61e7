/** Derives the windowing rules of a job from its settings. */
import { settingOf } from '../config/names.ts'
import type { Config } from '../config/settings.ts'
import type { AnyAggregator } from '../core/aggregator.ts'
import { checkPayload } from '../core/payload-bound.ts'
import { CALENDAR_MS, WEEKDAYS } from '../core/calendar-windows.ts'
import type { WindowRules } from '../core/window-policy.ts'
import type { Windowing } from '../core/windowing.ts'
import { ConfigurationError } from '../errors/index.ts'

/** When windows close by the order of the input: as time passes in it, window by window, or at its end. */
export type InputOrder = 'time' | 'window' | 'none'

/** The rules that decide where windows begin. */
export function windowRulesOf({ window, offsetMs, timeZone, weekStart }: Config): WindowRules {
  if (typeof window === 'number') return { sizeMs: window, ...(offsetMs === 0 ? {} : { offsetMs }) }
  if (timeZone === null) throw new Error(`windows of a ${window} require a time zone`)
  const ofWeek = window === 'week' ? { weekStart: WEEKDAYS.indexOf(weekStart) + 1 } : {}
  return { sizeMs: CALENDAR_MS[window], calendar: { unit: window, timeZone, ...ofWeek } }
}

/** `hasBrokerClock`: the broker stamps every record with its own clock. */
export function rulesOf(config: Config, hasBrokerClock: boolean, order: InputOrder = 'time'): Windowing {
  return {
    ...windowRulesOf(config),
    graceMs: config.graceMs,
    quorum: config.quorum,
    deadlineMs: isReadWhole(config) || order !== 'time' ? null : config.deadlineMs,
    amendWindows: config.amendWindows,
    rosterWindows: config.rosterWindows,
    stateWindows: config.stateWindows,
    expectEveryMs: config.expectEveryMs,
    expectMetrics: [...config.expectMetrics].sort(),
    producerRestarts: config.producerRestarts,
    maxAheadMs: hasBrokerClock ? config.maxAheadMs : null,
    ...(config.fields.seq === null ? { identity: 'time' as const } : {}),
    maxSeqSpan: config.maxSeqSpan,
    maxMetricsPerVm: config.maxMetricsPerVm,
    maxProducersPerVm: config.maxProducersPerVm,
    closeAtEndOnly: order === 'none',
    inWindowOrder: order === 'window',
  }
}

/** Whether the input is complete before it is read: then no wall clock decides anything. Standard input may never end. */
export function isReadWhole({ source, input }: Config): boolean {
  return source === 'files' && !input.includes('-')
}

/** Throws if a VM window at the limits of these settings would exceed the largest value of the state store (I8). */
export function assertPayloadFits(config: Config, aggregator: AnyAggregator): void {
  const found = checkPayload(rulesOf(config, false), aggregator, config.maxValueBytes)
  if (found === null) return
  const { setting, problem, remedy } = found
  const { flag, name } = settingOf(setting)
  throw new ConfigurationError([{ place: flag ?? name, problem, remedy }])
}
