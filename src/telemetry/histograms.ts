/**
 * Histograms, implemented as a `MetricProducer` next to OpenTelemetry's meter. A value is recorded for every VM window and
 * every call to the state store. To find the series of a value, OpenTelemetry's histograms sort its attributes and
 * serialize them as JSON, which was half of the CPU cost of telemetry. Here the series is found by object identity.
 */
import { ValueType } from '@opentelemetry/api'
import { core, metrics, resources } from '@opentelemetry/sdk-node'
import type { Attributes } from './attributes.ts'
import type { MetricDefinition } from './metric-definition.ts'
import type { HistogramKey, MetricKey } from './metrics.ts'

const NONE: Attributes = {}

interface Series {
  readonly attributes: Attributes
  /** Number of values per bucket: above the previous boundary, up to its own. The last bucket has no upper boundary. */
  readonly counts: number[]
  count: number
  sum: number
}

interface Histogram {
  readonly definition: MetricDefinition
  readonly boundaries: readonly number[]
  /** By the serialized attributes in the given order and sorted; all orders lead to the same series. */
  readonly series: Map<string, Series>
  /** By the attributes object. Most callers pass the same object every time. */
  readonly byObject: WeakMap<Attributes, Series>
}

export class Histograms implements metrics.MetricProducer {
  readonly #histograms = new Map<MetricKey, Histogram>()
  readonly #startTime = core.hrTime()

  /** Creates the histograms of `table`. Values for any other metric are dropped. */
  constructor(table: Readonly<Partial<Record<MetricKey, MetricDefinition>>>) {
    for (const [key, definition] of Object.entries(table) as [MetricKey, MetricDefinition][]) {
      if (definition.kind !== 'histogram') continue
      this.#histograms.set(key, {
        definition,
        boundaries: definition.buckets ?? [],
        series: new Map(),
        byObject: new WeakMap(),
      })
    }
  }

  /** The caller must not change `attributes` afterwards: an object that was passed before is not read again. */
  record(key: HistogramKey, value: number, attributes: Attributes = NONE): void {
    const histogram = this.#histograms.get(key)
    if (histogram === undefined) return
    const { boundaries } = histogram
    let series = histogram.byObject.get(attributes)
    if (series === undefined) histogram.byObject.set(attributes, (series = seriesOf(histogram, attributes)))
    let bucket = 0
    while (bucket < boundaries.length && value > (boundaries[bucket] as number)) bucket++
    series.counts[bucket] = (series.counts[bucket] as number) + 1
    series.count++
    series.sum += value
  }

  /** The same data that OpenTelemetry's own histograms would export, cumulative since the start of the process. */
  async collect(): Promise<metrics.CollectionResult> {
    const endTime = core.hrTime()
    const nonEmpty = [...this.#histograms.values()].filter(({ series }) => series.size > 0)
    const data = nonEmpty.map(({ definition, boundaries, series }): metrics.HistogramMetricData => ({
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
