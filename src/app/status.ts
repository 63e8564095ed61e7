/** `windrow status`: what the ledgers of a job say, and how far its topic is ahead of them. Reads only. */
import type { LogRange } from '../adapters/kafka/cluster.ts'
import type { Config } from '../config/settings.ts'
import type { CloseReason } from '../core/closing.ts'
import { addFates, NO_FATES, type FateCounts } from '../core/fate.ts'
import type { EpochMs } from '../core/point.ts'
import type { TimeWindow } from '../core/window.ts'
import { WindrowError } from '../errors.ts'
import type { JobRecord } from '../ledger/job-record.ts'
import type { Goal, Intent } from '../ledger/ledger.ts'
import { readOnly, viewPartition, type PartitionView } from '../pipeline/inspect.ts'
import { jobIn, withJobStore, type StoreConfig } from './job-store.ts'

export type StatusConfig = StoreConfig & Pick<Config, 'brokers'>

export interface JobStatus {
  readonly job: string
  /** Name and version. */
  readonly aggregator: string
  readonly windowMs: number
  /** `null`: the job reads files. */
  readonly topic: string | null
  /** Why no lag is known although there is a topic. */
  readonly lagProblem: string | null
  /** Of all partitions. */
  readonly counts: FateCounts
  readonly partitions: readonly PartitionStatus[]
}

/** As of the last commit. What is `null` or empty in a partition that nobody has taken is so for that reason. */
export interface PartitionStatus {
  readonly partition: number
  readonly owner: { readonly epoch: number; readonly token: string } | null
  readonly commit: number
  /** The highest commit that the ledger knows to be published. */
  readonly published: number
  readonly resumeOffset: number | null
  readonly logEnd: number | null
  /** Offsets from where reading goes on to the end of the log. */
  readonly lag: number | null
  readonly watermark: EpochMs | null
  readonly counts: FateCounts
  readonly open: readonly OpenWindowStatus[]
  readonly lastClosed: { readonly window: EpochMs; readonly reason: CloseReason } | null
  /** The commit under way, or the one that an owner left when it died. */
  readonly intent: Pick<Intent, 'commit' | 'epoch' | 'cut' | 'window' | 'trigger'> | null
  readonly goal: Goal | null
  /** Why no owner can go on, as far as it shows in ledger and log. */
  readonly halted: { readonly code: string; readonly message: string } | null
}

export interface OpenWindowStatus extends TimeWindow {
  /** Those with points or manifests. */
  readonly vmWindows: number
  /** Producers of VMs: those of the roster and those seen. */
  readonly waitedFor: number
  readonly complete: number
}

export type ReadStatus = (config: StatusConfig, signal: AbortSignal) => Promise<JobStatus>

export const readStatus: ReadStatus = (config, signal) =>
  withJobStore(config, signal, async (opened) => {
    const store = readOnly(opened.store)
    const record = await jobIn(store, config)
    const views: (PartitionView | null)[] = []
    for (let partition = 0; partition < record.partitions; partition++) {
      views.push(await viewPartition(store, config.job, partition, record.rules))
    }
    // After the ledgers: asked before them, an end could lie below where a partition has got to meanwhile.
    const log = await readLog(record, config.brokers)
    return statusOf(record, views, log)
  })

/** Pure. */
export function statusOf(record: JobRecord, views: readonly (PartitionView | null)[], log: Log): JobStatus {
  return {
    job: record.job,
    aggregator: record.aggregator,
    windowMs: record.rules.sizeMs,
    topic: topicOf(record),
    lagProblem: log.problem,
    counts: views.reduce((sum, view) => addFates(sum, view?.ledger.counts ?? NO_FATES), NO_FATES),
    partitions: views.map((view, partition) => partitionStatus(partition, view, log.ranges.get(partition) ?? null)),
  }
}

function partitionStatus(partition: number, view: PartitionView | null, range: LogRange | null): PartitionStatus {
  const logEnd = range?.end ?? null
  if (view === null) {
    return {
      ...{ partition, owner: null, commit: 0, published: 0, resumeOffset: null },
      ...{ logEnd, lag: range === null ? null : range.end - range.start },
      ...{ watermark: null, counts: NO_FATES, open: [], lastClosed: null, intent: null, goal: null, halted: null },
    }
  }
  const { ledger, index } = view
  const { epoch, token, commit, published, resumeOffset, watermark, counts, intent, goal } = ledger
  return {
    partition,
    owner: { epoch, token },
    commit,
    published: published.commit,
    resumeOffset,
    logEnd,
    lag: logEnd === null ? null : Math.max(0, logEnd - resumeOffset),
    watermark,
    counts,
    open: openWindows(view),
    lastClosed: index?.lastClosed ?? null,
    intent: intent && {
      commit: intent.commit,
      epoch: intent.epoch,
      cut: intent.cut,
      window: intent.window,
      trigger: intent.trigger,
    },
    goal,
    halted: range === null ? null : haltedBy(resumeOffset, range),
  }
}

function openWindows({ state }: PartitionView): OpenWindowStatus[] {
  return [...state.windows.values()]
    .sort((a, b) => a.start - b.start)
    .map((window) => {
      const { waitedFor, incomplete } = window.countWaiting(state.roster)
      const { start, end, vms } = window
      return { start, end, vmWindows: vms.size, waitedFor, complete: waitedFor - incomplete }
    })
}

/** The one halt that shows from outside: where reading must go on is not in the log. */
function haltedBy(resumeOffset: number, { start, end }: LogRange): PartitionStatus['halted'] {
  if (resumeOffset >= start && resumeOffset <= end) return null
  return {
    code: 'DATA_LOSS',
    message: `it must go on at offset ${resumeOffset}, but the log holds ${start} to ${end}`,
  }
}

export interface Log {
  /** By partition; empty where nobody could be asked. */
  readonly ranges: ReadonlyMap<number, LogRange>
  readonly problem: string | null
}

async function readLog(record: JobRecord, brokers: readonly string[]): Promise<Log> {
  const topic = topicOf(record)
  const none = (problem: string | null): Log => ({ ranges: new Map(), problem })
  if (topic === null) return none(null)
  if (brokers.length === 0) return none('give --brokers to see the lag')
  const { connectKafkaCluster } = await import('../adapters/kafka/cluster.ts')
  try {
    const cluster = await connectKafkaCluster({ brokers, clientId: 'windrow-status' })
    try {
      const partitions = Array.from({ length: record.partitions }, (_, partition) => partition)
      return { ranges: await cluster.logRanges(topic, partitions), problem: null }
    } finally {
      await cluster.close()
    }
  } catch (error) {
    // What the ledgers say is worth telling without the brokers, when those are what is looked into.
    if (!(error instanceof WindrowError)) throw error
    return none(error.message)
  }
}

function topicOf({ source }: JobRecord): string | null {
  const { kind, topic } = source as { readonly kind?: unknown; readonly topic?: unknown }
  return kind === 'kafka' && typeof topic === 'string' ? topic : null
}
