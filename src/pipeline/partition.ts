/**
 * Runs one partition from takeover to its end, in this order:
 *
 *   take over → publish what is outstanding → recover → read → fold → close → cut   (this file)
 *   cut → intent, chunks, parent workflow, ledger → publish → sweep                 (committer.ts, beside it)
 *
 * A short queue of cuts connects the two sides. All decisions in this file depend on the records and the ledger alone (I6),
 * so the same decisions follow after a crash at any point.
 */
import { decodedEntries } from '../core/entries.ts'
import type { LateWindow } from '../core/late-windows.ts'
import type { CloseDecision, ClosedWindow, PartitionState } from '../core/partition-state.ts'
import type { FateCounts, Refusal } from '../core/fate.ts'
import { InputFindings, NO_FINDINGS } from '../core/input-findings.ts'
import type { EpochMs, SourceRecord } from '../core/point.ts'
import { messageOf, WindrowError } from '../errors/index.ts'
import { haltingError, isTransient, storeHalt, NO_OWNER, type HaltedOwner } from '../ledger/halt.ts'
import type { PromoteRequest } from '../ledger/requests.ts'
import { updateOwnLedger } from '../ledger/takeover.ts'
import { Committer } from './committer.ts'
import { takeCut, vmWindowsOf, type Cut } from './cut.ts'
import { dataLossIn } from './data-loss.ts'
import { deadLetterRow, type RecordLetter } from '../ledger/dead-letter.ts'
import type { PipelineEnv } from './env.ts'
import { AheadWatch, MAX_NAMED } from './fleet-watch.ts'
import { boundByGoal } from './goal.ts'
import { Interruption } from './interruption.ts'
import type { OpenSource, SourceEvent } from '../ports/index.ts'
import { discardPublishers, publishOutstanding, sweep } from './publishing.ts'
import { QuietTimes } from './quiet.ts'
import { recover } from './recovery.ts'
import type { RecordedClose } from './recorded.ts'
import { forcedBefore, RequestDesk } from './request-desk.ts'
import { retrying } from './retrying.ts'
import { assertOwned, loadIndex, openSession, type Session } from './session.ts'
import { SourceReader } from './source-reader.ts'

/** A cut is made when this many dead letters are pending. */
const MAX_PENDING_DEAD_LETTERS = 1000

export interface PartitionEnd {
  readonly commit: number
  readonly counts: FateCounts
}

/**
 * Runs a partition until its input ends or `signal` aborts; in both cases it commits and publishes what was folded. Throws
 * PARTITION_LOST if another processor took the partition over. Any other error halts the partition; its reason is stored next
 * to the ledger.
 */
export async function runPartition(
  env: PipelineEnv,
  partition: number,
  signal: AbortSignal,
  firstOffset: () => Promise<number>,
): Promise<PartitionEnd> {
  let session: Session | null = null
  try {
    session = await openSession(env, partition, signal, firstOffset)
    return await runSession(session)
  } catch (error) {
    if (!signal.aborted && !isTransient(error)) await recordHalt(env, partition, session?.owner ?? NO_OWNER, error)
    throw error
  }
}

/**
 * Stores the halt reason so that `windrow status` can show it. If that write fails, only `halt-not-kept` is emitted: the
 * original error matters more.
 */
async function recordHalt(env: PipelineEnv, partition: number, owner: HaltedOwner, error: unknown): Promise<void> {
  const { store, job, clock } = env
  try {
    await storeHalt(store, job, partition, owner, haltingError(partition, error), clock.nowMs())
  } catch (problem) {
    env.observe({ kind: 'halt-not-kept', partition, window: null, reason: messageOf(problem) })
  }
}

