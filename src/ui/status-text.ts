/** Text of `windrow status`: the halted partitions, and tables of partitions, windows and late points. Pure. */
import type { HaltStatus, JobStatus, PartitionStatus } from '../app/status/status.ts'
import { FATES, type FateCounts } from '../core/fate.ts'
import { SPLIT_REMEDY, splitVmText } from '../core/split-vm.ts'
import { formatCount, formatTime } from './format.ts'
import { createStyle, type Style } from './style.ts'
import { renderTable, type Column } from './table.ts'

const right = (title: string): Column => ({ title, align: 'right' })

const PARTITION_COLUMNS: readonly Column[] = [
  right('partition'),
  right('epoch'),
  { title: 'token' },
  right('commit'),
  right('published'),
  right('resumes at'),
  right('lag'),
  { title: 'last closed' },
  right('VMs/workflow'),
  { title: 'state' },
]
const WINDOW_COLUMNS: readonly Column[] = [
  right('partition'),
  { title: 'open window' },
  right('VM windows'),
  right('waited for'),
  right('complete'),
]
const LATE_COLUMNS: readonly Column[] = [right('partition'), right('late points pending'), right('revisions published')]

/** Several lines, each with its line end. */
export function statusText(status: JobStatus, style: Style = createStyle(false)): string {
  const { job, aggregator, windows, topic, lagProblem, maxAheadProblem, halted, partitions } = status
  const source = topic === null ? 'files' : `topic ${topic}`
  const lines = [
    `${style.bold(`job ${job}`)}  ${source}  windows of ${windows}  aggregator ${aggregator}`,
    ...(lagProblem === null ? [] : [`${style.yellow('lag unknown')}: ${lagProblem}`]),
    ...(maxAheadProblem === null ? [] : [`${style.yellow('note')}: ${maxAheadProblem}`]),
    ...haltLines('the job', halted, style),
    ...partitions.flatMap((one) => haltLines(`partition ${one.partition}`, one.halted, style)),
    '',
    ...renderTable(
      PARTITION_COLUMNS,
      partitions.map((one) => partitionCells(one, style)),
    ),
    ...openLines(partitions, style),
    ...lateLines(partitions),
    ...aheadLines(partitions, style),
    ...splitLines(status.vmsInTwoPartitions, style),
    '',
    ...renderTable(
      [right('partition'), ...FATES.map(right)],
      [
        ...partitions.map((one) => fateCells(String(one.partition), one.counts)),
        ...(partitions.length > 1 ? [fateCells('all', status.counts)] : []),
      ],
    ),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function partitionCells(one: PartitionStatus, style: Style): string[] {
  const { partition, owner, commit, published, resumeOffset, lag, lastClosed } = one
  return [
    String(partition),
    owner === null ? '-' : String(owner.epoch),
    owner?.token ?? '-',
    formatCount(commit),
    formatCount(published),
    resumeOffset === null ? '-' : formatCount(resumeOffset),
    lag === null ? '-' : formatCount(lag),
    lastClosed === null ? '-' : `${formatTime(lastClosed.window)} ${lastClosed.reason}`,
    lastClosed?.vmsPerWorkflow === undefined ? '-' : formatCount(lastClosed.vmsPerWorkflow),
    stateOf(one, style),
  ]
}

function stateOf({ owner, intent, halted, goal }: PartitionStatus, style: Style): string {
  if (halted !== null) return style.red('halted')
  if (owner === null) return 'never taken'
  if (intent !== null) {
    const what =
      intent.window === null
        ? intent.request
          ? 'a promotion'
          : 'a checkpoint'
        : `the close of ${formatTime(intent.window)} (${intent.trigger})`
    return `commit ${formatCount(intent.commit)} under way: ${what}`
  }
  return goal?.isReached === true ? style.green('ended') : 'between commits'
}

function haltLines(what: string, halted: HaltStatus | null, style: Style): string[] {
  if (halted === null) return []
  const { code, message, remedy, atMs } = halted
  const state = atMs === null ? 'is halted' : `halted at ${formatTime(atMs)}`
  return [`${style.red(`${what} ${state}`)}: ${code}: ${message}`, `  remedy: ${remedy}`]
}

function openLines(partitions: readonly PartitionStatus[], style: Style): string[] {
  const rows = partitions.flatMap(({ partition, open }) =>
    open.map(({ start, vmWindows, waitedFor, complete }) => {
      const share = formatCount(complete)
      const isComplete = complete === waitedFor
      const cells = [formatTime(start), formatCount(vmWindows), formatCount(waitedFor)]
      return [String(partition), ...cells, isComplete ? style.green(share) : share]
    }),
  )
  return rows.length === 0 ? [] : ['', ...renderTable(WINDOW_COLUMNS, rows)]
}

/** Only for partitions with late points or revisions. */
function lateLines(partitions: readonly PartitionStatus[]): string[] {
  const rows = partitions
    .filter(({ late }) => late.pending + late.revisions > 0)
    .map(({ partition, late }) => [String(partition), formatCount(late.pending), formatCount(late.revisions)])
  return rows.length === 0 ? [] : ['', ...renderTable(LATE_COLUMNS, rows)]
}

/** VMs with clocks far ahead of the others, by partition. */
function aheadLines(partitions: readonly PartitionStatus[], style: Style): string[] {
  return partitions.flatMap(({ partition, ahead: { count, vms } }) => {
    if (count === 0) return []
    const names = vms.map(({ vmId, highest }) => `${vmId} (at ${formatTime(highest)})`)
    const more = count > vms.length ? [`${formatCount(count - vms.length)} more`] : []
    return ['', `${style.yellow('far ahead of the others')}, partition ${partition}: ${[...names, ...more].join(', ')}`]
  })
}

function splitLines({ count, vms }: JobStatus['vmsInTwoPartitions'], style: Style): string[] {
  if (count === 0) return []
  return [
    '',
    `${style.yellow('VMs in two partitions')}: ${formatCount(count)}`,
    ...vms.map((vm) => `  ${splitVmText(vm)}`),
    `  remedy: ${SPLIT_REMEDY}`,
  ]
}

function fateCells(title: string, counts: FateCounts): string[] {
  return [title, ...FATES.map((fate) => formatCount(counts[fate]))]
}
