/** The reference of metrics as markdown, written from their table so that it cannot be out of date. */
import { ATTRIBUTES, prometheusLabel, type AttributeName } from './attributes.ts'
import { GATEWAY_METRICS } from './gateway-metrics.ts'
import { prometheusName, type MetricDefinition } from './metric-definition.ts'
import { PROCESS_METRICS, PROCESSOR_METRICS } from './metrics.ts'

const INTRODUCTION = `# Metrics

<!-- Written by \`npm run docs:metrics\` from src/telemetry/metrics.ts and gateway-metrics.ts; changes here are overwritten. -->

\`windrow run --metrics-port 9464\` and \`windrow gateway --metrics-port 9465\` serve them at \`/metrics\`, for Prometheus. Names and units follow OpenTelemetry's conventions;
Prometheus gets dots as underscores, and \`_total\` after a counter. Every series carries \`windrow_job\`, the name of the job.

A name of a VM is never an attribute, nor is a path of a request, nor anything else whose values are not known beforehand: the number
of series is bounded by the number of partitions times the values below. VMs are in results, dead letters and traces.

Dashboards, rules and alerts over them are in [observability/](../../observability/README.md).
`

const HEAD = ['in Prometheus', 'name', 'kind', 'unit', 'attributes', 'what it is']
const TABLES: Readonly<Record<string, Readonly<Record<string, MetricDefinition>>>> = {
  'Of a processor': PROCESSOR_METRICS,
  'Of a gateway': GATEWAY_METRICS,
  'Of both': PROCESS_METRICS,
}

/** The whole document, with a line end. */
export function metricsReference(): string {
  const rowsOf = (table: Readonly<Record<string, MetricDefinition>>): string[][] =>
    Object.values(table).map((metric) => [
      `\`${prometheusName(metric)}\``,
      `\`${metric.name}\``,
      metric.kind,
      `\`${metric.unit}\``,
      metric.attributes.map((name) => `\`${prometheusLabel(name)}\``).join(', '),
      `${metric.help}${metric.topicsOnly === true ? '. Topics only' : ''}`,
    ])
  const attributes = (Object.keys(ATTRIBUTES) as AttributeName[]).map((name) => {
    const { help, values } = ATTRIBUTES[name]
    const known = values?.map((value) => `\`${value}\``).join(', ') ?? 'from 0 to the number of partitions less 1'
    return [`\`${prometheusLabel(name)}\``, `\`${name}\``, help, known]
  })
  return [
    INTRODUCTION,
    ...Object.entries(TABLES).flatMap(([title, metrics]) => [`## ${title}\n`, `${table(HEAD, rowsOf(metrics))}\n`]),
    '## Attributes\n',
    table(['in Prometheus', 'name', 'what it is', 'values'], attributes),
    '',
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
