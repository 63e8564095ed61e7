/**
 * Makes one commit from a cut, or from several joined ones: writes the intent and the chunks, runs the parent workflow, and reads the ledger. The
 * workflow's answer is only a hint; the ledger alone decides whether the commit happened.
 */
import { messageOf, WindrowError } from '../errors/index.ts'
import { aggregatorId } from '../core/aggregator.ts'
import type { ClosedWindow } from '../core/partition-state.ts'
import type { EpochMs } from '../core/point.ts'
import type { PipelineEvent } from '../ports/events.ts'
import type { CommitPlan, CommitResult, EarlierClose, PlannedClose } from '../workflows/plan.ts'
import type { RowKind } from '../ledger/chunk-rows.ts'
import { chunkKey, writePages, type ChunkSet, type Pages } from '../ledger/chunks.ts'
import {
  announcedGarbage,
  keysOf,
  NO_TOTALS,
  type CloseTotals,
  type OpenChunks,
  type WindowContents,
} from '../ledger/index-chunk.ts'
import type { Intent } from '../ledger/ledger.ts'
import { evictedBy, proposeIntent, readOwnLedger } from '../ledger/takeover.ts'
import type { Cut } from './cut.ts'
import { announcedPages, pagesToWrite, type CutPages, type EarlierPages } from './cut-pages.ts'
import type { JoinedCuts } from './joined-cuts.ts'
import type { WorkflowEngine, WorkflowStatus } from '../ports/index.ts'
import { isRetryable, type Backoff } from '../retry/retry.ts'
import { createBackoff } from './retrying.ts'
import { loadIndex, renewEpoch, type Session } from './session.ts'
import { stepped, type PipelineStep } from '../ports/steps.ts'

/**
 * Commits the cuts and retries until they are committed. Afterwards the ledger and the index of the session are those of the
 * commit. Throws COMMIT_FAILS after too many workflow failures, and any error that must not be retried.
 */
export async function commitCuts(session: Session, cuts: JoinedCuts): Promise<void> {
  const { env, partition, signal } = session
  const { last: cut } = cuts
  const startedMs = env.clock.nowMs()
  const pages = pagesToWrite(session, cuts)
  const totalsBefore = session.index?.totals ?? NO_TOTALS
  const commit = session.ledger.commit + 1
  const window = cut.closed?.start ?? null
  const backoff = createBackoff(env, partition, signal, window)
  const start = starting(session)
  let workflowFailures = 0
  for (;;) {
    try {
      const intent = await attempt(session, cuts, pages, start, backoff)
      await stepped(env.observe, 'adopt', { partition, window, commit }, () => adopt(session, cut, intent))
      break
    } catch (error) {
      if (!isRetryable(error)) throw error
      if (
        error instanceof WindrowError &&
        error.code === 'WORKFLOW_FAILED' &&
        ++workflowFailures >= env.limits.maxWorkflowFailures
      ) {
        throw failsForGood(session, commit, error)
      }
      await backoff.pauseAfter(error, `committing ${commit}`)
      if (await renewed(session, commit, backoff)) {
        await adopt(session, cut, { attempt: session.ledger.index?.attempt ?? '' })
        break
      }
    }
  }
  const elapsedMs = env.clock.nowMs() - startedMs
  for (const [i, { closed }] of [...cuts.earlier, cut].entries()) {
    const facts =
      closed === null ? NOTHING_CLOSED : (session.index?.joined?.[i] ?? onlyClosed(session, closed, totalsBefore))
    env.observe({
      kind: 'committed',
      partition,
      window: closed?.start ?? null,
      commit,
      closed: closed === null ? null : { start: closed.start, end: closed.end },
      reason: facts.reason,
      statesDropped: facts.statesDropped,
      vmWindows: closed?.vms.length ?? 0,
      vmWindowsByReason: facts.vmWindowsByReason,
      elapsedMs,
    })
  }
}

type ClosedFacts = Pick<
  PipelineEvent & { readonly kind: 'committed' },
  'reason' | 'statesDropped' | 'vmWindowsByReason'
>

const NOTHING_CLOSED: ClosedFacts = { reason: null, statesDropped: 0, vmWindowsByReason: {} }

