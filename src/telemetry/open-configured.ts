/** Opens the telemetry that the settings enable, or none. OpenTelemetry is loaded only if it is needed. */
import { NO_TELEMETRY, type OpenTelemetry } from './telemetry.ts'

/** Throws METRICS_PORT_TAKEN if the metrics port is in use. */
export const openConfiguredTelemetry: OpenTelemetry = async (config, warn) => {
  if (config.metricsPort === null && config.otlpEndpoint === null) return NO_TELEMETRY
  const { openOpenTelemetry } = await import('./opentelemetry.ts')
  return openOpenTelemetry(config, warn)
}
