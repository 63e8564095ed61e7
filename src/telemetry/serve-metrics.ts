/** Metrics on a port of their own, in the form that Prometheus reads. */
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { metrics, type resources } from '@opentelemetry/sdk-node'
import { messageOf, WindrowError } from '../errors/index.ts'
import { Histograms } from './histograms.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { watchProcess } from './process-metrics.ts'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

export interface ServedMetrics {
  /** Those of the process itself tell of themselves already. */
  readonly instruments: Instruments
  /** Lets go of the port. */
  readonly close: () => Promise<void>
}

/** Serves the metrics of `table` at `/metrics`. Throws METRICS_PORT_TAKEN when nobody can listen there. */
export async function serveMetrics(
  at: MetricsAddress,
  resource: resources.Resource,
  table: Parameters<typeof createInstruments>[1],
): Promise<ServedMetrics> {
  const histograms = new Histograms(table)
  const exporter = new PrometheusExporter({
    ...at,
    preventServerStart: true,
    metricProducers: [histograms],
    withoutScopeInfo: true,
    // Several jobs may meet in one Prometheus.
    withResourceConstantLabels: /^windrow\.job$/,
  })
  const provider = new metrics.MeterProvider({ resource, readers: [exporter] })
  try {
    await exporter.startServer()
  } catch (error) {
    throw portTaken(at, error)
  }
  const instruments = createInstruments(provider.getMeter('windrow'), table, histograms)
  const endWatch = watchProcess(instruments)
  return {
    instruments,
    async close() {
      endWatch()
      await provider.shutdown()
    },
  }
}

function portTaken({ host, port }: MetricsAddress, cause: unknown): WindrowError {
  return new WindrowError(`the metrics cannot be served on ${host}:${port}: ${messageOf(cause)}`, {
    code: 'METRICS_PORT_TAKEN',
    remedy: 'Give another --metrics-port, or stop what listens there.',
    cause,
  })
}
