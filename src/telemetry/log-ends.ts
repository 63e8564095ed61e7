/**
 * How long ago the log ended where a partition stands now: its lag as a time, whatever timestamps its records carry. From
 * looks at the log's end every few seconds, with straight lines between them.
 */

/** Looks that are kept; at one each five seconds, for an hour. Further back the lag is said as at least that. */
const MAX_LOOKS = 720

interface Look {
  readonly end: number
  readonly atMs: number
}

export class LogEnds {
  /** Ends rise from look to look. */
  readonly #looks: Look[] = []

  observe(end: number, atMs: number): void {
    const last = this.#looks.at(-1)
    // A log that was cut or made anew: what was seen of the old one says nothing of this.
    if (last !== undefined && end < last.end) this.#looks.length = 0
    // Of a log that stands still the first look is wanted, and the last, where it goes on from.
    const isStill = this.#looks.at(-1)?.end === end && this.#looks.at(-2)?.end === end
    if (isStill) this.#looks.pop()
    this.#looks.push({ end, atMs })
    if (this.#looks.length > MAX_LOOKS) this.#looks.shift()
  }

  /** Where the log ended last; `null` before the first look. */
  get end(): number | null {
    return this.#looks.at(-1)?.end ?? null
  }

  /** 0 where everything is read; `null` before the first look. */
  lagMs(position: number, nowMs: number): number | null {
    const { end } = this
    if (end === null) return null
    if (position >= end) return 0
    const after = this.#looks.findIndex((look) => look.end > position)
    const next = this.#looks[after] as Look
    const before = this.#looks[after - 1]
    if (before === undefined) return nowMs - next.atMs
    const share = (position - before.end) / (next.end - before.end)
    return nowMs - (before.atMs + share * (next.atMs - before.atMs))
  }
}
