/**
 * Amends closed windows by what came late for them, lowest first. A VM window that late points or manifests change gets a new
 * result, and so has every later closed one of the same VM whose prior state is thereby another: the cascade ends where a state
 * comes out as it was. Rows that change lie in a set of their own beside those of the window, so that one late point does
 * not rewrite a partition.
 */
import { amendVmWindow } from '../../core/amend-vm-window.ts'
import type { AmendedProof, PointsProof } from '../../core/certificate.ts'
import { FIRST_REVISION, type VmWindowTask } from '../../core/close-vm-window.ts'
import type { CloseReason } from '../../core/closing.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import type { EpochMs } from '../../core/point.ts'
import { decodeProducers, type EncodedVmWindow } from '../../core/vm-window.ts'
import { addPoints, NO_POINTS } from '../../core/window-proof.ts'
import { pagesOf, readRows, writePages, type ChunkSet } from '../../ledger/chunks.ts'
import { weakestOf, withEntries, type ClosedEntry } from '../../ledger/closed-windows.ts'
import { SortedRows } from '../../ledger/sorted-rows.ts'
import { vmWindowRow } from '../../ledger/vm-window-row.ts'
import type { StateStore } from '../../ports/index.ts'
import type { CommitPlan, PlannedAmendment } from '../plan.ts'
import type { AggregateEnv } from './aggregate.ts'
import type { AmendedRow, ClosingRow, LateRow, StateRow } from './close-tasks.ts'
import type { CommitOutput } from './commit-output.ts'
import type { JobTotal } from './job-total.ts'
import type { GroupRunner } from './run-groups.ts'
import type { TaskOutcome } from './run-tasks.ts'
import { areSame, isIdle, stateAfter } from './vm-states.ts'

export interface Amendments {
  /** Closed windows as they are now, only those that changed. */
  readonly entries: readonly ClosedEntry[]
  readonly proofs: readonly AmendedProof[]
  /** Late points that were taken in. */
  readonly points: number
  /** VM states after the last closed window that are not as the index has them. */
  readonly states: ReadonlyMap<string, StateRow | null>
}

/** A VM in a window that is amended. */
interface AmendWork {
  readonly vmId: string
  readonly late: EncodedVmWindow | null
  readonly before: AmendedRow | null
  /** As the window closed, or as it was amended last. */
  readonly base: ClosingRow | null
  readonly prior: StateRow | null
  /** `null`: the VM has no result that changes; only its state passes through. */
  readonly task: VmWindowTask | null
}

interface WindowToAmend {
  readonly entry: ClosedEntry
  readonly late: ReadonlyMap<string, EncodedVmWindow>
  /** Its amended rows so far, and those of the window before it. */
  readonly rows: ReadonlyMap<string, AmendedRow>
  readonly priorRows: ReadonlyMap<string, AmendedRow>
  /** VM states after it, as stored. */
  readonly after: ChunkSet | null
}

type Rows = Map<string, AmendedRow>

export class WindowAmender {
  readonly #plan: CommitPlan
  readonly #env: AggregateEnv
  readonly #runner: GroupRunner
  readonly #output: CommitOutput
  readonly #total: JobTotal
  /** States that are not any more what is stored of them, before the window that comes next. */
  #changed: ReadonlyMap<string, StateRow | null> = new Map()
  #points = 0
  #pages: number

  /** `firstPage`: the number of its first page of the kind `amended`. */
  constructor(
    plan: CommitPlan,
    env: AggregateEnv,
    runner: GroupRunner,
    output: CommitOutput,
    total: JobTotal,
    firstPage = 0,
  ) {
    this.#pages = firstPage
    this.#plan = plan
    this.#env = env
    this.#runner = runner
    this.#output = output
    this.#total = total
  }

