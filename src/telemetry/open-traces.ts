/** Exports spans to a collector: OTLP over HTTP, as protobuf, in batches in the background. */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { core, node, tracing, type resources } from '@opentelemetry/sdk-node'
import { messageOf } from '../errors/index.ts'
import type { TelemetrySettings, Warn } from './telemetry.ts'
import { Tracing } from './tracing.ts'

export type SpanProcessor = tracing.SpanProcessor

/** A working collector responds immediately. An unreachable one must not delay the end of a run for long. */
const EXPORT_WITHIN_MS = 2_000
const FLUSH_WITHIN_MS = 3_000

export interface Traces {
  readonly tracing: Tracing
  close(): Promise<void>
}

/** `null` if tracing is disabled: neither a collector nor `spans` is given. */
export function openTraces(
  { otlpEndpoint, traceSampling, traceVmSampling }: TelemetrySettings,
  resource: resources.Resource,
  warn: Warn,
  spans: SpanProcessor | undefined,
): Traces | null {
  const processor = spans ?? (otlpEndpoint === null ? null : exportTo(otlpEndpoint, warn))
  if (processor === null) return null
  const provider = new node.NodeTracerProvider({
    resource,
    // A window is sampled as a whole: child spans follow its decision, also in other processes.
    sampler: new tracing.ParentBasedSampler({ root: new tracing.TraceIdRatioBasedSampler(traceSampling) }),
    spanProcessors: [processor],
  })
  return {
    tracing: new Tracing({
      tracer: provider.getTracer('windrow'),
      contextOf: (traceparent) => {
        const parent = core.parseTraceParent(traceparent)
        return parent === null ? undefined : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
      },
      vmWindowShare: traceVmSampling,
    }),
    // Spans that could not be sent are reported as a warning; the run does not fail.
    close: () => provider.shutdown().catch((error: unknown) => warn(`some traces were not sent: ${messageOf(error)}`)),
  }
}

function exportTo(endpoint: string, warn: Warn): SpanProcessor {
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_WITHIN_MS })
  const reporting: tracing.SpanExporter = {
    export: (batch, done) =>
      exporter.export(batch, (result) => {
        if (result.code !== core.ExportResultCode.SUCCESS)
          warn(`${batch.length} spans were not sent: ${messageOf(result.error)}`)
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  }
  return new tracing.BatchSpanProcessor(reporting, { exportTimeoutMillis: FLUSH_WITHIN_MS })
}
