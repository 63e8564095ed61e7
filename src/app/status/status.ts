/** `windrow status`: what the ledgers of a job say, and how far its topic is ahead of them. Reads only. */
import { windowsOf } from '../../core/window-policy.ts'
import type { LogRange } from '../../adapters/kafka/cluster.ts'
import type { KafkaSettings } from '../../config/kafka-rules.ts'
import type { CloseReason } from '../../core/closing.ts'
import { addFates, NO_FATES, type FateCounts } from '../../core/fate.ts'
import { partitionOf } from '../../core/murmur2.ts'
import type { EpochMs } from '../../core/point.ts'
import type { VmAhead } from '../../core/quorum-clock.ts'
import type { TimeWindow } from '../../core/window-policy.ts'
import { WindrowError } from '../../errors/index.ts'
import type { JobRecord } from '../../ledger/job-record.ts'
import { readHalt, type Halt } from '../../ledger/halt.ts'
import { readLedger, type Goal, type Intent, type Ledger } from '../../ledger/ledger.ts'
import { dataLossIn } from '../../pipeline/data-loss.ts'
import { MAX_NAMED } from '../../pipeline/fleet-watch.ts'
import { readOnly, viewPartition, type PartitionView } from '../../pipeline/inspect.ts'
import type { SplitVm } from '../../core/split-vm.ts'
import type { StateStore } from '../../ports/index.ts'
import { jobIn, withJobStore, type StoreConfig } from '../job-store.ts'
import { readLog, sourceTopicOf, type TopicLog } from './topic-state.ts'

export type StatusConfig = StoreConfig & KafkaSettings

export interface JobStatus {
  readonly job: string
  /** Name and version. */
  readonly aggregator: string
  /** The usual length of a window. */
  readonly windowMs: number
  /** The windows in words, such as `1h`. */
  readonly windows: string
  /** `null`: the job reads files. */
  readonly topic: string | null
  /** Why no lag is known although there is a topic. */
  readonly lagProblem: string | null
  /** Why no run of the job could continue, as far as its topic shows. */
  readonly halted: HaltStatus | null
  /** Of all partitions. */
  readonly counts: FateCounts
  /** VMs that are known in more than one partition, across all processes. */
  readonly vmsInTwoPartitions: { readonly count: number; readonly vms: readonly SplitVm[] }
  /** Why `maxAhead` protects the job from no clock, although its input is a topic; `null` if it does, or this is unknown. */
  readonly maxAheadProblem: string | null
  readonly partitions: readonly PartitionStatus[]
}

/** State of a partition as of its last commit. Fields are `null` or empty if no owner has ever taken the partition. */
export interface PartitionStatus {
  readonly partition: number
  readonly owner: { readonly epoch: number; readonly token: string } | null
  readonly commit: number
  /** The highest commit that the ledger knows to be published. */
  readonly published: number
  readonly resumeOffset: number | null
  readonly logEnd: number | null
  /** Offsets from `resumeOffset` to the end of the log. */
  readonly lag: number | null
  readonly watermark: EpochMs | null
  readonly counts: FateCounts
  readonly open: readonly OpenWindowStatus[]
  /** VMs whose clocks are far ahead of the others: how many, and the furthest ten. */
  readonly ahead: { readonly count: number; readonly vms: readonly VmAhead[] }
  readonly late: LateStatus
  /** `vmsPerWorkflow`: VM windows that one workflow closed; absent if an earlier version closed the window. */
  readonly lastClosed: {
    readonly window: EpochMs
    readonly reason: CloseReason
    readonly vmsPerWorkflow?: number
  } | null
  /** The commit in progress, or the unfinished one of an owner that crashed. */
  readonly intent: Pick<Intent, 'commit' | 'epoch' | 'cut' | 'window' | 'trigger' | 'request'> | null
  readonly goal: Goal | null
  /** Why the owner of the partition halted, or why no owner could take it. */
  readonly halted: HaltStatus | null
}

export interface LateStatus {
  /** Late points that amend their windows with the next close. */
  readonly pending: number
  /** Results of amendments and promotions so far. */
  readonly revisions: number
}

export interface HaltStatus {
  readonly code: string
  readonly message: string
  readonly remedy: string
  /** When the owner halted; `null` if no owner has halted yet but the job's data or topic shows the problem. */
  readonly atMs: EpochMs | null
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
    const stored: StoredPartition[] = []
    for (let partition = 0; partition < record.partitions; partition++) {
      stored.push(await inspectPartition(store, record, partition))
    }
    // Read the log after the ledgers: read before them, its end could be lower than a resume offset committed meanwhile.
    const log = await readLog(record, config)
    return statusOf(record, stored, log)
  })

/** What the state store contains of a partition. */
export interface StoredPartition {
  /** `null` until an owner takes the partition. */
  readonly ledger: Ledger | null
  /** Also `null` if chunks are lost; `problem` then names them. */
  readonly view: PartitionView | null
  readonly problem: WindrowError | null
  readonly halt: Halt | null
}

