/**
 * Commits cuts in order, one commit at a time, while folding continues. Cuts that wait meanwhile are joined where they can be
 * (joined-cuts.ts). A few commits may wait; with a full queue, `submit` waits and the source with it (backpressure).
 */
import type { DurationMs } from '../core/point.ts'
import { commitCuts } from './commit-cut.ts'
import { vmWindowsOf, type Cut } from './cut.ts'
import type { CommitCost } from './grain.ts'
import { joinCuts, MAX_PASSED_STATES, closedStartsOf, type JoinedCuts } from './joined-cuts.ts'
import { publishOutstanding, sweep, unsweptPages } from './publishing.ts'
import { retrying } from './retrying.ts'
import type { Session } from './session.ts'

/** A sweep need not wait for the end of a series of commits if it has this many pages to delete. */
const MAX_UNSWEPT_PAGES = 100

export class Committer {
  readonly #session: Session
  readonly #waiting: Cut[] = []
  readonly #onFailure: () => void
  #failure: { readonly error: unknown } | null = null
  #working: Promise<void> | null = null
  #roomWanted: (() => void)[] = []
  #lastCost: CommitCost | null = null

  /** `onFailure` is called when a commit has failed for good. `submit` and `drain` then throw its error. */
  constructor(session: Session, onFailure: () => void) {
    this.#session = session
    this.#onFailure = onFailure
  }

  /** Cuts that are not committed and published yet. */
  get pendingCuts(): number {
    return this.#waiting.length + (this.#working === null ? 0 : 1)
  }

  /** The cost of the last commit that computed VM windows; `null` before the first. */
  get lastCost(): CommitCost | null {
    return this.#lastCost
  }

  /** Resolves when the cut is in the queue, which may be long before it is committed. */
  async submit(cut: Cut): Promise<void> {
    this.#throwFailure()
    this.#waiting.push(cut)
    this.#working ??= this.#work()
    while (this.#waitingCommits.length > this.#session.env.limits.maxQueuedCuts) {
      await new Promise<void>((resolve) => this.#roomWanted.push(resolve))
      this.#throwFailure()
    }
  }

  /** Resolves when every submitted cut is committed and published. */
  async drain(): Promise<void> {
    while (this.#working !== null) await this.#working
    this.#throwFailure()
  }

  async #work(): Promise<void> {
    try {
      for (let cuts = this.#take(); cuts !== undefined; cuts = this.#take()) {
        this.#makeRoom()
        const startedMs = this.#session.env.clock.nowMs()
        await this.#confirmSource()
        await commitCuts(this.#session, cuts)
        await publishOutstanding(this.#session, closedStartsOf(cuts))
        this.#recordCost(cuts, this.#session.env.clock.nowMs() - startedMs)
        // While commits follow one another, several are swept with one call; the index keeps what is not deleted yet.
        if (this.#waiting.length === 0 || unsweptPages(this.#session) > MAX_UNSWEPT_PAGES) await sweep(this.#session)
      }
    } catch (error) {
      this.#failure = { error }
      this.#onFailure()
    } finally {
      this.#working = null
      this.#makeRoom()
    }
  }

  get #waitingCommits(): readonly JoinedCuts[] {
    const { env, index } = this.#session
    const states = index?.states?.rows ?? 0
    return joinCuts(this.#waiting, states > MAX_PASSED_STATES ? 1 : env.limits.windowsPerCommit)
  }

  /** Takes the cuts of the next commit out of the queue. */
  #take(): JoinedCuts | undefined {
    const [next] = this.#waitingCommits
    if (next !== undefined) this.#waiting.splice(0, next.earlier.length + 1)
    return next
  }

  #recordCost({ earlier, last }: JoinedCuts, elapsedMs: DurationMs): void {
    const vmWindows = [...earlier, last].reduce((sum, cut) => sum + vmWindowsOf(cut), 0)
    if (vmWindows > 0) this.#lastCost = { vmWindows, vmsPerWorkflow: last.vmsPerWorkflow, elapsedMs }
  }

  /** The records of a cut were delivered before this check. So a replaced source is noticed before they are committed. */
  async #confirmSource(): Promise<void> {
    const { env, partition, signal } = this.#session
    const confirm = env.source.confirm?.bind(env.source)
    if (confirm !== undefined) await retrying(env, partition, signal, 'confirming the source', confirm)
  }

  #makeRoom(): void {
    for (const resolve of this.#roomWanted.splice(0)) resolve()
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error
  }
}
