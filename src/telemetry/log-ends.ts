/**
 * Lag as a time: how long ago the end of the log was at a partition's current position. It does not depend on the timestamps
 * of records. The log's end is polled every few seconds; between two polls it is interpolated linearly.
 */

/** Number of polls to keep: one hour at one poll per five seconds. A larger lag is reported as one hour. */
const MAX_POLLS = 720

interface Poll {
  readonly end: number
  readonly atMs: number
}

export class LogEnds {
  /** Oldest first; the ends never decrease. */
  readonly #polls: Poll[] = []

  observe(end: number, atMs: number): void {
    const last = this.#polls.at(-1)
    // The log was truncated or recreated, so earlier polls are meaningless.
    if (last !== undefined && end < last.end) this.#polls.length = 0
    // While the end does not move, keep only the first and the last poll of that time. The last is where growth resumes.
    const isUnchanged = this.#polls.at(-1)?.end === end && this.#polls.at(-2)?.end === end
    if (isUnchanged) this.#polls.pop()
    this.#polls.push({ end, atMs })
    if (this.#polls.length > MAX_POLLS) this.#polls.shift()
  }

  /** The latest end of the log; `null` before the first poll. */
  get end(): number | null {
    return this.#polls.at(-1)?.end ?? null
  }

  /** Lag in milliseconds: 0 if everything is read; `null` before the first poll. */
  lagMs(position: number, nowMs: number): number | null {
    const { end } = this
    if (end === null) return null
    if (position >= end) return 0
    const after = this.#polls.findIndex((poll) => poll.end > position)
    const next = this.#polls[after] as Poll
    const before = this.#polls[after - 1]
    if (before === undefined) return nowMs - next.atMs
    const share = (position - before.end) / (next.end - before.end)
    return nowMs - (before.atMs + share * (next.atMs - before.atMs))
  }
}
