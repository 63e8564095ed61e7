/** Serves metrics on their own port, in Prometheus' text format. */
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { metrics, type resources } from '@opentelemetry/sdk-node'
import { messageOf, WindrowError } from '../errors/index.ts'
import { Histograms } from './histograms.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { observeProcess } from './process-metrics.ts'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

export interface ServedMetrics {
  /** Instruments of the table. The process metrics among them are recorded already. */
  readonly instruments: Instruments
  /** Closes the port. */
  readonly close: () => Promise<void>
}

/** Serves the metrics of `table` at `/metrics`. Throws METRICS_PORT_TAKEN if the port is in use. */
export async function serveMetrics(
  at: MetricsAddress,
  resource: resources.Resource,
  table: Parameters<typeof createInstruments>[1],
): Promise<ServedMetrics> {
  const histograms = new Histograms(table)
  const exporter = new ForgettingExporter({
    ...at,
    preventServerStart: true,
    metricProducers: [histograms],
    withoutScopeInfo: true,
    // One Prometheus may scrape several jobs.
    withResourceConstantLabels: /^windrow\.job$/,
  })
  const provider = new metrics.MeterProvider({ resource, readers: [exporter] })
  try {
    await exporter.startServer()
  } catch (error) {
    throw portTaken(at, error)
  }
  const instruments = createInstruments(provider.getMeter('windrow'), table, histograms)
  const stopObserving = observeProcess(instruments)
  return {
    instruments,
    async close() {
      stopObserving()
      await provider.shutdown()
    },
  }
}

/**
 * OpenTelemetry's cumulative readers merge each collection of a gauge into the one before, so a gauge that is no longer set,
 * such as those of a partition that another process took over, would be exported for ever (sdk-metrics 2.x,
 * TemporalMetricProcessor). With delta temporality they export what was set in this
 * collection; a gauge has no other delta.
 */
class ForgettingExporter extends PrometheusExporter {
  override selectAggregationTemporality(type: metrics.InstrumentType): metrics.AggregationTemporality {
    return type === metrics.InstrumentType.OBSERVABLE_GAUGE
      ? metrics.AggregationTemporality.DELTA
      : super.selectAggregationTemporality(type)
  }

  override selectCardinalityLimit(): number {
    return MAX_SERIES
  }
}

/**
 * Series of one metric. Beyond the limit, OpenTelemetry adds everything else up in one series without labels. Its default of
 * 2000 is reached by the records of 334 partitions; a topic may have 1024, each with a series per fate.
 */
const MAX_SERIES = 20_000

function portTaken({ host, port }: MetricsAddress, cause: unknown): WindrowError {
  return new WindrowError(`metrics cannot be served on ${host}:${port}: ${messageOf(cause)}`, {
    code: 'METRICS_PORT_TAKEN',
    cause,
  })
}