async function runSession(session: Session): Promise<PartitionEnd> {
  const { env, partition, signal } = session
  try {
    await loadIndex(session)
    await publishOutstanding(session)
    await sweep(session)
    const state = await recover(session)
    let hasEnded = false
    const source = await env.source.open(partition, session.ledger.resumeOffset)
    const interruption = new Interruption()
    const interrupt = (): void => interruption.raise()
    try {
      const loss = dataLossIn({ start: source.logStart, end: source.logEnd }, session.ledger)
      if (loss !== null) throw loss
      const bounded = env.once ? await boundByGoal(session, source) : source
      signal.addEventListener('abort', interrupt, { once: true })
      const committer = new Committer(session, interrupt)
      const decided = await decidedBefore(session)
      const loop = new PartitionLoop(session, state, bounded, committer, interruption, decided)
      env.vms?.enter(partition, state.clock)
      await loop.run()
      await committer.drain()
      hasEnded = loop.hasEnded
    } finally {
      signal.removeEventListener('abort', interrupt)
      env.vms?.leave(partition)
      await source.close()
    }
    await settle(session, hasEnded)
    return { commit: session.ledger.commit, counts: session.ledger.counts }
  } catch (error) {
    // If another owner has changed the ledger, a missing chunk was superseded; otherwise it is lost.
    if (error instanceof WindrowError && error.code === 'CHUNK_BROKEN') {
      await retrying(env, partition, signal, 'reading the ledger', () => assertOwned(session))
    }
    throw error
  } finally {
    await discardPublishers(session)
  }
}

/** Records in the ledger what is published and whether the goal is reached, so that `status` shows a job that has ended. */
async function settle(session: Session, hasEnded: boolean): Promise<void> {
  const { env, partition, signal, published } = session
  session.ledger = await retrying(env, partition, signal, 'settling', () =>
    updateOwnLedger(env.store, session.owner, (ledger) => {
      const offset = ledger.goal?.offset ?? ledger.resumeOffset
      const goal = hasEnded ? { offset, isReached: true } : ledger.goal
      const isSettled = ledger.published.commit === published.commit && ledger.goal?.isReached === goal?.isReached
      return isSettled ? ledger : { ...ledger, published, goal }
    }),
  )
  env.observe({ kind: 'ended', partition, window: null, commit: session.ledger.commit })
}

class PartitionLoop {
  readonly #session: Session
  readonly #env: PipelineEnv
  readonly #state: PartitionState
  readonly #source: SourceReader
  readonly #desk: RequestDesk
  readonly #committer: Committer
  readonly #interruption: Interruption
  readonly #quiet: QuietTimes
  readonly #aheadWatch: AheadWatch
  /** Offset after the last record that was folded. */
  #position: number
  /** Offset of the last folded record; below `#position - 1` if the log has offsets without records. */
  #lastRecord: number
  #recordsSinceCut = 0
  /** When everything that was in the log had been delivered, the last time; before the first time, infinitely long ago. */
  #caughtUpAtMs: EpochMs = -Infinity
  #deadLetters: RecordLetter[] = []
  readonly #findings: InputFindings
  #windowsClosed = 0
  /** Open windows already announced with an `opened` event, and the number of all announced windows, closed ones included. */
  readonly #announced = new Set<EpochMs>()
  #announcedCount = 0
  /** A decision to repeat at its cut: one of a clock or an operator under an earlier owner, or the next recorded one. */
  #decided: RecordedClose | null
  /** Recorded decisions that a replay has not repeated yet; the next one is last. */
  readonly #recorded: RecordedClose[]
  /** Whether the input has ended and is folded completely. */
  hasEnded = false

