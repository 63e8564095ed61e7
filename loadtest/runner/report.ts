/** Renders a load test as one HTML file: its parameters, its results, and plots per second. No scripts, no network. */
import type { CpuSeconds } from './cpu.ts'
import type { Outcome } from './scenario.ts'

const WIDTH = 760
const HEIGHT = 220
const MARGIN = { left: 64, right: 12, top: 12, bottom: 28 }

/** A line of a plot; the timeline has one entry per second. */
interface Line<Entry> {
  readonly name: string
  readonly colour: string
  readonly of: (entry: Entry) => number | null
}

const MEMORY: readonly Line<Readonly<Record<string, number>>>[] = [
  { name: 'gateway', colour: '#2f6fde', of: ({ gateway = 0 }) => (gateway === 0 ? null : gateway) },
]
const CORES: readonly Line<CpuSeconds>[] = [
  { name: 'k6', colour: '#c2376b', of: ({ k6 = 0 }) => k6 },
  { name: 'gateway', colour: '#2f6fde', of: ({ gateway = 0 }) => gateway },
  { name: 'Kafka', colour: '#e08a00', of: ({ Kafka = 0 }) => Kafka },
]

export function reportHtml(outcome: Outcome): string {
  const { scenario, at, machine, loadBefore, figures, cpu, thresholds, endedBy, verdict, hasPassed } = outcome
  const rows: [string, string][] = [
    ['outcome', hasPassed ? 'passed' : 'FAILED'],
    [
      'points acknowledged',
      `${count(figures.points)} in ${figures.seconds.toFixed(1)} s (${count(figures.pointsPerSecond)}/s, at best ${count(figures.mostPointsPerSecond)}/s)`,
    ],
    [
      'answers',
      Object.entries(figures.byStatus)
        .map(([status, n]) => `${status === '0' ? 'none' : status}: ${count(n)}`)
        .join(', '),
    ],
    ['latency', `p50 ${ms(figures.p50)}, p95 ${ms(figures.p95)}, p99 ${ms(figures.p99)}, max ${ms(figures.max)}`],
    [
      'in the results',
      `${count(verdict.points)} acknowledged, ${count(verdict.unacknowledged)} without a response, ${count(verdict.duplicates)} duplicates detected`,
    ],
    ['wrong', verdict.problems.length === 0 ? 'nothing' : verdict.problems.join('; ')],
    ...(endedBy.length === 0
      ? []
      : [
          ['ended by', endedBy.map(({ metric, rule }) => `${metric}: ${rule} no longer holds`).join('; ')] as [
            string,
            string,
          ],
        ]),
    ...(cpu === null
      ? []
      : [
          [
            'CPU seconds',
            Object.entries(cpu.total)
              .map(([name, used]) => `${name} ${used.toFixed(1)}`)
              .join(', '),
          ] as [string, string],
        ]),
    ['machine', `${machine}; load average ${loadBefore.toFixed(1)} before the test`],
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Windrow load test: ${escape(scenario)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #fff; max-width: 820px; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem }
  table { border-collapse: collapse; width: 100% } td, th { padding: .25rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #e3e7ee }
  th { font-weight: 600; white-space: nowrap } .bad { color: #b3261e; font-weight: 600 } .good { color: #1b6e3c; font-weight: 600 }
  svg { width: 100%; height: auto } text { font: 11px system-ui, sans-serif; fill: #5a6575 } .grid { stroke: #e3e7ee } .legend { font-size: 13px; color: #5a6575 }
  @media (prefers-color-scheme: dark) { body { color: #e6e9ef; background: #14181f } td, th { border-color: #2b323d } .grid { stroke: #2b323d } text, .legend { fill: #9aa5b5; color: #9aa5b5 } .good { color: #6fcf97 } .bad { color: #f2928c } }
</style>
<h1>Load test: ${escape(scenario)}</h1>
<p class="${hasPassed ? 'good' : 'bad'}">${hasPassed ? 'Passed' : 'Failed'}, ${escape(at)}</p>
<table>${rows.map(([name, value]) => `<tr><th>${name}</th><td>${escape(value)}</td></tr>`).join('\n')}</table>
<h2>Points acknowledged per second</h2>
${plot(figures, [{ name: 'points', colour: '#2f6fde', of: ({ points }) => points }], count)}
<h2>Latency of acknowledged requests</h2>
${plot(
  figures,
  [
    { name: 'p50', colour: '#2f6fde', of: ({ p50 }) => p50 },
    { name: 'p95', colour: '#e08a00', of: ({ p95 }) => p95 },
    { name: 'p99', colour: '#c2376b', of: ({ p99 }) => p99 },
  ],
  (value) => ms(value),
)}
<h2>Requests per second</h2>
${plot(
  figures,
  [
    { name: 'answered', colour: '#2f6fde', of: ({ requests }) => requests },
    { name: 'refused or without an answer', colour: '#b3261e', of: ({ refused }) => refused },
  ],
  count,
)}
${cpu === null ? '' : `<h2>Cores in use</h2>\n${plot(cpu, CORES, cores)}\n<h2>Memory of the gateway</h2>\n${plot({ timeline: cpu.memoryMib }, MEMORY, mib)}`}
<h2>Thresholds</h2>
<table><tr><th>metric</th><th>must hold</th><th>held</th></tr>
${thresholds.map(({ metric, rule, ok }) => `<tr><td>${escape(metric)}</td><td>${escape(rule)}</td><td class="${ok ? 'good' : 'bad'}">${ok ? 'yes' : 'no'}</td></tr>`).join('\n')}
</table>
</html>
`
}

function plot<Entry>(
  { timeline }: { readonly timeline: readonly Entry[] },
  lines: readonly Line<Entry>[],
  format: (value: number) => string,
): string {
  const values = lines.flatMap(({ of }) => timeline.map(of)).filter((value) => value !== null)
  const top = niceTop(values.reduce((most, value) => Math.max(most, value), 0))
  const last = Math.max(1, timeline.length - 1)
  const x = (at: number): number => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * at) / last
  const y = (value: number): number => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * value) / top
  const rows = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top)
  const columns = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * last))
  const grid = rows.map(
    (value) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${MARGIN.left - 6}" y="${y(value) + 4}" text-anchor="end">${escape(format(value))}</text>`,
  )
  const ticks = [...new Set(columns)].map(
    (at) => `<text x="${x(at)}" y="${HEIGHT - 8}" text-anchor="middle">${at} s</text>`,
  )
  const paths = lines.map(({ of, colour }) => {
    // The line is interrupted in a second without a value.
    let pen = 'M'
    const path = timeline.map((second, at) => {
      const value = of(second)
      const step = value === null ? '' : `${pen}${x(at).toFixed(1)} ${y(value).toFixed(1)}`
      pen = value === null ? 'M' : 'L'
      return step
    })
    return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.8" stroke-linejoin="round"/>`
  })
  const legend = lines
    .map(({ name, colour }) => `<span style="color:${colour}">&#9644;</span> ${escape(name)}`)
    .join(' &nbsp; ')
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">${[...grid, ...ticks, ...paths].join('')}</svg>` +
    (lines.length > 1 ? `<div class="legend">${legend}</div>` : '')
  )
}

/** A round number at or above the value whose quarters are round too. */
function niceTop(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((candidate) => candidate >= value) ?? value
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function mib(value: number): string {
  return `${Math.round(value)} MiB`
}

function cores(value: number): string {
  return value.toFixed(2)
}

function ms(value: number): string {
  return value >= 1000
    ? `${(value / 1000).toFixed(1)} s`
    : `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
