/** `windrow close`: requests the owners of partitions to close windows now, and waits for their replies. */
import { randomBytes } from 'node:crypto'
import type { EpochMs } from '../../core/point.ts'
import { windowFrom, windowsOf, type TimeWindow } from '../../core/window-policy.ts'
import { ConfigurationError } from '../../errors/index.ts'
import type { JobRecord } from '../../ledger/job-record.ts'
import { windowList, type CloseRequest, type RequestAnswer, type WindowList } from '../../ledger/requests.ts'
import { viewPartition } from '../../pipeline/inspect.ts'
import type { StateStore } from '../../ports/index.ts'
import { askAndWait } from '../ask.ts'
import { jobIn, withJobStore, type JobStore, type StoreAccess, type StoreConfig } from '../job-store.ts'

export interface CloseOrder {
  /** Any time in the last window to close. */
  readonly at: EpochMs
  /** `null`: all. */
  readonly partition: number | null
  readonly who: string
  readonly why: string
  /** How long to wait for an owner. */
  readonly waitMs: number
  /** If no owner replies, leave the request for the next one instead of withdrawing it. */
  readonly leave: boolean
}

export interface CloseReport {
  /** Id of the request, also in logs and certificates. */
  readonly request: string
  readonly window: TimeWindow
  readonly partitions: readonly PartitionClose[]
}

export type PartitionClose = { readonly partition: number } & (
  | { readonly outcome: 'closed'; readonly closing: WindowList; readonly commit: number }
  | { readonly outcome: 'not-open' | 'closed-before'; readonly open: WindowList }
  /** No owner replied, and the request was withdrawn. */
  | { readonly outcome: 'no-owner' }
  /** No owner replied, and the request is left for the next one. */
  | { readonly outcome: 'left' }
  /** An owner began and has not replied in time. It or its successor completes the request. */
  | { readonly outcome: 'under-way' }
)

export type CloseWindows = (
  config: StoreConfig,
  order: CloseOrder,
  signal: AbortSignal,
  access?: StoreAccess,
) => Promise<CloseReport>

export const closeWindows: CloseWindows = (config, order, signal, access = 'open') => {
  const use = async (opened: JobStore): Promise<CloseReport> => {
    const record = await jobIn(opened.store, config)
    const windows = windowsOf(record.rules)
    const start = windows.startOf(order.at)
    const request: CloseRequest = {
      ...{ kind: 'close', id: randomBytes(4).toString('hex'), window: start },
      ...{ who: order.who, why: order.why, askedAtMs: Date.now() },
    }
    const partitions = await Promise.all(
      partitionsOf(record, order).map((partition) => closeIn(opened, record, partition, request, order, signal)),
    )
    return { request: request.id, window: windowFrom(windows, start), partitions }
  }
  return withJobStore(config, signal, use, access)
}

function partitionsOf(record: JobRecord, { partition }: CloseOrder): number[] {
  if (partition === null) return Array.from({ length: record.partitions }, (_, i) => i)
  if (partition < record.partitions) return [partition]
  const problem = `there is no partition ${partition}: job ${record.job} has ${record.partitions}`
  throw new ConfigurationError([
    { place: '--partition', problem, remedy: `Give one from 0 to ${record.partitions - 1}, or all.` },
  ])
}

async function closeIn(
  opened: JobStore,
  record: JobRecord,
  partition: number,
  request: CloseRequest,
  order: CloseOrder,
  signal: AbortSignal,
): Promise<PartitionClose> {
  const { store, isIdle } = opened
  if (isIdle) {
    // Without an owner, the last commit is the current state. A window that is not open there would be refused later.
    const refusal = await refusedNow(store, record, partition, request.window)
    if (refusal !== null) return refusal
    if (!order.leave) return { partition, outcome: 'no-owner' }
  }
  const answer = await askAndWait(opened, record.job, partition, request, order, signal)
  return typeof answer === 'string' ? { partition, outcome: answer } : closeOf(partition, answer)
}

async function refusedNow(
  store: StateStore,
  record: JobRecord,
  partition: number,
  window: EpochMs,
): Promise<PartitionClose | null> {
  const state = (await viewPartition(store, record.job, partition, record.rules))?.state
  if (state !== undefined && state.openThrough(window).length > 0) return null
  const isClosed = (state?.closedThrough ?? -Infinity) >= window
  const open = windowList([...(state?.windows.keys() ?? [])].sort((a, b) => a - b))
  return { partition, outcome: isClosed ? 'closed-before' : 'not-open', open }
}

function closeOf(partition: number, { outcome }: RequestAnswer): PartitionClose {
  if (outcome.kind === 'refused') return { partition, outcome: outcome.problem, open: outcome.open }
  if (outcome.kind !== 'closed') throw new Error(`a request to close was answered as ${outcome.kind}`)
  return { partition, outcome: 'closed', closing: outcome.closing, commit: outcome.commit }
}
