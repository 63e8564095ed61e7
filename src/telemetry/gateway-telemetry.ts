/** Opens the metrics of a gateway. They are off unless the settings enable them; OpenTelemetry is loaded only then. */
import type { Config } from '../config/settings.ts'
import { NO_METER } from '../gateway/meter.ts'
import type { PendingBytes } from '../gateway/pending.ts'
import type { GatewayTelemetry } from './observed-gateway.ts'

/** Throws METRICS_PORT_TAKEN if the metrics port is in use. */
export async function openGatewayTelemetry(
  config: Pick<Config, 'job' | 'metricsHost' | 'metricsPort'>,
  pending: PendingBytes,
): Promise<GatewayTelemetry> {
  const { metricsHost: host, metricsPort: port } = config
  if (port === null) return { meter: NO_METER, close: async () => undefined }
  const { openGatewayMetrics } = await import('./observed-gateway.ts')
  return openGatewayMetrics({ host, port }, config, pending)
}
