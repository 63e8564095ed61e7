/** Text of the summary of a job. With `--json` it is printed as JSON. Pure. */
import type { JobSummary } from '../app/types.ts'
import type { Json } from '../core/json.ts'
import { SUMMARY_ID } from '../core/summary.ts'
import { formatCompact, formatCount, formatDuration, formatTime, placeText } from './format.ts'
import { createStyle, type Style } from './style.ts'
import { renderTable } from './table.ts'

/** Width of a terminal that the counts fit; more of them continue on the next line. */
const MAX_COLUMNS = 80
/** Only the figures that fit a line of a terminal are shown. */
const MAX_RESULT_CHARS = 60
const SHOWN_FIGURES = ['count', 'mean', 'stddev', 'min', 'p50', 'p95', 'p99', 'max']

/** Several lines, each with its line end. */
export function summaryText(summary: JobSummary, style: Style = createStyle(false)): string {
  const { points, windows, manifests } = summary
  const { accepted, duplicate, conflict, late, rejected, extra = 0, noReading = 0 } = points
  const lines = [
    `${style.bold('consumed')}  ${formatCount(points.consumed)} in ${formatDuration(summary.seconds * 1000)} (${formatCompact(summary.pointsPerSecond)}/s)`,
    ...(extra === 0 ? [] : [`  records with ${formatCount(points.consumed + extra)} entries`]),
    ...countLines({
      ...{ accepted, duplicate, ...(conflict === 0 ? {} : { conflict }), late, rejected, manifests },
      ...(noReading === 0 ? {} : { 'no reading': noReading }),
    }),
    ...refusedLines(summary.refused, style),
    `${style.bold('closed')}    ${formatCount(windows.closed)} windows of ${formatCount(summary.vmWindows)} VM windows`,
    ...countLines(windows.byReason),
    ...amendmentLines(summary.amendments, style),
    ...aheadLines(summary.ahead, style),
    ...(summary.aggregator === SUMMARY_ID ? figureLines(summary.metrics) : resultLines(summary.metrics)),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** The reasons of dead letters, the most frequent first, each with the place of its first record. */
function refusedLines(refused: JobSummary['refused'], style: Style): string[] {
  return Object.entries(refused)
    .sort(([a, m], [b, n]) => n.count - m.count || (a < b ? -1 : 1))
    .map(([reason, { count, first }]) => {
      return `  ${style.yellow(`${reason} ${formatCount(count)}`)}, the first at ${placeText(first)}`
    })
}

/** Named counts, as many per line as fit. */
function countLines(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).reduce<string[]>((lines, [name, count]) => {
    const text = `  ${name} ${formatCount(count)}`
    const last = lines.at(-1)
    const fits = last !== undefined && last.length + text.length <= MAX_COLUMNS
    return fits ? [...lines.slice(0, -1), last + text] : [...lines, text]
  }, [])
}

/** VMs with clocks far ahead of the others. */
function aheadLines(ahead: JobSummary['ahead'], style: Style): string[] {
  if (ahead.length === 0) return []
  const names = ahead.map(({ vmId, highest }) => `  ${vmId}, at ${formatTime(highest)}`)
  return [style.yellow('far ahead of the other VMs; check their clocks:'), ...names]
}

function amendmentLines({ pendingPoints, revisions }: JobSummary['amendments'], style: Style): string[] {
  if (pendingPoints + revisions === 0) return []
  const pending = pendingPoints === 0 ? '' : `, ${formatCount(pendingPoints)} late points pending`
  return [`${style.bold('amended')}   ${formatCount(revisions)} revisions${pending}`]
}

/** Results of a user's aggregator can have any shape, so they are shown as JSON. */
function resultLines(metrics: JobSummary['metrics']): string[] {
  const rows = Object.entries(metrics).map(([name, result]) => [
    name,
    JSON.stringify(result).slice(0, MAX_RESULT_CHARS),
  ])
  return rows.length === 0 ? [] : ['', ...renderTable([{ title: 'metric' }, { title: 'result' }], rows)]
}

function figureLines(metrics: JobSummary['metrics']): string[] {
  const names = Object.keys(metrics).sort()
  const figures = SHOWN_FIGURES.filter((figure) => names.some((name) => figureOf(metrics[name], figure) !== null))
  if (figures.length === 0) return []
  const rows = names.map((name) => [
    name,
    ...figures.map((figure) => {
      const value = figureOf(metrics[name], figure)
      if (value === null) return ''
      return figure === 'count' ? formatCount(value) : String(Number(value.toPrecision(6)))
    }),
  ])
  const columns = [{ title: 'metric' }, ...figures.map((title) => ({ title, align: 'right' as const }))]
  return ['', ...renderTable(columns, rows)]
}

function figureOf(result: Json | undefined, figure: string): number | null {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return null
  const value = (result as { readonly [key: string]: Json })[figure]
  return typeof value === 'number' ? value : null
}
