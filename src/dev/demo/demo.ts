/**
 * The demo: a made-up fleet (fleet.ts, shapes.ts) whose points arrive in disorder (arrivals.ts), counted as they are made
 * (tally.ts), read as any other input (source.ts, input.ts) by a run like any other, and its results held against that
 * count (report.ts). random.ts has the seeded randomness, text.ts the texts that the demo prints.
 */
import { readPublishedResults } from '../../adapters/files/read-results.ts'
import { runJobWith } from '../../app/run/run.ts'
import type { JobSummary, RunObserver, RunProgress } from '../../app/types.ts'
import type { Config } from '../../config/settings.ts'
import { summary as builtInSummary } from '../../core/summary.ts'
import { createFleet, type DemoOptions, type Fleet } from './fleet.ts'
import { openDemoInput } from './input.ts'
import { reportOn, type DemoReport } from './report.ts'
import { tallyOf, type FleetTally } from './tally.ts'

export interface Demo {
  readonly fleet: Fleet
  readonly tally: FleetTally
  /** As `runJobWith`; the report is `null` when the run was stopped before its end. */
  run(observer: RunObserver, signal: AbortSignal): Promise<{ summary: JobSummary; report: DemoReport | null }>
}

/** `config` says where state and results are kept; results go to the file `resultsPath`. */
export function createDemo(options: DemoOptions, config: Config, resultsPath: string): Demo {
  const fleet = createFleet(options)
  const tally = tallyOf(fleet)
  return {
    fleet,
    tally,
    async run(observer, signal) {
      const openInput = () => openDemoInput(fleet, config)
      const summary = await runJobWith(builtInSummary, config, knowing(tally, observer), signal, openInput)
      const isDone = summary.points.consumed === tally.records && summary.vmWindows === tally.manifests
      // A run that ended without being stopped but did not process everything is reported as a difference.
      if (!isDone && signal.aborted) return { summary, report: null }
      return { summary, report: await reportOn(fleet, tally, summary, readPublishedResults(resultsPath)) }
    },
  }
}

/** Adds to each progress snapshot the totals that the demo knows in advance: the number of records and of VM windows. */
function knowing(tally: FleetTally, observer: RunObserver): RunObserver {
  let isResumed = false
  return {
    progress(snapshot: RunProgress) {
      // A resumed run does not count the VM windows that earlier runs have closed.
      const vmWindowsTotal = isResumed ? snapshot.vmWindowsTotal : tally.manifests
      observer.progress({ ...snapshot, available: tally.records, vmWindowsTotal })
    },
    event(event) {
      isResumed ||= event.kind === 'resumed'
      observer.event(event)
    },
  }
}
