/** Metrics of a gateway. Off unless settings ask for them, and then nothing of OpenTelemetry is loaded. */
import type { Config } from '../config/settings.ts'
import { NO_METER, type GatewayMeter } from '../gateway/meter.ts'
import type { PendingBytes } from '../gateway/pending.ts'

export interface GatewayTelemetry {
  readonly meter: GatewayMeter
  /** Lets go of the port. */
  close(): Promise<void>
}

/** Throws METRICS_PORT_TAKEN when the port of the metrics is not free. */
export async function openGatewayTelemetry(
  config: Pick<Config, 'job' | 'metricsHost' | 'metricsPort'>,
  pending: PendingBytes,
): Promise<GatewayTelemetry> {
  const { metricsHost: host, metricsPort: port } = config
  if (port === null) return { meter: NO_METER, close: async () => undefined }
  const { openGatewayMetrics } = await import('./observed-gateway.ts')
  return openGatewayMetrics({ host, port }, config, pending)
}
