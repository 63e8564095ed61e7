/** Throughput, lag and close latency over time, as the serving process samples them. */
import type { SeriesAnswer } from '../answers.ts'
import type { Snapshot } from './snapshots.ts'

/** Half an hour at one sample per second. */
const MAX_SAMPLES = 1_800

interface Sample {
  readonly atMs: number
  readonly recordsPerSecond: number | null
  readonly lag: number | null
  readonly closeMs: number | null
  readonly closed: number
}

export class SampleSeries {
  #samples: Sample[] = []
  #last: { readonly atMs: number; readonly consumed: number; readonly windows: number } | null = null

  /** `closeMs`: how long the workflows of windows took that closed since the sample before. */
  add(snapshot: Snapshot, closeMs: readonly number[]): void {
    const { takenAtMs: atMs, status, stored } = snapshot
    const { consumed } = status.counts
    const windows = stored.reduce((sum, { view }) => sum + (view?.index?.totals.windows ?? 0), 0)
    const last = this.#last
    this.#last = { atMs, consumed, windows }
    const seconds = last === null ? 0 : (atMs - last.atMs) / 1000
    const isKnown = last !== null && seconds > 0 && consumed >= last.consumed
    const lags = status.partitions.map(({ lag }) => lag)
    this.#samples.push({
      atMs,
      recordsPerSecond: isKnown ? Math.round((consumed - last.consumed) / seconds) : null,
      lag: lags.some((lag) => lag === null) ? null : lags.reduce<number>((sum, lag) => sum + (lag as number), 0),
      closeMs: closeMs.length === 0 ? null : Math.max(...closeMs),
      closed: last === null ? 0 : Math.max(0, windows - last.windows),
    })
    if (this.#samples.length > MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES)
  }

  answer(): SeriesAnswer {
    const column = <K extends keyof Sample>(key: K): Sample[K][] => this.#samples.map((sample) => sample[key])
    return {
      ...{ atMs: column('atMs'), recordsPerSecond: column('recordsPerSecond'), lag: column('lag') },
      ...{ closeMs: column('closeMs'), closed: column('closed') },
    }
  }
}