/** What is known of the only window that the last commit closed. */
function onlyClosed(session: Session, { start }: ClosedWindow, totalsBefore: CloseTotals): ClosedFacts {
  const { reason = null, statesDropped = 0 } = session.index?.lastClosed ?? {}
  return { reason, statesDropped, vmWindowsByReason: closedByReason(session, start, totalsBefore) }
}

/**
 * Numbers of VM windows of the window that closed, by reason. If the window is not remembered, nothing can have been amended,
 * so the difference of the totals is that of the window.
 */
function closedByReason(
  { index }: Session,
  window: EpochMs,
  before: CloseTotals,
): { readonly [reason: string]: number } {
  const entry = index?.closed.find((one) => one.window === window)
  return entry?.vmWindowsByReason ?? addedCounts(before, index?.totals ?? NO_TOTALS)
}

/** Numbers of VM windows, by reason, that a commit added to the totals. */
function addedCounts(before: CloseTotals, after: CloseTotals): { readonly [reason: string]: number } {
  const added = Object.entries(after.vmWindowsByReason).map(
    ([reason, count]) => [reason, count - (before.vmWindowsByReason[reason] ?? 0)] as const,
  )
  return Object.fromEntries(added.filter(([, count]) => count > 0))
}

/** Raises the epoch for the next attempt. Returns true if the attempt before has committed after all. */
async function renewed(session: Session, commit: number, backoff: Backoff): Promise<boolean> {
  const token = session.env.newToken()
  for (;;) {
    try {
      await renewEpoch(session, token)
      return session.ledger.commit === commit
    } catch (error) {
      if (!isRetryable(error)) throw error
      await backoff.pauseAfter(error, 'raising the epoch')
    }
  }
}

async function attempt(
  session: Session,
  cuts: JoinedCuts,
  pages: CutPages,
  start: WorkflowEngine['start'],
  backoff: Backoff,
): Promise<Intent> {
  const { env, partition } = session
  const { last: cut } = cuts
  const window = cut.closed?.start ?? null
  const place = { partition, window, commit: session.ledger.commit + 1 }
  const step = <T>(name: PipelineStep, act: () => Promise<T>): Promise<T> => stepped(env.observe, name, place, act)
  const { trigger = null, forced = null } = cut.closed ?? {}
  const request = forced?.request ?? cut.promote?.id ?? null
  const proposal = { cut: cut.cut, window, trigger, request, pages: announcedPages(session, cuts, pages) }
  const { owner, published } = session
  // Delete their pages before the intent evicts them from the ledger: afterwards no record of these pages exists.
  const forgotten = evictedBy(session.ledger, owner)
  if (forgotten.length > 0) {
    await env.store.delete(keysOf(forgotten.flatMap((one) => announcedGarbage(one.attempt, one.pages, 0))))
  }
  const known = session.lastRead?.ledger === session.ledger ? session.lastRead : null
  const { intent, ledger } = await step('intent', () =>
    proposeIntent(env.store, owner, session.ledger.commit, proposal, published, known),
  )
  session.ledger = ledger
  const plan = await step('chunks', () => writePlan(session, cuts, pages, intent))
  const result = await step('workflow', async () => {
    await start(intent.attempt, JSON.stringify(plan))
    return finished(session, intent, backoff)
  })
  session.lastRead = await readOwnLedger(env.store, session.owner)
  const now = session.lastRead.ledger
  session.ledger = now
  if (now.index?.attempt === intent.attempt) return intent
  throw result.ok ? workflowFailed(intent, 'it reports a commit that the ledger does not have') : failureOf(result)
}

