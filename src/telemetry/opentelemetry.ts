/**
 * Telemetry with OpenTelemetry: metrics for Prometheus to scrape, and spans sent to a collector over OTLP. The providers
 * belong to this run and are not registered globally, so they do not interfere with the OpenTelemetry setup of a program
 * that uses the library, nor with other runs in the same process.
 */
import { resources } from '@opentelemetry/sdk-node'
import { openMetrics } from './open-metrics.ts'
import { openTraces, type SpanProcessor } from './open-traces.ts'
import { NO_TELEMETRY, type Telemetry, type TelemetrySettings, type Warn } from './telemetry.ts'

/** If given, `spans` receives the spans instead of a collector. Throws METRICS_PORT_TAKEN if the metrics port is in use. */
export async function openOpenTelemetry(
  settings: TelemetrySettings,
  warn: Warn,
  spans?: SpanProcessor,
): Promise<Telemetry> {
  const resource = resources.resourceFromAttributes({ 'service.name': 'windrow', 'windrow.job': settings.job })
  const metrics =
    settings.metricsPort === null
      ? NO_TELEMETRY
      : await openMetrics({ host: settings.metricsHost, port: settings.metricsPort }, resource)
  const traces = openTraces(settings, resource, warn, spans)
  if (traces === null) return metrics
  const { tracing } = traces
  return {
    ...metrics,
    pipeline: {
      ...metrics.pipeline,
      observe(event) {
        metrics.pipeline.observe(event)
        tracing.observe(event)
      },
      traceparentOf: (partition, window) => tracing.traceparentOf(partition, window),
      traceIdOf: (partition, window) => tracing.traceIdOf(partition, window),
    },
    worker: {
      ...metrics.worker,
      activities: (activities) => tracing.activities(metrics.worker.activities(activities)),
      workflows: (workflows) => tracing.workflows(workflows),
    },
    sidecar: { ...metrics.sidecar, vmWindows: (run) => tracing.vmWindows(run) },
    async close() {
      await Promise.all([metrics.close(), traces.close()])
    },
  }
}
