/**
 * Amends closed windows by what came late for them, lowest window first.
 *
 * A VM window that late points or manifests change gets a new result. The VM's state after that window may change too, so
 * every later closed window of the VM whose prior state has changed also gets a new result. This cascade ends at the first
 * window after which the VM's state is the same as before. Changed rows are written to a chunk set of their own beside the
 * rows of the window, so that one late point does not rewrite a partition.
 */
import { windowsOf } from '../../core/window-policy.ts'
import { amendVmWindow, type ClosedVmRow } from '../../core/amend-vm-window.ts'
import type { AmendedProof, PointsProof } from '../../core/certificate.ts'
import { FIRST_REVISION, type VmWindowTask } from '../../core/close-vm-window.ts'
import type { CloseReason } from '../../core/closing.ts'
import { canonicalJson, parseCanonicalJson } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { decodeProducers, type EncodedVmWindow } from '../../core/vm-window.ts'
import { addPoints, NO_POINTS } from '../../core/window-proof.ts'
import type { AmendedRow, LateRow, StateRow } from '../../ledger/chunk-rows.ts'
import { pagesOf, readRows, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import { weakestOf, withEntries, type ClosedEntry } from '../../ledger/closed-windows.ts'
import { SortedRows } from '../../ledger/sorted-rows.ts'
import { vmWindowRow } from '../../ledger/vm-window-row.ts'
import { amendedRows, quarantinedIn } from '../../ledger/window-rows.ts'
import type { CommitPlan, PlannedAmendment } from '../plan.ts'
import type { AttemptContext } from './attempt-context.ts'
import type { TaskOutcome } from './run-tasks.ts'
import { isSameState, isIdle, stateAfter } from './vm-states.ts'

export interface AmendedWindows {
  /** The closed windows that changed, as they are now. */
  readonly entries: readonly ClosedEntry[]
  readonly proofs: readonly AmendedProof[]
  /** Number of late points that were merged. */
  readonly points: number
  /** VM states after the last closed window that differ from those that the index names. */
  readonly states: ReadonlyMap<string, StateRow | null>
}

/** What there is to do for one VM in a window that is amended. */
interface AmendWork {
  readonly vmId: string
  readonly late: EncodedVmWindow | null
  readonly before: AmendedRow | null
  /** The VM window as it closed, or as it was amended last. */
  readonly base: ClosedVmRow | null
  readonly prior: StateRow | null
  /** `null`: no result of the VM changes here; its state passes through the window. */
  readonly task: VmWindowTask | null
}

interface WindowToAmend {
  readonly entry: ClosedEntry
  readonly late: ReadonlyMap<string, EncodedVmWindow>
  /** The amended rows of the window so far, and those of the window before it. */
  readonly rows: ReadonlyMap<string, AmendedRow>
  readonly priorRows: ReadonlyMap<string, AmendedRow>
  /** The stored VM states after the window. */
  readonly after: ChunkSet<'states'> | null
}

type Rows = Map<string, AmendedRow>

export class WindowAmender {
  readonly #attempt: AttemptContext
  readonly #plan: CommitPlan
  /** States before the next window that differ from the stored ones. */
  #changed: ReadonlyMap<string, StateRow | null> = new Map()
  #points = 0
  #pages: number

  /** `firstPage`: number of the first page of the kind `amended` to write; earlier ones are written already. */
  constructor(attempt: AttemptContext, firstPage = 0) {
    this.#attempt = attempt
    this.#plan = attempt.plan
    this.#pages = firstPage
  }

  async amend({ late }: PlannedAmendment, closed: readonly ClosedEntry[]): Promise<AmendedWindows> {
    const lateVms = byWindow(await readRows(this.#attempt.store, late))
    return this.#pass(withSkipped(closed, [...lateVms.keys()], this.#plan.states), lateVms, -Infinity)
  }

  /** Computes the windows after `behind` again, given the VM states after `behind` that differ from the stored ones. */
  async follow(
    changed: ReadonlyMap<string, StateRow | null>,
    closed: readonly ClosedEntry[],
    behind: EpochMs,
  ): Promise<AmendedWindows> {
    this.#changed = changed
    return this.#pass(closed, new Map(), behind)
  }

  async #pass(
    all: readonly ClosedEntry[],
    lateVms: ReadonlyMap<EpochMs, ReadonlyMap<string, EncodedVmWindow>>,
    behind: EpochMs,
  ): Promise<AmendedWindows> {
    const { states } = this.#plan
    const entries: ClosedEntry[] = []
    const proofs: AmendedProof[] = []
    let priorRows = await amendedRows(this.#attempt.store, all[0]?.priorAmended ?? null)
    let lastRows: Rows = new Map()
    for (const [i, entry] of all.entries()) {
      // A skipped window leaves states as they are, so amended states before it are also the amended states after it.
      const rows =
        entry.accs === NO_ACCS
          ? new Map([...priorRows].map(([vmId, row]) => [vmId, { ...row, ...passing(vmId, row.state) }]))
          : await amendedRows(this.#attempt.store, entry.amended)
      lastRows = rows
      const lateHere = lateVms.get(entry.window) ?? new Map<string, EncodedVmWindow>()
      if (entry.window > behind && (lateHere.size > 0 || this.#changed.size > 0)) {
        const after = all[i + 1]?.prior ?? states
        const { amended, revisions, changedRows } = await this.#amendWindow({
          entry,
          late: lateHere,
          rows,
          priorRows,
          after,
        })
        lastRows = changedRows
        entries.push(amended)
        const { points, vmWindowsByReason } = amended
        const proof = { window: entry.window, vmWindows: revisions, points, reason: weakestOf(vmWindowsByReason) }
        if (revisions > 0) proofs.push(proof)
      }
      priorRows = rows
    }
    return { entries, proofs, points: this.#points, states: statesOf(lastRows) }
  }

  async #amendWindow(window: WindowToAmend): Promise<{ amended: ClosedEntry; revisions: number; changedRows: Rows }> {
    const { entry } = window
    const { store } = this.#attempt
    const storedAfter = new SortedRows(store, window.after)
    const quarantined = await quarantinedIn(store, entry)
    const changedRows: Rows = new Map(window.rows)
    const changed = new Map<string, StateRow | null>()
    const byReason: { [reason: string]: number } = { ...entry.vmWindowsByReason }
    let points: PointsProof = entry.points
    let revisions = 0
    for await (const [work, outcome] of this.#attempt.runner.run(this.#work(window))) {
      const { vmId, late } = work
      const row = outcome === null ? this.#passed(work, entry) : this.#revised(work, outcome, entry)
      changedRows.set(vmId, row)
      const stored = work.before === null ? await storedAfter.find(vmId) : work.before.state
      if (!isSameState(row.state, stored)) changed.set(vmId, row.state)
      if (outcome === null) continue
      const was = reasonBefore(work, quarantined)
      if (was !== null) byReason[was] = (byReason[was] ?? 0) - 1
      byReason[outcome.result.reason] = (byReason[outcome.result.reason] ?? 0) + 1
      this.#addToTotal(work, outcome, was)
      await this.#attempt.output.add(outcome.result)
      revisions++
      if (late === null) continue
      const proof = { count: countOf(late, this.#plan), digest: late.points }
      points = addPoints(points, proof)
      this.#points += proof.count
    }
    this.#changed = changed
    const vmWindowsByReason = Object.fromEntries(Object.entries(byReason).filter(([, count]) => count > 0))
    const amended = { ...entry, points, vmWindowsByReason, amended: await this.#write(changedRows) }
    return { amended, revisions, changedRows }
  }

  /** The work in one window, sorted by VM. */
  async *#work({ entry, late, rows, priorRows }: WindowToAmend): AsyncGenerator<AmendWork> {
    const { store } = this.#attempt
    const changed = this.#changed
    const accs = new SortedRows(store, entry.accs)
    const priors = new SortedRows(store, entry.prior)
    for (const vmId of [...new Set([...late.keys(), ...changed.keys()])].sort()) {
      const before = rows.get(vmId) ?? null
      const base = before?.closing ?? (await accs.find(vmId))
      const storedPrior = priorRows.has(vmId) ? (priorRows.get(vmId)?.state ?? null) : await priors.find(vmId)
      const prior = changed.has(vmId) ? (changed.get(vmId) ?? null) : storedPrior
      const lateHere = late.get(vmId) ?? null
      const isPriorChanged = canonicalJson(prior?.state ?? null) !== canonicalJson(storedPrior?.state ?? null)
      const closing = lateHere !== null ? this.#amended(base, lateHere, entry) : isPriorChanged ? base : null
      const span = { windowStart: entry.window, windowEnd: windowsOf(this.#plan.rules).endOf(entry.window) }
      const revision = 1 + (before === null || before.revision === 0 ? revisionOf(base) : before.revision)
      const task = closing && { ...span, ...closing, revision, prior: prior?.state ?? null }
      yield { vmId, late: lateHere, before, base, prior, task }
    }
  }

  #amended(base: ClosedVmRow | null, late: EncodedVmWindow, { trigger }: ClosedEntry): ClosedVmRow {
    const { aggregator, store } = this.#attempt
    const { window, reason, silent } = amendVmWindow(base, late, trigger, aggregator, this.#plan.rules)
    const row = vmWindowRow<ClosedVmRow>(window, store.maxValueBytes, () => ({
      window: window.encode(aggregator),
      reason,
      silent,
    }))
    return parseCanonicalJson<ClosedVmRow>(row)
  }

  /** The row of a VM that has no new result in the window. */
  #passed({ vmId, before, base, prior }: AmendWork, entry: ClosedEntry): AmendedRow {
    const untouched = { ...passing(vmId, null), revision: revisionOf(base) }
    return { ...(before ?? untouched), state: this.#kept(prior, entry), certificate: this.#certificate }
  }

  #revised({ vmId, prior }: AmendWork, outcome: TaskOutcome, entry: ClosedEntry): AmendedRow {
    const { task, result } = outcome
    const closing = { window: task.window, reason: task.reason, silent: task.silent }
    const state = this.#kept(stateAfter(outcome, prior), entry)
    const isQuarantined = result.reason === 'quarantined'
    return { vmId, closing, revision: result.revision, isQuarantined, state, certificate: this.#certificate }
  }

  /** Sequence of this commit's certificate. */
  get #certificate(): number {
    return this.#plan.certified.sequence + 1
  }

  /** A state is dropped with a window that closes. A skipped window did not, so all states pass through it. */
  #kept(state: StateRow | null, entry: ClosedEntry): StateRow | null {
    const isSkipped = entry.accs.rows === 0
    return state === null || (!isSkipped && isIdle(state, entry.window, this.#plan.rules)) ? null : state
  }

  /**
   * The job's total contains every VM window once, except those in quarantine. If an amendment puts a VM window in
   * quarantine, the total keeps its earlier accumulator, since accumulators cannot be subtracted.
   */
  #addToTotal({ late }: AmendWork, { task, result }: TaskOutcome, was: CloseReason | null): void {
    if (result.reason === 'quarantined') return
    if (was === null || was === 'quarantined') this.#attempt.total.addWindow(task, task.window)
    else if (late !== null) this.#attempt.total.addWindow(task, late)
  }

  async #write(rows: Rows): Promise<ChunkSet<'amended'>> {
    const sorted = [...rows.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
    const set = await writePages(this.#attempt.store, this.#plan.attempt, pagesOf('amended', sorted), this.#pages)
    this.#pages += set.digests.length
    return set
  }
}

/** The VM states after an amended window that differ from the stored ones. */
export function statesOf(rows: ReadonlyMap<string, AmendedRow>): ReadonlyMap<string, StateRow | null> {
  return new Map([...rows].map(([vmId, row]) => [vmId, row.state]))
}

function byWindow(rows: readonly LateRow[]): Map<EpochMs, Map<string, EncodedVmWindow>> {
  const windows = new Map<EpochMs, Map<string, EncodedVmWindow>>()
  for (const { windowStart, window } of rows) {
    const vms = windows.get(windowStart) ?? new Map<string, EncodedVmWindow>()
    windows.set(windowStart, vms.set(window.vmId, window))
  }
  return windows
}

/**
 * Adds entries for late windows that were skipped because no record arrived for them in time. The late points close such a
 * window now; states pass through it unchanged.
 */
function withSkipped(
  closed: readonly ClosedEntry[],
  windows: readonly EpochMs[],
  states: ChunkSet<'states'> | null,
): ClosedEntry[] {
  const skipped = windows
    .filter((window) => !closed.some((entry) => entry.window === window))
    .map((window): ClosedEntry => {
      const next = closed.find((entry) => entry.window > window)
      const before =
        next === undefined ? { prior: states } : { prior: next.prior, priorAmended: next.priorAmended ?? null }
      const nothing = { amended: null, quarantined: null, vmWindowsByReason: {}, points: NO_POINTS }
      return { window, trigger: 'grace', accs: NO_ACCS, ...before, ...nothing }
    })
  return withEntries(closed, skipped)
}

/** The row of a VM that sent nothing for a window and whose state passes through it. */
function passing(vmId: string, state: StateRow | null): AmendedRow {
  return { vmId, closing: null, revision: 0, isQuarantined: false, state }
}

const NO_ACCS: ChunkSet<'accs'> = { attempt: '', kind: 'accs', first: 0, digests: [], rows: 0 }

/** The reason under which the VM window was counted before; `null`: it did not exist. */
function reasonBefore({ before, base, vmId }: AmendWork, quarantined: ReadonlySet<string>): CloseReason | null {
  if (base === null) return null
  const isQuarantined = before === null || before.closing === null ? quarantined.has(vmId) : before.isQuarantined
  return isQuarantined ? 'quarantined' : base.reason
}

function revisionOf(base: ClosedVmRow | null): number {
  return base === null ? 0 : FIRST_REVISION
}

function countOf(window: EncodedVmWindow, { rules }: CommitPlan): number {
  let count = 0
  for (const producer of decodeProducers(window, rules).values()) count += producer.receivedCount
  return count
}
