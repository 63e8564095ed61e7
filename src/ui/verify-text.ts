/** Text of the report of `windrow verify`, and its progress display. */
import type { Json } from '../core/json.ts'
import type { Findings } from '../verify/findings.ts'
import type { Difference, Loss, Subject, VerifyReport } from '../verify/report.ts'
import type { VerifyProgress } from '../verify/verify.ts'
import { bar } from './charts.ts'
import { formatCompact, formatCount, formatDuration, formatTime } from './format.ts'
import { LiveBlock, type Screen } from './live-block.ts'
import { createStyle, type Style } from './style.ts'
import { renderTable, type Column } from './table.ts'

/** Number of differences to list. `--json` prints more. */
const MAX_NAMED = 10
const MAX_VALUE_CHARACTERS = 80
const BAR_WIDTH = 30

const COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'compared', align: 'right' },
  { title: 'equal', align: 'right' },
  { title: 'different', align: 'right' },
]
const TITLES: Readonly<Record<Subject, string>> = {
  certificates: 'certificates',
  windows: 'windows',
  vmWindows: 'VM windows',
  points: 'points',
}

/** Several lines, each with its line end. */
export function verifyText(report: VerifyReport, seconds: number, style: Style = createStyle(false)): string {
  const { job, partitions, records, compared, differences, differenceCount, lost, notes, findings } = report
  const subjects = Object.entries(TITLES).map(([subject, title]) => [title, compared[subject as Subject]] as const)
  const ofJob = report.jobWindows === undefined ? [] : [['windows of the job', report.jobWindows] as const]
  const rows = [...subjects, ...ofJob].map(([title, { compared: all, equal, different }]) => {
    const shown = formatCount(different)
    return [title, formatCount(all), formatCount(equal), different === 0 ? shown : style.red(shown)]
  })
  const rate = formatCompact(records / Math.max(0.001, seconds))
  const lines = [
    `${style.bold(`job ${job}`)}  ${formatCount(records)} records of ${formatCount(partitions)} partitions recomputed in ${formatDuration(seconds * 1000)} (${rate}/s)`,
    '',
    ...renderTable(COLUMNS, rows),
    '',
    differenceCount === 0
      ? style.green('Everything compared is equal.')
      : style.red(
          `${formatCount(differenceCount)} differences${differenceCount > MAX_NAMED ? `, the first ${MAX_NAMED} of them` : ''}:`,
        ),
    ...differences.slice(0, MAX_NAMED).map((one) => `  ${differenceText(one)}`),
    ...lost.map((one) => style.yellow(lossText(one))),
    ...notes,
    ...findingLines(findings).map((line) => style.yellow(line)),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** `partition 3, certificate 12, window 2026-03-01 14:00, VM web-1, revision 1: metrics.cpu.sum is 12.6, counted again 12.5` */
export function differenceText(difference: Difference): string {
  const { partition, certificate, window, vmId, revision, field, expected, found } = difference
  const place = [
    ...(partition === null ? [] : [`partition ${partition}`]),
    ...(certificate === null ? [] : [`certificate ${certificate}`]),
    ...(window === null ? [] : [`window ${formatTime(window)}`]),
    ...(vmId === null ? [] : [`VM ${vmId}`]),
    ...(revision === null ? [] : [`revision ${revision}`]),
  ]
  return `${place.join(', ')}: ${field} is ${valueText(found)}, expected ${valueText(expected)}`
}

export function lossText({ partition, certificates: [first, last], windows, neededFrom, logStart }: Loss): string {
  const which = first === last ? `certificate ${first}` : `certificates ${first} to ${last}`
  const span = windows === null ? '' : ` (windows from ${formatTime(windows[0])} to ${formatTime(windows[1])})`
  return (
    `partition ${partition}: ${which}${span} cannot be checked: records from offset ${formatCount(neededFrom)} on are needed, ` +
    `and some to count from before them; the log begins at ${formatCount(logStart)}`
  )
}

/** One line per finding, with what to do about it. */
export function findingLines({ conflicts, splitVms, fastClocks }: Findings): string[] {
  const lines: string[] = []
  if (conflicts.count > 0) {
    lines.push(
      `Finding: ${formatCount(conflicts.count)} conflicts, records with another content under a used (producer, seq or timestamp, metric). ` +
        'Likely a producer that counted from 0 again under its old name; let it use a new name with "replaces": true. The first:',
      ...conflicts.listed.map(
        ({ partition, offset, holder, window, vmId, producer, seq, timestamp, metric }) =>
          `  partition ${partition}, offset ${offset}: VM ${vmId}, producer ${JSON.stringify(producer)}, ${seq === null ? `timestamp ${timestamp}` : `seq ${seq}`}, metric ${metric}, ` +
          `window ${formatTime(window)}${holder === null ? '' : `; the record at offset ${holder} holds this identity`}`,
      ),
    )
  }
  for (const { vmId, partitions } of splitVms.listed) {
    const shares = partitions.map(
      ({ partition, entries, producers }) =>
        `${partition} (${formatCount(entries)} points and manifests, producers ${producers.map((one) => JSON.stringify(one)).join(', ')})`,
    )
    lines.push(
      `Finding: VM ${vmId} is in the partitions ${shares.join(' and ')}, so each of them has published results of its part. ` +
        'Likely its producers use different partitioners, or partitions were added. Set the same partitioner in all producers ' +
        '(murmur2; in librdkafka partitioner=murmur2_random), and the VM as key.',
    )
  }
  if (splitVms.count > splitVms.listed.length) {
    lines.push(`Finding: ${formatCount(splitVms.count)} VMs in all are in more than one partition.`)
  }
  for (const { vmId, partition, aheadMs } of fastClocks.listed) {
    lines.push(
      `Finding: the clock of VM ${vmId} in partition ${partition} was up to ${formatDuration(aheadMs)} ahead of most VMs. ` +
        'Synchronize its clock; its points waited in their windows.',
    )
  }
  if (fastClocks.count > fastClocks.listed.length) {
    lines.push(`Finding: ${formatCount(fastClocks.count)} VMs in all had a clock far ahead.`)
  }
  return lines
}

function valueText(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= MAX_VALUE_CHARACTERS ? text : `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…`
}

export interface VerifyDisplay {
  progress(progress: VerifyProgress): void
  /** Draws the last state for good. */
  end(): void
}

export function createVerifyDisplay(screen: Screen, nowMs: () => number): VerifyDisplay {
  let latest: VerifyProgress | null = null
  const text = (): string => (latest === null ? '' : progressText(latest))
  const block = new LiveBlock(screen, { lines: () => [text()], plainLine: text }, nowMs)
  return {
    progress(progress) {
      latest = progress
      block.changed()
    },
    end() {
      // Short work elsewhere than on a terminal needs no line of progress.
      if (screen.isTTY === true && latest !== null) block.draw()
    },
  }
}

function progressText({ doing, done, total }: VerifyProgress): string {
  if (total === null) return `reading ${doing}  ${formatCount(done)}`
  return `counting ${doing}  [${bar(done, total, BAR_WIDTH)}] ${formatCount(done)} of ${formatCount(total)}`
}
