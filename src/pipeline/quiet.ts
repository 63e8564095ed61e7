/**
 * How long a partition has been quiet, and how long late points have been waiting, by the wall clock of its owner. Nothing here
 * decides a close: a decision of the clock takes effect through the ledger's intent (I6). An owner that takes over starts from zero.
 */
import type { PartitionState, Quiet } from '../core/partition-state.ts'
import type { EpochMs } from '../core/point.ts'

export class QuietTimes {
  #lastRecordAtMs: EpochMs
  #headChangedAtMs: EpochMs
  #headStart: EpochMs | null = null
  #headVersion = 0
  #pendingSinceMs: EpochMs | null = null

  constructor(nowMs: EpochMs) {
    this.#lastRecordAtMs = nowMs
    this.#headChangedAtMs = nowMs
  }

  /** Records were received at `nowMs`. */
  recordReceived(nowMs: EpochMs): void {
    this.#lastRecordAtMs = nowMs
  }

  /** Takes in what the fold has become: its lowest window, and whether late points wait for a commit. */
  observe({ head, headVersion, late }: PartitionState, nowMs: EpochMs): void {
    const start = head?.start ?? null
    if (start !== this.#headStart || headVersion !== this.#headVersion) this.#headChangedAtMs = nowMs
    this.#headStart = start
    this.#headVersion = headVersion
    this.#pendingSinceMs = late.hasPending ? (this.#pendingSinceMs ?? nowMs) : null
  }

  quietAt(nowMs: EpochMs): Quiet {
    return { partitionMs: nowMs - this.#lastRecordAtMs, headMs: nowMs - this.#headChangedAtMs }
  }

  /** For how long the first of the late points has been waiting; 0 if none is. */
  pendingMs(nowMs: EpochMs): number {
    return this.#pendingSinceMs === null ? 0 : nowMs - this.#pendingSinceMs
  }
}
