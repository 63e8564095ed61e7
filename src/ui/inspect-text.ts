/** Text of the report of `windrow inspect`. Pure. */
import type { Inspection } from '../app/inspect/inspect.ts'
import { durationText } from '../core/durations.ts'
import { sparkline } from './charts.ts'
import { formatCount } from './format.ts'
import type { Style } from './style.ts'
import { renderTable } from './table.ts'

const MAX_FIELDS = 40
const MAX_CHARS = 40
const SPARKS = 24

const SEPARATORS: Readonly<Record<string, string>> = {
  '\t': 'tab',
  ',': 'comma',
  ';': 'semicolon',
  '|': 'vertical bar',
}

/** `hasCharts`: for a terminal, with a line of values per metric. */
export function inspectText(inspection: Inspection, style: Style, hasCharts: boolean): string {
  const { format, separator, records, fields, facts, notes } = inspection
  const by = separator === null ? '' : `, separated by ${SEPARATORS[separator] ?? separator}`
  const entries = facts.points + facts.noReadings
  const lines = [
    `${style.bold('format')}   ${format}${by}; ${formatCount(records)} records read`,
    '',
    ...renderTable(
      [{ title: 'field' }, { title: 'types' }, { title: 'examples' }],
      fields
        .slice(0, MAX_FIELDS)
        .map(({ path, types, examples }) => [cut(path), types.join(', '), cut(examples.join('  '))]),
    ),
    ...(fields.length > MAX_FIELDS ? [`and ${fields.length - MAX_FIELDS} more fields`] : []),
    '',
    `${style.bold('points')}   ${formatCount(entries)} of ${formatCount(facts.vms.length)} VMs, such as ${facts.vms.slice(0, 3).map(cut).join(', ')}`,
    ...(facts.firstTime === null || facts.lastTime === null
      ? []
      : [
          `${style.bold('time')}     ${new Date(facts.firstTime).toISOString()} to ${new Date(facts.lastTime).toISOString()}`,
        ]),
    `${style.bold('cadence')}  ${facts.everyMs === null ? 'none that holds for all metrics' : durationText(facts.everyMs)}`,
    `${style.bold('noticed')}  ${formatCount(facts.outOfOrder)} out of order, ${formatCount(facts.duplicates)} duplicates${facts.conflicts === 0 ? '' : ` (${formatCount(facts.conflicts)} of another value)`}, ${formatCount(facts.gaps)} gaps, ${formatCount(facts.noReadings)} without a value, ${formatCount(facts.refused)} refused${facts.firstProblem === null ? '' : `, the first: ${facts.firstProblem}`}`,
    ...notes.map((note) => `${style.yellow('note')}     ${note}`),
    '',
    ...renderTable(
      [{ title: 'metric' }, ...(hasCharts ? [{ title: 'first values' }] : []), { title: 'from' }, { title: 'to' }],
      [...facts.metrics].slice(0, MAX_FIELDS).map(([metric, values]) => {
        const finite = values.filter(Number.isFinite)
        const range = finite.length === 0 ? ['', ''] : [String(Math.min(...finite)), String(Math.max(...finite))]
        return [cut(metric), ...(hasCharts ? [sparkline(values.slice(0, SPARKS))] : []), ...range]
      }),
    ),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function cut(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 1)}…`
}