/** Reads what the store has of a partition. A problem of its chunks becomes a part of the answer. */
export async function inspectPartition(
  store: StateStore,
  { job, rules }: JobRecord,
  partition: number,
): Promise<StoredPartition> {
  try {
    const view = await viewPartition(store, job, partition, rules)
    const ledger = view?.ledger ?? null
    return { ledger, view, problem: null, halt: await readHalt(store, job, partition, ledger) }
  } catch (error) {
    // A problem of one partition must hide neither the other partitions nor its own ledger.
    if (!(error instanceof WindrowError) || error.code !== 'CHUNK_BROKEN') throw error
    const ledger = (await readLedger(store, job, partition))?.ledger ?? null
    return { ledger, view: null, problem: error, halt: await readHalt(store, job, partition, ledger) }
  }
}

/** Pure. */
export function statusOf(record: JobRecord, stored: readonly StoredPartition[], log: TopicLog): JobStatus {
  const windows = windowsOf(record.rules)
  return {
    job: record.job,
    aggregator: record.aggregator,
    windowMs: windows.usualMs,
    windows:
      record.timeZoneData === undefined ? windows.text : `${windows.text} (time zone data ${record.timeZoneData})`,
    topic: sourceTopicOf(record),
    lagProblem: log.problem,
    halted: log.halt && haltStatus(log.halt, null),
    counts: stored.reduce((sum, { ledger }) => addFates(sum, ledger?.counts ?? NO_FATES), NO_FATES),
    vmsInTwoPartitions: splitVmsIn(record, stored),
    maxAheadProblem: log.maxAheadProblem,
    partitions: stored.map((one, partition) => partitionStatus(partition, one, log.ranges.get(partition) ?? null)),
  }
}

function partitionStatus(partition: number, stored: StoredPartition, range: LogRange | null): PartitionStatus {
  const logEnd = range?.end ?? null
  const { ledger, view } = stored
  const halted = haltOf(stored, range)
  if (ledger === null) {
    return {
      ...{ partition, owner: null, commit: 0, published: 0, resumeOffset: null },
      ...{ logEnd, lag: range === null ? null : range.end - range.start },
      ...{ watermark: null, counts: NO_FATES, open: [], ahead: NONE_AHEAD, late: NOTHING_LATE },
      ...{ lastClosed: null, intent: null, goal: null, halted },
    }
  }
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
    open: view === null ? [] : openWindows(view),
    ahead: view === null ? NONE_AHEAD : aheadIn(view),
    late: view === null ? NOTHING_LATE : { pending: view.latePoints, revisions: view.index?.totals?.revisions ?? 0 },
    lastClosed: view?.index?.lastClosed ?? null,
    intent: intent && {
      commit: intent.commit,
      epoch: intent.epoch,
      cut: intent.cut,
      window: intent.window,
      trigger: intent.trigger,
      ...(intent.request === undefined ? {} : { request: intent.request }),
    },
    goal,
    halted,
  }
}

const NONE_AHEAD: PartitionStatus['ahead'] = { count: 0, vms: [] }

function aheadIn({ state: { clock } }: PartitionView): PartitionStatus['ahead'] {
  return { count: clock.aheadOrLeftCount, vms: clock.ahead(MAX_NAMED) }
}

/** Compares what the partitions know: VMs of the roster and of open windows. */
function splitVmsIn({ partitions }: JobRecord, stored: readonly StoredPartition[]): JobStatus['vmsInTwoPartitions'] {
  const found = new Map<string, number[]>()
  for (const [partition, { view }] of stored.entries()) {
    for (const vmId of view?.state.clock.vmIds() ?? []) {
      const known = found.get(vmId)
      if (known === undefined) found.set(vmId, [partition])
      else known.push(partition)
    }
  }
  const split = [...found].filter(([, places]) => places.length > 1).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    count: split.length,
    vms: split.slice(0, MAX_NAMED).map(([vmId, places]) => {
      return { vmId, partitions: places, expected: partitionOf(vmId, partitions) }
    }),
  }
}

const NOTHING_LATE: LateStatus = { pending: 0, revisions: 0 }

function openWindows({ state }: PartitionView): OpenWindowStatus[] {
  return [...state.windows.values()]
    .sort((a, b) => a.start - b.start)
    .map((window) => {
      // The cadence counts for one window at a time; this state is a copy that nothing else uses.
      state.series.setHead(window)
      const { waitedFor, incomplete } = window.countWaiting(state.roster, state.series)
      const { start, end, vms } = window
      return { start, end, vmWindows: vms.size, waitedFor, complete: waitedFor - incomplete }
    })
}

/** What an owner has said comes first; what shows from outside is what the next one would say. */
function haltOf({ ledger, problem, halt }: StoredPartition, range: LogRange | null): HaltStatus | null {
  if (halt !== null) return haltStatus(halt, halt.atMs)
  if (problem !== null) return haltStatus(problem, null)
  const loss = ledger === null || range === null ? null : dataLossIn(range, ledger)
  return loss && haltStatus(loss, null)
}

function haltStatus({ code, message, remedy }: Omit<HaltStatus, 'atMs'>, atMs: EpochMs | null): HaltStatus {
  return { code, message, remedy, atMs }
}
