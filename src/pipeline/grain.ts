/**
 * The grain of a commit: how many VM windows one `vm-window` workflow closes. An instance of its own makes each VM window
 * visible and retryable, but costs more than the VM window itself. So a partition pays for it while it keeps up and its closes
 * are quick enough, and closes in larger groups while it lags, replays or recovers.
 *
 * The grain is decided when a cut is taken, and is pinned in the plan of its commit. No result and no certificate depends on it.
 */
import type { DurationMs } from '../core/point.ts'

/** What the grain of a commit depends on. */
export interface CommitLoad {
  /** VM windows that the commit computes. */
  readonly vmWindows: number
  /** Time since the partition had read everything that was in the log; infinite if it has not yet under this owner. */
  readonly behindMs: DurationMs
  /** Earlier cuts that are not committed and published yet. */
  readonly pendingCuts: number
  /** The last commit of this owner that computed VM windows; `null` before the first. */
  readonly last: CommitCost | null
}

/** What a commit that computed VM windows has cost. */
export interface CommitCost {
  readonly vmWindows: number
  readonly vmsPerWorkflow: number
  /** From the start of the commit until its results were published. */
  readonly elapsedMs: DurationMs
}

export type GrainRule = (load: CommitLoad) => number

export interface GrainLimits {
  /** Time that a close may take with one workflow per VM window; if it takes longer, it gets a coarser grain. */
  readonly closeWithinMs: DurationMs
  /** The coarsest grain, for which all payloads are bounded. */
  readonly coarsest: number
}

/** Wall-clock time of one workflow instance, until a commit has been measured. Measured with daprd, including the servers. */
const ASSUMED_INSTANCE_MS = 7.5

/** With more pending cuts than this, windows close faster than they are committed. One may be a checkpoint. */
const MAX_PENDING_CUTS = 1

/**
 * The rule for `vmsPerWorkflow: auto`: the finest grain with which the commit is expected to take at most `closeWithinMs`.
 *
 * A commit of n VM windows with the grain g takes a fixed time F and a time I per instance: F + I × n / g. So g × duration is
 * at least I × n, which is the time that one instance per VM window would add up to. Dividing it by `closeWithinMs` gives a
 * grain that is coarse enough. It is too coarse by F × g / `closeWithinMs`, so the error shrinks with every commit.
 */
export function grainByLoad({ closeWithinMs, coarsest }: GrainLimits): GrainRule {
  return ({ vmWindows, behindMs, pendingCuts, last }) => {
    if (behindMs > closeWithinMs || pendingCuts > MAX_PENDING_CUTS) return coarsest
    const perVmWindowMs =
      last === null ? ASSUMED_INSTANCE_MS : (last.elapsedMs * last.vmsPerWorkflow) / Math.max(1, last.vmWindows)
    const grain = Math.ceil((perVmWindowMs * vmWindows) / closeWithinMs)
    return Math.min(coarsest, Math.max(1, grain))
  }
}