  async amend({ late }: PlannedAmendment, closed: readonly ClosedEntry[]): Promise<Amendments> {
    const lateVms = byWindow((await readRows(this.#env.store, late)) as unknown as LateRow[])
    return this.#pass(withSkipped(closed, [...lateVms.keys()], this.#plan.states), lateVms, -Infinity)
  }

  /** Windows behind this one follow from VM states after it that are not any more what is stored of them. */
  async follow(
    changed: ReadonlyMap<string, StateRow | null>,
    closed: readonly ClosedEntry[],
    behind: EpochMs,
  ): Promise<Amendments> {
    this.#changed = changed
    return this.#pass(closed, new Map(), behind)
  }

  async #pass(
    all: readonly ClosedEntry[],
    lateVms: ReadonlyMap<EpochMs, ReadonlyMap<string, EncodedVmWindow>>,
    behind: EpochMs,
  ): Promise<Amendments> {
    const { states } = this.#plan
    const entries: ClosedEntry[] = []
    const proofs: AmendedProof[] = []
    let priorRows = await amendedRows(this.#env.store, all[0]?.priorAmended ?? null)
    let lastRows: Rows = new Map()
    for (const [i, entry] of all.entries()) {
      // The states before a skipped window are those after it: what was amended of them is, too.
      const rows =
        entry.accs === NO_ACCS
          ? new Map([...priorRows].map(([vmId, row]) => [vmId, { ...row, ...passing(vmId, row.state) }]))
          : await amendedRows(this.#env.store, entry.amended)
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
    const { store } = this.#env
    const storedAfter = new SortedRows<StateRow>(store, window.after, (row) => row.vmId)
    const quarantined = await quarantinedIn(store, entry)
    const changedRows: Rows = new Map(window.rows)
    const changed = new Map<string, StateRow | null>()
    const byReason: { [reason: string]: number } = { ...entry.vmWindowsByReason }
    let points: PointsProof = entry.points
    let revisions = 0
    for await (const [work, outcome] of this.#runner.run(this.#work(window))) {
      const { vmId, late } = work
      const row = outcome === null ? this.#passed(work, entry.window) : this.#revised(work, outcome, entry.window)
      changedRows.set(vmId, row)
      const stored = work.before === null ? await storedAfter.find(vmId) : work.before.state
      if (!areSame(row.state, stored)) changed.set(vmId, row.state)
      if (outcome === null) continue
      const was = reasonBefore(work, quarantined)
      if (was !== null) byReason[was] = (byReason[was] ?? 0) - 1
      byReason[outcome.result.reason] = (byReason[outcome.result.reason] ?? 0) + 1
      this.#addToTotal(work, outcome, was)
      await this.#output.add(outcome.result)
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

  /** What there is to do in a window, sorted by VM. */
  async *#work({ entry, late, rows, priorRows }: WindowToAmend): AsyncGenerator<AmendWork> {
    const { store } = this.#env
    const changed = this.#changed
    const accs = new SortedRows<ClosingRow>(store, entry.accs, (row) => row.window.vmId)
    const priors = new SortedRows<StateRow>(store, entry.prior, (row) => row.vmId)
    for (const vmId of [...new Set([...late.keys(), ...changed.keys()])].sort()) {
      const before = rows.get(vmId) ?? null
      const base = before?.closing ?? (await accs.find(vmId))
      const storedPrior = priorRows.has(vmId) ? (priorRows.get(vmId)?.state ?? null) : await priors.find(vmId)
      const prior = changed.has(vmId) ? (changed.get(vmId) ?? null) : storedPrior
      const lateHere = late.get(vmId) ?? null
      const isPriorChanged = !isSameJson(prior?.state ?? null, storedPrior?.state ?? null)
      const closing = lateHere !== null ? this.#amended(base, lateHere, entry) : isPriorChanged ? base : null
      const span = { windowStart: entry.window, windowEnd: entry.window + this.#plan.rules.sizeMs }
      const revision = 1 + (before === null || before.revision === 0 ? revisionOf(base) : before.revision)
      const task = closing && { ...span, ...closing, revision, prior: prior?.state ?? null }
      yield { vmId, late: lateHere, before, base, prior, task }
    }
  }

  #amended(base: ClosingRow | null, late: EncodedVmWindow, { trigger }: ClosedEntry): ClosingRow {
    const { aggregator, store } = this.#env
    const { window, reason, silent } = amendVmWindow(base, late, trigger, aggregator, this.#plan.rules)
    const row = vmWindowRow(window, store.maxValueBytes, () => ({ window: window.encode(aggregator), reason, silent }))
    return JSON.parse(row) as ClosingRow
  }

  /** The row of a VM that has no new result in the window. */
  #passed({ vmId, before, base, prior }: AmendWork, window: EpochMs): AmendedRow {
    const untouched = { ...passing(vmId, null), revision: revisionOf(base) }
    return { ...(before ?? untouched), state: this.#kept(prior, window), certificate: this.#certificate }
  }

  #revised({ vmId, prior }: AmendWork, outcome: TaskOutcome, window: EpochMs): AmendedRow {
    const { task, result } = outcome
    const closing = { window: task.window, reason: task.reason, silent: task.silent }
    const state = this.#kept(stateAfter(outcome, prior), window)
    const isQuarantined = result.reason === 'quarantined'
    return { vmId, closing, revision: result.revision, isQuarantined, state, certificate: this.#certificate }
  }

  /** Sequence of the certificate that this commit will have. */
  get #certificate(): number {
    return this.#plan.certified.sequence + 1
  }

  #kept(state: StateRow | null, window: EpochMs): StateRow | null {
    return state === null || isIdle(state, window, this.#plan.rules) ? null : state
  }

  /**
   * The total of the job holds every VM window once, but for those in quarantine. One that an amendment puts there stays
   * with what it had: an accumulator cannot be taken out again.
   */
  #addToTotal({ late }: AmendWork, { task, result }: TaskOutcome, was: CloseReason | null): void {
    if (result.reason === 'quarantined') return
    if (was === null || was === 'quarantined') this.#total.add({ value: task.window.accumulator })
    else if (late !== null) this.#total.add({ value: late.accumulator })
  }

  async #write(rows: Rows): Promise<ChunkSet> {
    const sorted = [...rows.values()].sort((a, b) => (a.vmId < b.vmId ? -1 : 1))
    const pages = pagesOf(sorted as unknown as Json[])
    const set = await writePages(this.#env.store, this.#plan.attempt, 'amended', pages, this.#pages)
    this.#pages += pages.length
    return set
  }
}

/** Amended rows of a window, by VM. */
export async function amendedRows(store: StateStore, set: ChunkSet | null): Promise<Rows> {
  const rows = set === null ? [] : ((await readRows(store, set)) as unknown as AmendedRow[])
  return new Map(rows.map((row) => [row.vmId, row]))
}

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

/** A window that was skipped because nothing came for it is closed by what came late: states pass it as they are. */
function withSkipped(
  closed: readonly ClosedEntry[],
  windows: readonly EpochMs[],
  states: ChunkSet | null,
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

/** The row of a VM that has no part in a window, only a state that passes through it. */
function passing(vmId: string, state: StateRow | null): AmendedRow {
  return { vmId, closing: null, revision: 0, isQuarantined: false, state }
}

const NO_ACCS: ChunkSet = { attempt: '', kind: 'accs', first: 0, digests: [], rows: 0 }

export async function quarantinedIn(
  store: StateStore,
  { window, quarantined }: ClosedEntry,
): Promise<ReadonlySet<string>> {
  const rows = quarantined === null ? [] : await readRows(store, quarantined)
  const letters = rows as unknown as readonly { readonly vmId: string; readonly windowStart: EpochMs }[]
  return new Set(letters.filter((row) => row.windowStart === window).map((row) => row.vmId))
}

/** What the VM window was counted as; `null`: it was not there. */
function reasonBefore({ before, base, vmId }: AmendWork, quarantined: ReadonlySet<string>): CloseReason | null {
  if (base === null) return null
  const isQuarantined = before === null || before.closing === null ? quarantined.has(vmId) : before.isQuarantined
  return isQuarantined ? 'quarantined' : base.reason
}

function revisionOf(base: ClosingRow | null): number {
  return base === null ? 0 : FIRST_REVISION
}

function countOf(window: EncodedVmWindow, { rules }: CommitPlan): number {
  let count = 0
  for (const producer of decodeProducers(window, rules).values()) count += producer.receivedCount
  return count
}

function isSameJson(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b)
}
