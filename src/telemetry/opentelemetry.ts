/**
 * Telemetry by OpenTelemetry: metrics that Prometheus reads, spans that go to a collector by OTLP. The providers are this
 * run's own and not the global ones, so a program that runs a job keeps its OpenTelemetry apart, and several runs do not meet.
 */
import { resources } from '@opentelemetry/sdk-node'
import type { Config } from '../config/settings.ts'
import { openMetrics } from './open-metrics.ts'
import { openTraces, type SpanProcessor } from './open-traces.ts'
import { NO_TELEMETRY, type Telemetry, type Warn } from './telemetry.ts'
import type { WindowsTold } from './windows-told.ts'

export type TelemetrySettings = Pick<
  Config,
  'job' | 'metricsPort' | 'metricsHost' | 'otlpEndpoint' | 'traceSampling' | 'traceVmSampling'
>

/** `spans` gets the spans in the place of a collector. */
export async function openOpenTelemetry(
  settings: TelemetrySettings,
  windows: WindowsTold,
  warn: Warn,
  spans?: SpanProcessor,
): Promise<Telemetry> {
  const resource = resources.resourceFromAttributes({ 'service.name': 'windrow', 'windrow.job': settings.job })
  const metrics =
    settings.metricsPort === null
      ? NO_TELEMETRY
      : await openMetrics({ host: settings.metricsHost, port: settings.metricsPort }, resource, windows)
  const traces = openTraces(settings, resource, warn, spans)
  if (traces === null) return metrics
  const { tracing } = traces
  return {
    ...metrics,
    isOn: true,
    observe(event, window) {
      metrics.observe(event, window)
      tracing.observe(event, window)
    },
    vmWindows: (run) => tracing.vmWindows(run),
    workflows: (workflows) => tracing.workflows(workflows),
    activities: (activities) => tracing.activities(metrics.activities(activities)),
    traceparentOf: (partition, window) => tracing.traceparentOf(partition, window),
    traceIdOf: (partition, window) => tracing.traceIdOf(partition, window),
    async close() {
      await Promise.all([metrics.close(), traces.close()])
    },
  }
}
