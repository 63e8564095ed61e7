/** The metrics of `windrow gateway`: the HTTP ones as OpenTelemetry names those of any server, the others its own. */
import { counter, gauge, seconds, type MetricDefinition } from './metric-definition.ts'

const BODY_SIZES_BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]

export const GATEWAY_METRICS = {
  requests: counter(
    'windrow.gateway.requests',
    '{request}',
    'Requests answered; those that were no HTTP are among the other routes',
    'http.route',
    'windrow.status_class',
  ),
  requestDuration: seconds(
    'http.server.request.duration',
    'From the first byte of a request to the last of its answer',
    'http.route',
  ),
  requestsActive: gauge('http.server.active_requests', '{request}', 'Requests that are not answered yet'),
  bodySize: {
    name: 'http.server.request.body.size',
    kind: 'histogram',
    unit: 'By',
    help: 'Bodies as they were sent, packed if they were',
    attributes: ['http.route'],
    buckets: BODY_SIZES_BYTES,
  },
  items: counter(
    'windrow.gateway.items',
    '{item}',
    'Items by what became of each; those that were refused only because another one of their request was are left out',
    'windrow.item',
    'windrow.item.fate',
  ),
  refusals: counter(
    'windrow.gateway.refusals',
    '{request}',
    'Requests refused, by the code of the answer',
    'windrow.refusal',
  ),
  acknowledgementDuration: seconds(
    'windrow.gateway.acknowledgement.duration',
    'From records handed to Kafka until all in-sync replicas have them, or until it is known that they may not',
    'windrow.outcome',
  ),
  pending: gauge('windrow.gateway.pending', 'By', 'Bytes of requests that are read, unpacked or written to Kafka'),
  pendingLimit: gauge('windrow.gateway.pending.limit', 'By', 'As many may be pending; what does not fit is refused'),
} as const satisfies Readonly<Record<string, MetricDefinition>>
