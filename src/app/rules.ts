/** From settings to the rules of a job. */
import type { Config } from '../config/settings.ts'
import type { Windowing } from '../core/windowing.ts'

/** `hasBrokerClock`: records carry a time that the broker vouches for. */
export function rulesOf(config: Config, hasBrokerClock: boolean): Windowing {
  const isFiles = config.source === 'files'
  return {
    sizeMs: config.windowMs,
    graceMs: config.graceMs,
    // A file is there whole: no wall clock has a say in it.
    deadlineMs: isFiles ? null : config.deadlineMs,
    amendWindows: config.amendWindows,
    rosterWindows: config.rosterWindows,
    stateWindows: config.stateWindows,
    expectEveryMs: config.expectEveryMs,
    maxAheadMs: hasBrokerClock ? config.maxAheadMs : null,
    maxSeqSpan: config.maxSeqSpan,
    maxMetricsPerVm: config.maxMetricsPerVm,
    maxProducersPerVm: config.maxProducersPerVm,
    closeAtEndOnly: isFiles && config.order === 'any',
  }
}