async function writePlan(
  session: Session,
  { earlier, last: cut }: JoinedCuts,
  pages: CutPages,
  intent: Intent,
): Promise<CommitPlan> {
  const { env, ledger, index, owner } = session
  const write = <Kind extends RowKind>(unwritten: Pages<Kind>, first = 0): Promise<ChunkSet<Kind>> =>
    writePages(env.store, intent.attempt, unwritten, first)
  // Requested together, so that a store can write them with one call.
  const [closes, accs, late, roster, dead, contents, fresh] = await Promise.all([
    Promise.all(earlier.map((one, i) => earlierClose(one, pages.earlier[i] as EarlierPages, write))),
    write(pages.accs.pages, pages.accs.first),
    cut.late.rows === 0 ? null : write(cut.late.pages),
    write(cut.roster),
    write(cut.deadLetters, pages.deadFirst),
    writeContents(session, cut, pages, intent),
    Promise.all(pages.fresh.map(async ({ open, first }) => [open.window, await write(open.pages, first)] as const)),
  ])
  const written = new Map(fresh)
  const traceparent = cut.closed === null ? undefined : env.traceparentOf?.(owner.partition, cut.closed.start)
  const open: OpenChunks[] = cut.open.map(({ window }) => {
    const set = written.get(window) ?? index?.open.find((one) => one.window === window)?.set
    if (set === undefined) throw new Error(`the open window ${window} has neither pages nor chunks`)
    return { window, set }
  })
  return {
    attempt: intent.attempt,
    owner,
    commit: intent.commit,
    digestBefore: ledger.digest,
    indexBefore: ledger.index,
    cut: cut.cut,
    lastRecord: cut.lastRecord,
    certified: ledger.certified,
    watermark: cut.watermark,
    closedThrough: cut.closedThrough,
    counts: cut.counts,
    findings: cut.findings,
    open,
    roster,
    contents,
    dead,
    states: index?.states ?? null,
    total: index?.total ?? null,
    late: cut.late.amends ? null : late,
    amend: cut.late.amends && late !== null ? { late, points: cut.late.points } : null,
    close: cut.closed === null ? null : plannedClose(cut.closed, accs),
    ...(closes.length === 0 ? {} : { earlier: closes }),
    ...(cut.promote === undefined ? {} : { promote: cut.promote }),
    vmsPerWorkflow: cut.vmsPerWorkflow,
    publishedCommit: ledger.published.commit,
    sweptCommit: session.sweptCommit,
    abandoned: ledger.abandoned,
    rules: env.rules,
    aggregator: aggregatorId(env.aggregator),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}

/** Writes what changed of the contents of points, and lists all that is in force from this commit on. */
async function writeContents(session: Session, cut: Cut, pages: CutPages, intent: Intent): Promise<WindowContents[]> {
  const windows = [...new Set([...cut.open.map((one) => one.window), ...cut.remembered])].sort((a, b) => a - b)
  const listed = new Map(
    windows.map((window) => {
      const before = session.index?.contents?.find((one) => one.window === window)
      return [window, before ?? { window, whole: null, amended: null }]
    }),
  )
  let next = 0
  const written = await Promise.all(
    pages.contents.map(async ({ window, part, pages: texts }) => {
      const first = next
      next += texts.texts.length
      return { window, part, set: await writePages(session.env.store, intent.attempt, texts, first) }
    }),
  )
  for (const { window, part, set } of written) {
    const one = listed.get(window)
    if (one !== undefined) listed.set(window, { ...one, [part]: set })
  }
  return [...listed.values()]
}

async function earlierClose(
  { cut, lastRecord, watermark, closedThrough, counts, closed, deadLetters }: Cut,
  { accs, deadFirst }: EarlierPages,
  write: <Kind extends RowKind>(unwritten: Pages<Kind>, first?: number) => Promise<ChunkSet<Kind>>,
): Promise<EarlierClose> {
  if (closed === null) throw new Error(`the cut at ${cut} is not the last of its commit, and closes no window`)
  const [written, dead] = await Promise.all([write(accs.pages, accs.first), write(deadLetters, deadFirst)])
  const close = plannedClose(closed, written)
  return { cut, lastRecord, watermark, closedThrough, counts, dead, close }
}

function plannedClose(closed: NonNullable<Cut['closed']>, accs: ChunkSet<'accs'>): PlannedClose {
  return {
    windowStart: closed.start,
    windowEnd: closed.end,
    trigger: closed.trigger,
    forced: closed.forced,
    accs,
    vmWindows: closed.vms.length,
    received: closed.vms.reduce((sum, vm) => sum + vm.window.receivedCount, 0),
  }
}

/**
 * Starts workflows. If starts keep failing for half of `stallMs`, it reports the engine as stalled: a daprd that has lost its
 * actors rejects starts too.
 */
function starting({ env }: Session): WorkflowEngine['start'] {
  let failingSinceMs: number | null = null
  return async (id, input) => {
    try {
      await env.engine.start(id, input)
      failingSinceMs = null
    } catch (error) {
      const nowMs = env.clock.nowMs()
      failingSinceMs ??= nowMs
      if (nowMs - failingSinceMs > env.limits.stallMs / 2) {
        env.engine.stalled?.(error as Error)
        failingSinceMs = null
      }
      throw error
    }
  }
}

/** Waits for the workflow to end, for as long as it makes progress. Throws WORKFLOW_STALLED after `stallMs` without any. */
async function finished(session: Session, intent: Intent, backoff: Backoff): Promise<CommitResult> {
  const { env } = session
  let lastProgressMs = env.clock.nowMs()
  let page = 0
  for (;;) {
    const status = await polled(session, intent, backoff)
    if (status.kind === 'completed') return answerOf(intent, status.output)
    if (status.kind === 'failed') throw workflowFailed(intent, status.reason)
    if (status.kind === 'absent')
      throw new WindrowError(`the workflow ${intent.attempt} is unknown to the engine`, { code: 'WORKFLOW_GONE' })
    // Pages of results are written while VM windows close, so a new page is progress, whichever processor runs the workflow.
    const key = chunkKey(intent.attempt, 'results', page)
    const isThere = page < (intent.pages.results ?? 0) && (await env.store.get([key])).has(key)
    if (isThere) {
      page++
      lastProgressMs = env.clock.nowMs()
    } else if (env.clock.nowMs() - lastProgressMs > env.limits.stallMs) {
      const problem = `the workflow ${intent.attempt} made no progress for ${env.limits.stallMs} ms`
      const stalled = new WindrowError(problem, { code: 'WORKFLOW_STALLED' })
      env.engine.stalled?.(stalled)
      throw stalled
    }
  }
}

/** An answer that cannot be parsed is a failed workflow. The commit is retried unless the ledger has it already. */
function answerOf(intent: Intent, output: string): CommitResult {
  try {
    return JSON.parse(output) as CommitResult
  } catch (error) {
    throw workflowFailed(
      intent,
      `its answer is not JSON (${messageOf(error)}): ${JSON.stringify(output.slice(0, 200))}`,
    )
  }
}

/** Polls the workflow. A sidecar that does not answer does not mean that the workflow failed, so it counts as running. */
async function polled(session: Session, intent: Intent, backoff: Backoff): Promise<WorkflowStatus> {
  try {
    const status = await session.env.engine.poll(intent.attempt)
    backoff.reset()
    return status
  } catch (error) {
    if (!isRetryable(error)) throw error
    await backoff.pauseAfter(error, `polling the workflow of commit ${intent.commit}`)
    return { kind: 'running' }
  }
}

/** Loads the outcome of the commit into the session. */
async function adopt(session: Session, cut: Cut, intent: { readonly attempt: string }): Promise<void> {
  const { env, partition } = session
  await loadIndex(session)
  session.committedVersions.clear()
  for (const { window, version } of cut.open) session.committedVersions.set(window, version)
  session.committedContents.clear()
  for (const { window, version } of cut.amendedContents) session.committedContents.set(window, version)
  try {
    await env.engine.purge(intent.attempt)
  } catch (error) {
    if (!isRetryable(error)) throw error
    // The engine's own retention deletes it later.
    env.observe({ kind: 'sweep-failed', partition, window: null, reason: String(error) })
  }
}

function failureOf(result: CommitResult & { ok: false }): WindrowError {
  const { isRetryable: mayRetry, ...report } = result
  return WindrowError.fromReport({ ...report, disposition: mayRetry ? 'retryable' : 'fatal' })
}

function workflowFailed(intent: Intent, reason: string): WindrowError {
  return new WindrowError(`the workflow ${intent.attempt} failed: ${reason}`, { code: 'WORKFLOW_FAILED' })
}

function failsForGood(session: Session, commit: number, cause: WindrowError): WindrowError {
  const { partition, env } = session
  return new WindrowError(
    `commit ${commit} of partition ${partition} failed ${env.limits.maxWorkflowFailures} times: ${cause.message}`,
    { code: 'COMMIT_FAILS', cause },
  )
}
