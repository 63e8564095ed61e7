/** The metrics of `windrow gateway`. HTTP metrics have the names that OpenTelemetry defines for servers. */
import { counter, gauge, seconds, type MetricDefinition } from './metric-definition.ts'

const BODY_SIZES_BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]

export const GATEWAY_METRICS = {
  requests: counter(
    'windrow.gateway.requests',
    '{request}',
    'Requests answered; data that is not valid HTTP counts under the route other',
    'http.route',
    'windrow.status_class',
  ),
  requestDuration: seconds(
    'http.server.request.duration',
    'From the first byte of a request to the last byte of its response',
    'http.route',
  ),
  requestsActive: gauge('http.server.active_requests', '{request}', 'Requests in progress'),
  bodySize: {
    name: 'http.server.request.body.size',
    kind: 'histogram',
    unit: 'By',
    help: 'Size of request bodies as sent, that is, compressed if they were compressed',
    attributes: ['http.route'],
    buckets: BODY_SIZES_BYTES,
  },
  items: counter(
    'windrow.gateway.items',
    '{item}',
    'Items by outcome; good items of a request that was refused for a bad item are not counted',
    'windrow.item',
    'windrow.item.fate',
  ),
  refusals: counter('windrow.gateway.refusals', '{request}', 'Requests refused, by problem code', 'windrow.refusal'),
  acknowledgementDuration: seconds(
    'windrow.gateway.acknowledgement.duration',
    'Time until all in-sync replicas have stored the records, or until the write failed',
    'windrow.outcome',
  ),
  pending: gauge(
    'windrow.gateway.pending',
    'By',
    'Bytes of requests that are being read, decompressed or written to Kafka',
  ),
  pendingLimit: gauge(
    'windrow.gateway.pending.limit',
    'By',
    'Limit of windrow.gateway.pending; a request that does not fit is refused',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>
