/** The commit plan that an owner would write for a window that a test has folded; it is the input of the activities. */
import type { MemoryStore } from './memory-store.ts'
import type { AnyAggregator } from '../../src/core/aggregator.ts'
import type { ClosedWindow } from '../../src/core/partition-state.ts'
import type { Json } from '../../src/core/json.ts'
import type { RowKind, StateRow } from '../../src/ledger/chunk-rows.ts'
import { pagesOf, writePages, type ChunkSet, type Pages } from '../../src/ledger/chunks.ts'
import { proposeIntent, takeOver } from '../../src/ledger/takeover.ts'
import { closingPages } from '../../src/pipeline/cut.ts'
import { aggregatorId } from '../../src/core/aggregator.ts'
import type { CommitPlan } from '../../src/workflows/plan.ts'
import type { Folding } from './fold.ts'

export interface PlanOptions {
  readonly prior?: readonly StateRow[]
  readonly total?: Json
  readonly vmsPerWorkflow?: number
}

/** Takes the partition over, announces the next commit, and writes what closing `window` needs. */
export async function planClose(
  store: MemoryStore,
  folding: Folding,
  window: ClosedWindow | null,
  options: PlanOptions = {},
): Promise<CommitPlan> {
  const { owner, ledger } = await takeOver(store, 'job', 0, `token${ledgerCount++}`.padEnd(8, '0'), 0)
  const proposal = { cut: 99, window: window?.start ?? null, trigger: window?.trigger ?? null, pages: {} }
  const { intent } = await proposeIntent(store, owner, ledger.commit, proposal, ledger.published)
  const write = <Kind extends RowKind>(pages: Pages<Kind>, first = 0): Promise<ChunkSet<Kind>> =>
    writePages(store, intent.attempt, pages, first)
  const { prior, total, vmsPerWorkflow = 1 } = options
  const { aggregator, rules, state } = folding
  // Chunk numbers that do not collide with those that the activity writes for the same kind.
  const aside = 1_000_000
  return {
    attempt: intent.attempt,
    owner,
    commit: intent.commit,
    digestBefore: ledger.digest,
    indexBefore: ledger.index,
    cut: intent.cut,
    lastRecord: intent.cut,
    certified: ledger.certified,
    watermark: state.watermark,
    closedThrough: state.closedThrough,
    counts: state.counts,
    open: [],
    roster: await write(pagesOf('roster', state.roster.rows())),
    dead: await write(pagesOf('dead', [])),
    close:
      window === null
        ? null
        : {
            windowStart: window.start,
            windowEnd: window.end,
            trigger: window.trigger,
            forced: window.forced,
            accs: await write(closingPages(window, aggregator, store.maxValueBytes)),
            vmWindows: window.vms.length,
            received: window.vms.reduce((sum, vm) => sum + vm.window.receivedCount, 0),
          },
    states: prior === undefined ? null : await write(pagesOf('states', prior), aside),
    total: total === undefined ? null : await write(pagesOf('total', [{ value: total }]), aside),
    late: null,
    amend: null,
    vmsPerWorkflow,
    publishedCommit: ledger.published.commit,
    sweptCommit: 0,
    abandoned: ledger.abandoned,
    rules,
    aggregator: aggregatorId(aggregator),
  }
}

let ledgerCount = 0

/** Counts and adds up points; the result is small enough to write out in a test's expectation. */
export const totals: AnyAggregator = {
  name: 'totals',
  version: 1,
  maxBytesPerMetric: 100,
  create: () => ({ count: 0, sum: 0 }),
  add: (acc: Totals, { value }) => ({ count: acc.count + 1, sum: acc.sum + value }),
  merge: (a: Totals, b: Totals) => ({ count: a.count + b.count, sum: a.sum + b.sum }),
  result: (acc: Totals) => ({ ...acc }),
  advance: (prior: Totals | null, acc: Totals) => ({
    count: (prior?.count ?? 0) + acc.count,
    sum: (prior?.sum ?? 0) + acc.sum,
  }),
  encode: (acc: Totals) => ({ ...acc }),
  decode: (json) => ({ ...(json as Totals) }),
}

type Totals = { count: number; sum: number }
