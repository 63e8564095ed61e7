/**
 * Keeps the newest snapshot of a job: its ledgers and views, and what it has published, as of one moment. One reader serves all
 * pages. It rests at least so long after each reading that readings take a small share of the time, since a running job serves
 * them from its own process.
 */
import { createHash } from 'node:crypto'
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { ProblemAnswer } from '../answers.ts'
import type { PublishedIndex } from '../results/published.ts'
import type { JobReader, JobState } from './job-reader.ts'

export interface Snapshot extends JobState {
  readonly id: string
  readonly takenAtMs: number
}

export interface SnapshotOptions {
  readonly reader: JobReader
  /** Opened when the job has been found. */
  readonly openPublished: (state: JobState) => Promise<PublishedIndex>
  readonly clock: Clock
  /** Called after every reading; `isNew`: something has changed. The next reading waits for it. */
  readonly onSnapshot: (snapshot: Snapshot, published: PublishedIndex, isNew: boolean) => Promise<void>
  readonly onProblem: (problem: ProblemAnswer) => void
  /** Whether a page is open; if not, readings are rare. */
  readonly isWatched: () => boolean
}

const MIN_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000
const UNWATCHED_PAUSE_MS = 10_000
/** A pause is so many times as long as the reading before it: 2 % of the time goes into readings, half of it in the job. */
const PAUSE_PER_READING = 49

export class Snapshots {
  readonly #options: SnapshotOptions
  #latest: Snapshot | null = null
  #published: PublishedIndex | null = null
  #problem: ProblemAnswer | null = { ...LOADING }
  #reading: Promise<void> | null = null
  #pauseMs = MIN_PAUSE_MS
  #readAtMs = -Infinity

  constructor(options: SnapshotOptions) {
    this.#options = options
  }

  get latest(): Snapshot | null {
    return this.#latest
  }

  get published(): PublishedIndex | null {
    return this.#published
  }

  /** Why the job cannot be read now; `null`: it can. */
  get problem(): ProblemAnswer | null {
    return this.#problem
  }

  /** A snapshot that is not older than the pause between two readings. */
  async fresh(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#readAtMs >= this.#pauseMs || this.#latest === null) await this.read(signal)
  }

  /** Reads now, or waits for the reading in progress. */
  read(signal: AbortSignal): Promise<void> {
    return (this.#reading ??= this.#readOnce(signal).finally(() => (this.#reading = null)))
  }

  /** Reads until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, isWatched } = this.#options
    while (!signal.aborted) {
      await this.read(signal)
      await clock.sleep(isWatched() ? this.#pauseMs : Math.max(this.#pauseMs, UNWATCHED_PAUSE_MS), signal)
    }
  }

  async close(): Promise<void> {
    await this.#reading
    await this.#published?.close()
  }

  /** Returns whether it differs from the snapshot before. */
  #show(state: JobState, published: PublishedIndex, takenAtMs: number): boolean {
    const id = idOf(state, published.version, published.state.problem)
    const isNew = id !== this.#latest?.id
    this.#latest = { ...state, id, takenAtMs }
    this.#problem = null
    return isNew
  }

  async #readOnce(signal: AbortSignal): Promise<void> {
    const { reader, openPublished, clock, onSnapshot, onProblem } = this.#options
    const startedMs = performance.now()
    try {
      const state = await reader.read(signal)
      const isFirst = this.#published === null
      const published = (this.#published ??= await openPublished(state))
      // Reading the results of a long job takes a while. Until then, answers have what has been read.
      if (isFirst) this.#show(state, published, clock.nowMs())
      await published.sync(signal)
      if (signal.aborted) return
      // Synchronous from here on: no answer sees a part of it.
      published.apply()
      const isNew = this.#show(state, published, clock.nowMs())
      await onSnapshot(this.#latest as Snapshot, published, isNew)
    } catch (error) {
      if (signal.aborted) return
      this.#problem = problemOf(error)
      onProblem(this.#problem)
    } finally {
      this.#readAtMs = performance.now()
      const tookMs = this.#readAtMs - startedMs
      this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, tookMs * PAUSE_PER_READING))
    }
  }
}

/** Everything but the lag, which grows without the job. */
function idOf({ status, process }: JobState, version: number, problem: string | null): string {
  const partitions = status.partitions.map(({ logEnd: _end, lag: _lag, ...rest }) => rest)
  const text = JSON.stringify([{ ...status, partitions }, process, version, problem])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

const LOADING: ProblemAnswer = {
  status: 503,
  code: 'LOADING',
  detail: 'the job has not been read yet',
  remedy: 'Retry in a second.',
}

const NOT_FOUND: ReadonlySet<string> = new Set(['NO_JOB', 'NO_STATE'])

/** The problem of an error in reading the job. A bug is not hidden: it rejects. */
function problemOf(error: unknown): ProblemAnswer {
  if (!(error instanceof WindrowError)) throw error
  const { code, remedy } = error
  return { status: NOT_FOUND.has(code) ? 404 : 503, code, detail: messageOf(error), remedy }
}
