/** The totals of a job, as its ledgers have them. */
import type { JobSummary } from '../types.ts'
import { aggregatorId, type AnyAggregator } from '../../core/aggregator.ts'
import { addFates, NO_FATES, type FateCounts } from '../../core/fate.ts'
import { addFindings, NO_FINDINGS, type EncodedFindings } from '../../core/input-findings.ts'
import type { Json } from '../../core/json.ts'
import type { VmAhead } from '../../core/quorum-clock.ts'
import type { TotalRow } from '../../ledger/chunk-rows.ts'
import { readRows } from '../../ledger/chunks.ts'
import { addCounts, readIndex } from '../../ledger/index-chunk.ts'
import { latePointsIn, readJob } from '../../pipeline/inspect.ts'
import type { Windowing } from '../../core/windowing.ts'
import { readLedger } from '../../ledger/ledger.ts'
import type { StateStore } from '../../ports/index.ts'
import { JobTotal } from '../../workflows/activities/job-total.ts'
import { uselessnessOf, type InputSoFar } from '../usefulness.ts'

export async function summarise(
  store: StateStore,
  job: string,
  partitions: number,
  aggregator: AnyAggregator,
  run: {
    readonly seconds: number
    readonly before: InputSoFar
    readonly nowMs: number | null
    readonly ahead: readonly VmAhead[]
  },
): Promise<JobSummary> {
  let counts: FateCounts = NO_FATES
  let findings: EncodedFindings = NO_FINDINGS
  let closed = 0
  let vmWindows = 0
  let revisions = 0
  let pendingPoints = 0
  let rules: Windowing | null = null
  let byReason: { [reason: string]: number } = {}
  const total = new JobTotal(aggregator)
  for (let partition = 0; partition < partitions; partition++) {
    const found = await readLedger(store, job, partition)
    if (found === null) continue
    counts = addFates(counts, found.ledger.counts)
    if (found.ledger.index === null) continue
    const index = await readIndex(store, found.ledger.index)
    findings = addFindings(findings, index.findings ?? { ...NO_FINDINGS, isPartial: true })
    closed += index.totals.windows
    vmWindows += index.totals.vmWindows
    revisions += index.totals.revisions ?? 0
    if (index.late !== null) {
      rules ??= (await readJob(store, job))?.rules ?? null
      if (rules !== null) pendingPoints += await latePointsIn(store, index, rules)
    }
    byReason = addCounts(byReason, index.totals.windowsByReason)
    if (index.total !== null) {
      const [row] = await readRows(store, index.total)
      total.add(row as TotalRow)
    }
  }
  const { consumed, extra, accepted, duplicate, conflict, late, rejected, manifests, noReading } = counts
  return {
    points: {
      ...{ consumed, accepted, duplicate, conflict, late, rejected },
      ...(extra === undefined ? {} : { extra }),
      ...(noReading === undefined ? {} : { noReading }),
    },
    refused: findings.refused,
    useless: uselessnessOf(run.before, { counts, findings }, run.nowMs),
    ahead: run.ahead,
    manifests,
    windows: { closed, byReason },
    vmWindows,
    amendments: { pendingPoints, revisions },
    aggregator: aggregatorId(aggregator),
    metrics: (total.result() ?? {}) as Record<string, Json>,
    seconds: run.seconds,
    pointsPerSecond: run.seconds === 0 ? 0 : Math.round((consumed - run.before.counts.consumed) / run.seconds),
  }
}

/** What all ledgers together account for, and what was found out about it. */
export async function inputSoFar(store: StateStore, job: string, partitions: number): Promise<InputSoFar> {
  let counts: FateCounts = NO_FATES
  let findings: EncodedFindings = NO_FINDINGS
  for (let partition = 0; partition < partitions; partition++) {
    const ledger = (await readLedger(store, job, partition))?.ledger
    if (ledger === undefined) continue
    counts = addFates(counts, ledger.counts)
    const stored = ledger.index === null ? undefined : (await readIndex(store, ledger.index)).findings
    if (stored !== undefined) findings = addFindings(findings, stored)
  }
  return { counts, findings }
}