  constructor(
    session: Session,
    state: PartitionState,
    source: OpenSource,
    committer: Committer,
    interruption: Interruption,
    decided: RecordedClose | null,
  ) {
    this.#session = session
    this.#env = session.env
    this.#state = state
    this.#source = new SourceReader(source, session.env.clock)
    this.#committer = committer
    this.#interruption = interruption
    this.#quiet = new QuietTimes(session.env.clock.nowMs())
    this.#aheadWatch = new AheadWatch(state.clock)
    this.#position = session.ledger.resumeOffset
    this.#lastRecord = session.ledger.lastRecord
    this.#findings = findingsOf(session)
    const { resumeOffset } = session.ledger
    // Recorded closes of windows that are already closed are skipped when we reach them. Recorded amendments leave no trace in
    // the state, so filter those by offset.
    const isToCome = ({ cut, decision }: RecordedClose): boolean => decision !== null || cut >= resumeOffset - 1
    this.#recorded = (session.env.recorded?.(session.partition).closes ?? []).filter(isToCome).reverse()
    // A replay's own intents repeat recorded decisions, so it needs only the recorded ones.
    this.#decided = session.env.recorded === undefined ? decided : (this.#recorded.pop() ?? null)
    this.#desk = new RequestDesk(session, state, {
      close: async (decision) => {
        await this.#close(decision)
        await this.#closeDue()
      },
      promote: (request) => this.#cut(null, null, request),
      drain: () => committer.drain(),
    })
  }

  async run(): Promise<void> {
    const { signal } = this.#session
    const { requestsEveryMs } = this.#env.limits
    // Closes that were due at the cut of the last commit come before the next record; there may be more than one.
    await this.#closeDue()
    await this.#closeDecided(this.#position)
    this.#observeState('recovered')
    while (!signal.aborted) {
      // Requests wait until the pending decision has been repeated at its cut.
      if (this.#decided === null) await this.#desk.poll()
      const event = await this.#interruption.orNull(this.#source.next(requestsEveryMs))
      if (this.#interruption.isRaised) break
      if (event === null) continue
      await this.#take(event)
      if (event.kind === 'end') break
    }
    this.#source.close()
    if (this.hasEnded) await this.#desk.pollLastTime()
    if (this.#recordsSinceCut > 0) await this.#cut(null)
  }

  async #take(event: SourceEvent): Promise<void> {
    if (event.kind === 'records') {
      const nowMs = this.#env.clock.nowMs()
      this.#quiet.recordReceived(nowMs)
      // A shutdown does not wait for the whole batch, which may close many windows. The next run reads the rest again.
      for (let next = 0; next < event.records.length && !this.#session.signal.aborted;) {
        next = this.#foldUntilCut(event.records, next)
        await this.#closeDecided(this.#position)
        await this.#closeDue()
        if (this.#isCheckpointDue()) await this.#cut(null)
      }
      await this.#amendOverdue(nowMs)
      this.#observeState('folded')
    } else if (event.kind === 'caught-up') {
      this.#caughtUpAtMs = event.fetchedAtMs
      this.#position = Math.max(this.#position, event.nextOffset)
      const { partition } = this.#session
      this.#env.observe({ kind: 'caught-up', partition, window: null, position: this.#position })
      const closedBefore = this.#windowsClosed
      await this.#closeDecided(this.#position)
      await this.#closeDue()
      // A replay repeats recorded decisions of the clock; its own clock is far ahead of the event times.
      if (this.#env.recorded !== undefined) return
      const nowMs = event.fetchedAtMs
      await this.#amendOverdue(nowMs)
      const quiet = this.#quiet.quietAt(nowMs)
      for (let due = this.#state.dueByClock(nowMs, quiet); due !== null; due = this.#state.dueByClock(nowMs, quiet)) {
        await this.#close(due)
        // The roster can be trusted from now on, so a window may be complete. A successor closes it before the next record too.
        await this.#closeDue()
      }
      if (this.#windowsClosed > closedBefore) this.#observeState('folded')
    } else {
      await this.#closeDecided(Infinity)
      await this.#closeDue()
      this.hasEnded = true
      // A replay ends at the position of the other job, not at the end of its input.
      if (this.#env.recorded !== undefined) return
      this.#state.ended = true
      await this.#closeDue()
      // No window is left to close, so commit the pending late points on their own.
      await this.#amendPending()
    }
  }

  /** Folds records until one of them requires a cut; returns the index after it. This is the hot path: nothing here waits. */
  #foldUntilCut(records: readonly SourceRecord[], from: number): number {
    const state = this.#state
    for (let i = from; i < records.length; i++) {
      const record = records[i] as SourceRecord
      if (record.offset < this.#position) throw new Error(`offset ${record.offset} came after ${this.#position - 1}`)
      if (this.#decided !== null && record.offset > this.#decided.cut) {
        // The cut is before this record: close there first, then fold this record.
        this.#position = this.#decided.cut + 1
        return i
      }
      const { decoded } = record
      const refusal = decoded.kind === 'entries' ? this.#foldEntries(record) : state.fold(record)
      this.#position = record.offset + 1
      this.#lastRecord = record.offset
      this.#recordsSinceCut++
      if (refusal !== null) this.#refuse(record, refusal)
      else if (decoded.kind === 'point') this.#findings.accept(decoded.point.timestamp, record)
      if (state.due() !== null || this.#isCheckpointDue()) return i + 1
    }
    return records.length
  }

  #foldEntries(record: SourceRecord): null {
    const refused = new Set<number>()
    this.#state.fold(record, (refusal, index) => {
      refused.add(index)
      this.#refuse(record, refusal, index)
    })
    for (const [index, entry] of decodedEntries(record.decoded).entries()) {
      if (entry.kind === 'point' && !refused.has(index)) this.#findings.accept(entry.point.timestamp, record)
    }
    return null
  }

  #refuse(record: SourceRecord, refusal: Refusal, index = 0): void {
    this.#deadLetters.push(deadLetterRow(this.#session.partition, record, refusal, index))
    this.#findings.refuse(refusal, record)
  }

  #isCheckpointDue(): boolean {
    const { checkpointEveryRecords } = this.#env.limits
    return this.#recordsSinceCut >= checkpointEveryRecords || this.#deadLetters.length >= MAX_PENDING_DEAD_LETTERS
  }

  async #closeDue(): Promise<void> {
    for (let due = this.#state.due(); due !== null; due = this.#state.due()) await this.#close(due)
  }

  /** Repeats the decision of the ledger's intent, or a recorded one, once everything up to its cut is folded. */
  async #closeDecided(position: number): Promise<void> {
    for (let decided = this.#decided; decided !== null && position > decided.cut; decided = this.#decided) {
      this.#decided = this.#recorded.pop() ?? null
      // Closes that the records alone decide came first then, so they come first now.
      await this.#closeDue()
      const { decision } = decided
      if (decision === null) await this.#amendPending()
      else if (this.#state.windows.has(decision.windowStart)) await this.#close(decision)
    }
  }

  /** Commits late points that have waited too long for a close. A replay amends where the certificates say so. */
  async #amendOverdue(nowMs: EpochMs): Promise<void> {
    this.#quiet.observe(this.#state, nowMs)
    const { amendWithinMs } = this.#env.limits
    if (amendWithinMs === null || this.#env.recorded !== undefined || this.#quiet.pendingMs(nowMs) < amendWithinMs)
      return
    await this.#amendPending()
    this.#quiet.observe(this.#state, nowMs)
  }

  async #amendPending(): Promise<void> {
    if (this.#state.late.hasPending) await this.#cut(null, this.#state.amend())
  }

  async #close(decision: CloseDecision): Promise<void> {
    this.#observeOpened()
    this.#observeClose(decision.windowStart, 'begins')
    const closed = this.#state.close(decision)
    this.#windowsClosed++
    this.#env.vms?.forgetMoved()
    this.#announced.delete(closed.start)
    if (closed.dropped.length > 0) {
      const { partition } = this.#session
      this.#env.observe({ kind: 'dropped-from-roster', partition, window: closed.start, producers: closed.dropped })
    }
    await this.#cut(closed, closed.amended)
  }

  async #cut(
    closed: ClosedWindow | null,
    amended: readonly LateWindow[] | null = null,
    promote?: PromoteRequest,
  ): Promise<void> {
    const { aggregator, store } = this.#env
    const at = { cut: this.#position - 1, lastRecord: this.#lastRecord, findings: this.#findings.encode() }
    const taken = takeCut(this.#state, at, this.#deadLetters, closed, amended, aggregator, store.maxValueBytes)
    const cut = this.#withGrain(promote === undefined ? taken : { ...taken, promote })
    this.#deadLetters = []
    this.#recordsSinceCut = 0
    const { partition } = this.#session
    const trigger = closed?.trigger ?? null
    this.#env.observe({
      kind: 'cut',
      partition,
      cut: cut.cut,
      window: closed?.start ?? null,
      trigger,
      vmWindows: closed?.vms.length ?? 0,
      vmsPerWorkflow: cut.vmsPerWorkflow,
    })
    if (closed !== null) this.#observeClose(closed.start, 'ended')
    await this.#committer.submit(cut)
  }

  /** Decides how many VM windows of the cut one workflow closes. */
  #withGrain(cut: Omit<Cut, 'vmsPerWorkflow'>): Cut {
    const { limits, clock } = this.#env
    const { vmsPerWorkflow } = limits
    if (typeof vmsPerWorkflow === 'number') return { ...cut, vmsPerWorkflow }
    // A replay is behind the job that it recomputes until it ends.
    const behindMs = this.#env.recorded === undefined ? clock.nowMs() - this.#caughtUpAtMs : Infinity
    const { pendingCuts, lastCost: last } = this.#committer
    return { ...cut, vmsPerWorkflow: vmsPerWorkflow({ vmWindows: vmWindowsOf(cut), behindMs, pendingCuts, last }) }
  }

  #observeClose(window: EpochMs, phase: 'begins' | 'ended'): void {
    const { partition } = this.#session
    this.#env.observe({ kind: 'step', partition, window, commit: null, step: 'close', phase })
  }

  #observeState(kind: 'recovered' | 'folded'): void {
    this.#observeOpened()
    this.#observeFleet()
    const { counts, head, watermark, windows } = this.#state
    const { partition } = this.#session
    const waitedFor = head?.waitedFor ?? 0
    this.#env.observe({
      kind,
      partition,
      counts,
      position: this.#position,
      watermark: watermark === -Infinity ? null : watermark,
      openWindows: windows.size,
      window: head?.start ?? null,
      waitedFor,
      incomplete: head?.incomplete ?? 0,
      ahead: this.#state.clock.aheadOrLeftCount,
      split: this.#env.vms?.splitCount ?? 0,
    })
  }

  /** VMs that an operator must know of. */
  #observeFleet(): void {
    const { clock, head, counts } = this.#state
    const { vms, observe } = this.#env
    const at = { partition: this.#session.partition, window: head?.start ?? null }
    const ahead = this.#aheadWatch.fresh(at.window, counts.consumed)
    if (ahead.length > 0) observe({ kind: 'vms-ahead', ...at, count: clock.aheadOrLeftCount, vms: ahead })
    const newcomers = clock.takeNewcomers()
    if (newcomers.length === 0 || vms === undefined) return
    const split = vms.findSplit(newcomers)
    if (split.length === 0) return
    observe({ kind: 'vms-in-two-partitions', ...at, count: split.length, vms: split.slice(0, MAX_NAMED) })
  }

  #observeOpened(): void {
    const { windows } = this.#state
    if (windows.size + this.#windowsClosed === this.#announcedCount) return
    const { partition } = this.#session
    for (const window of windows.keys()) {
      if (this.#announced.has(window)) continue
      this.#announced.add(window)
      this.#env.observe({ kind: 'opened', partition, window })
    }
    this.#announcedCount = windows.size + this.#windowsClosed
  }
}

/** What is known of the input so far. An earlier version of Windrow that began the job has noted nothing. */
function findingsOf({ index }: Session): InputFindings {
  return new InputFindings(index === null ? NO_FINDINGS : (index.findings ?? { ...NO_FINDINGS, isPartial: true }))
}

/** The decision of the ledger's intent, if a clock or an operator made it: the records alone would not decide it again. */
async function decidedBefore(session: Session): Promise<RecordedClose | null> {
  const { intent } = session
  if (intent === null || intent.window === null || intent.trigger === null) return null
  if (intent.trigger !== 'deadline' && intent.trigger !== 'forced') return null
  const decision = { windowStart: intent.window, trigger: intent.trigger }
  const forced = typeof intent.request === 'string' ? await forcedBefore(session, intent.request) : undefined
  return { cut: intent.cut, decision: forced === undefined ? decision : { ...decision, forced } }
}
