/**
 * The histograms, as a source of their own beside OpenTelemetry's meter (a `MetricProducer`). They get a value for every VM window
 * and every call of the store, and OpenTelemetry's sort the attributes of each and write them as JSON to find its series: half of
 * what telemetry cost.
 */
import { ValueType } from '@opentelemetry/api'
import { core, metrics, resources } from '@opentelemetry/sdk-node'
import type { Attributes } from './instruments.ts'
import type { MetricDefinition } from './metric-definition.ts'
import type { HistogramKey, MetricKey } from './metrics.ts'

const NONE: Attributes = {}

interface Series {
  readonly attributes: Attributes
  /** By bucket: values up to its boundary and above the one before; the last has no boundary. */
  readonly counts: number[]
  count: number
  sum: number
}

interface Histogram {
  readonly definition: MetricDefinition
  readonly boundaries: readonly number[]
  /** By the attributes as they came; in another order they lead to the same series. */
  readonly series: Map<string, Series>
  /** By attributes that came before as the same object, which are most. */
  readonly seen: WeakMap<Attributes, Series>
}

export class Histograms implements metrics.MetricProducer {
  readonly #histograms = new Map<MetricKey, Histogram>()
  readonly #startTime = core.hrTime()

  /** Those of `table` alone; what is recorded of others is dropped. */
  constructor(table: Readonly<Partial<Record<MetricKey, MetricDefinition>>>) {
    for (const [key, definition] of Object.entries(table) as [MetricKey, MetricDefinition][]) {
      if (definition.kind !== 'histogram') continue
      this.#histograms.set(key, {
        definition,
        boundaries: definition.buckets ?? [],
        series: new Map(),
        seen: new WeakMap(),
      })
    }
  }

  /** `attributes` must not change afterwards: an object that came before is not read again. */
  record(key: HistogramKey, value: number, attributes: Attributes = NONE): void {
    const histogram = this.#histograms.get(key)
    if (histogram === undefined) return
    const { boundaries } = histogram
    let series = histogram.seen.get(attributes)
    if (series === undefined) histogram.seen.set(attributes, (series = seriesOf(histogram, attributes)))
    let bucket = 0
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++
    series.counts[bucket] = (series.counts[bucket] as number) + 1
    series.count++
    series.sum += value
  }

  /** What OpenTelemetry's own histograms would tell, cumulative from the start of the process. */
  async collect(): Promise<metrics.CollectionResult> {
    const endTime = core.hrTime()
    const told = [...this.#histograms.values()].filter(({ series }) => series.size > 0)
    const data = told.map(({ definition, boundaries, series }): metrics.HistogramMetricData => ({
      descriptor: {
        ...{ name: definition.name, description: definition.help, unit: definition.unit },
        valueType: ValueType.DOUBLE,
      },
      aggregationTemporality: metrics.AggregationTemporality.CUMULATIVE,
      dataPointType: metrics.DataPointType.HISTOGRAM,
      dataPoints: [...new Set(series.values())].map(({ attributes, counts, count, sum }) => ({
        ...{ startTime: this.#startTime, endTime, attributes: { ...attributes } },
        value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, count, sum },
      })),
    }))
    const scopeMetrics = [{ scope: { name: 'windrow' }, metrics: data }]
    return { resourceMetrics: { resource: resources.emptyResource(), scopeMetrics }, errors: [] }
  }
}

function seriesOf({ series, boundaries }: Histogram, attributes: Attributes): Series {
  let key = ''
  for (const name in attributes) key += `${name}=${attributes[name as keyof Attributes]}\n`
  const known = series.get(key)
  if (known !== undefined) return known
  const sorted = key.split('\n').sort().join('\n')
  const own = series.get(sorted) ?? { attributes, counts: [...boundaries, 0].map(() => 0), count: 0, sum: 0 }
  series.set(sorted, own)
  series.set(key, own)
  return own
}
