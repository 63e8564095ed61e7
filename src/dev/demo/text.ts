/** Formats the demo's introduction and its report. Pure. */
import type { JobSummary } from '../../app/types.ts'
import { DAY_MS, type DemoVm, type Fleet } from './fleet.ts'
import type { DemoReport, Drawing, VmReport } from './report.ts'
import type { FleetTally } from './tally.ts'
import { sparkline } from '../../ui/charts.ts'
import { formatCount, formatDuration, formatTime } from '../../ui/format.ts'
import type { Style } from '../../ui/style.ts'
import { summaryText } from '../../ui/summary.ts'
import { renderTable } from '../../ui/table.ts'

/** Maximum number of VMs in the table. Only a few VMs are listed unless results are wrong. */
const MAX_VM_ROWS = 10
const MAX_RANGES = 6

export interface Onward {
  /** Path of the results file. */
  readonly results: string
  /** The command that serves the page of the demo, and where. */
  readonly page: string
  /** Command lines to try next, as a user types them. Each one ends. */
  readonly next: readonly string[]
}

/** The introduction, printed before the run. */
export function introText({ options }: Fleet, tally: FleetTally, dataDir: string, style: Style): string {
  const { vms, points, windowMs, seed } = options
  return (
    `${style.bold('windrow demo')}  ${formatCount(points)} points of ${formatCount(vms)} VMs over a day, ` +
    `windows of ${formatDuration(windowMs)}, seed ${seed}\n` +
    `  ${formatCount(tally.copies)} arrive twice, ${formatCount(tally.lost)} never, many in disorder; ` +
    `one VM comes, one leaves\n` +
    `  kept in ${dataDir}\n`
  )
}

/** The report, printed after the run. */
export function reportText(
  summary: JobSummary,
  report: DemoReport,
  fleet: Fleet,
  onward: Onward,
  style: Style,
): string {
  const complete = report.vmWindows - report.incomplete.length
  const lines = [
    '',
    `${style.bold('complete')}  ${formatCount(complete)} of ${formatCount(report.vmWindows)} VM windows; what happened to VMs:`,
    ...indented(vmLines(report.vms, style)),
    verdict(report, style),
    '',
    ...drawingLines(report, fleet, style),
    '',
    `${style.bold('results')}   ${onward.results}`,
    `${style.bold('page')}      ${onward.page}`,
    style.bold('try next'),
    ...indented(onward.next),
  ]
  return summaryText(summary, style) + lines.map((line) => `${line}\n`).join('')
}

function vmLines(vms: readonly VmReport[], style: Style): string[] {
  const columns = [
    { title: 'VM' },
    { title: 'story' },
    { title: 'closed' },
    { title: 'received', align: 'right' as const },
    { title: 'missing seqs' },
  ]
  const rows = vms.slice(0, MAX_VM_ROWS).map(({ vm, byReason, expected, received, missing }) => {
    const reasons = Object.entries(byReason)
    const closed = reasons.map(([reason, count]) => (reasons.length > 1 ? `${reason} ${count}` : reason)).join(', ')
    const paint = reasons.some(([reason]) => reason !== 'complete') ? style.yellow : style.green
    const ranges = missing
      .slice(0, MAX_RANGES)
      .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
    const more = missing.length > MAX_RANGES ? ', …' : ''
    const counts = `${formatCount(received)} of ${formatCount(expected)}`
    return [vm.vmId, storyOf(vm), paint(closed), counts, ranges.join(', ') + more]
  })
  const more = vms.length > MAX_VM_ROWS ? [`and ${formatCount(vms.length - MAX_VM_ROWS)} more`] : []
  return [...renderTable(columns, rows), ...more]
}

function storyOf({ role, from, until }: DemoVm): string {
  switch (role) {
    case 'lossy':
      return 'lost points'
    case 'newcomer':
      return `appeared ${timeOfDay(from)}`
    case 'leaver':
      return `left ${timeOfDay(until)}`
    case 'ordinary':
      return ''
  }
}

function timeOfDay(at: number): string {
  return formatTime(at).slice(11)
}

function drawingLines({ drawings, drawnFrom }: DemoReport, { options }: Fleet, style: Style): string[] {
  const column = formatDuration(DAY_MS / (drawings[0]?.means.length ?? 1))
  const source =
    drawnFrom === 'results'
      ? `mean of each ${column}, from the results`
      : `mean of each ${column}, of the regenerated points; p95 is from the results`
  const p95 = options.windowMs < DAY_MS ? 'highest p95' : 'p95'
  const rows = drawings.map(({ vmId, means, p95: value }: Drawing) => [
    vmId,
    sparkline(means),
    `${p95} ${value.toFixed(1)} %`,
  ])
  return [`${style.bold('CPU')}  ${style.dim(source)}`, ...indented(renderRows(rows))]
}

function renderRows(rows: readonly (readonly string[])[]): string[] {
  const columns = [{ title: '' }, { title: '' }, { title: '', align: 'right' as const }]
  return renderTable(columns, rows).slice(1)
}

function verdict({ differences }: DemoReport, style: Style): string {
  if (differences.length === 0)
    return style.green('Every count and every missing seq is what the generator sent and lost.')
  return [style.red('The results differ from what was sent:'), ...indented(differences)].join('\n')
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
