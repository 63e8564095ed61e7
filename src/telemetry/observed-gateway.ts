/** Metrics of a gateway. Attribute values come from fixed tables only, never directly from a request. */
import { resources } from '@opentelemetry/sdk-node'
import type { Config } from '../config/settings.ts'
import type { GatewayMeter } from '../gateway/meter.ts'
import type { PendingBytes } from '../gateway/pending.ts'
import { PROBLEM_CODES } from '../gateway/problem.ts'
import { routeOf, ROUTES } from '../gateway/routes.ts'
import { ITEM_FATES, ITEM_KINDS, STATUS_CLASSES } from './attributes.ts'
import { GATEWAY_METRICS } from './gateway-metrics.ts'
import type { Instruments } from './instruments.ts'
import { PROCESS_METRICS } from './metrics.ts'
import { serveMetrics, type MetricsAddress } from './serve-metrics.ts'

export interface GatewayTelemetry {
  readonly meter: GatewayMeter
  /** Closes the metrics port. */
  close(): Promise<void>
}

/** Throws METRICS_PORT_TAKEN if the port is in use. */
export async function openGatewayMetrics(
  at: MetricsAddress,
  { job }: Pick<Config, 'job'>,
  pending: Pick<PendingBytes, 'bytes' | 'maxBytes'>,
): Promise<GatewayTelemetry> {
  const resource = resources.resourceFromAttributes({ 'service.name': 'windrow-gateway', 'windrow.job': job })
  const { instruments, close } = await serveMetrics(at, resource, { ...GATEWAY_METRICS, ...PROCESS_METRICS })
  return { meter: createGatewayMeter(instruments, pending), close }
}

type ItemKind = (typeof ITEM_KINDS)[number]

export function createGatewayMeter(
  instruments: Instruments,
  pending: Pick<PendingBytes, 'bytes' | 'maxBytes'>,
): GatewayMeter {
  let active = 0
  instruments.onCollect((set) => {
    set('requestsActive', active)
    set('pending', pending.bytes)
    set('pendingLimit', pending.maxBytes)
  })
  const items = (kind: ItemKind, fate: string, count: number): void =>
    instruments.add('items', count, { 'windrow.item': kind, 'windrow.item.fate': fate })
  initializeCounters(instruments, items)
  return {
    requestStarted: () => void active++,
    requestEnded: () => void active--,
    responseSent({ path, status, code, ms }) {
      if (code !== null) instruments.add('refusals', 1, { 'windrow.refusal': code })
      const route = routeOf(path)
      instruments.add('requests', 1, { 'http.route': route, 'windrow.status_class': classOf(status) })
      if (ms !== null) instruments.record('requestDuration', ms / 1000, { 'http.route': route })
    },
    bodyReceived: (route, bytes) => instruments.record('bodySize', bytes, { 'http.route': route }),
    itemsAccepted: (kind, count) => items(kind, 'accepted', count),
    itemsNotAcknowledged: (kind, count) => items(kind, 'not-acknowledged', count),
    itemsRefused(kind, problems) {
      for (const { code } of problems) items(kind, ITEM_FATES.find((fate) => fate === code) ?? 'invalid', 1)
    },
    appendEnded(ok, ms) {
      const attributes = { 'windrow.outcome': ok ? 'completed' : 'failed' }
      instruments.record('acknowledgementDuration', ms / 1000, attributes)
    },
  }
}

const classOf = (status: number): string => `${Math.floor(status / 100)}xx`

/** Creates all counters with the value 0. Prometheus cannot see the increase of a counter that appears with its first event. */
function initializeCounters(
  instruments: Instruments,
  items: (kind: ItemKind, fate: string, count: number) => void,
): void {
  for (const kind of ITEM_KINDS) for (const fate of ITEM_FATES) items(kind, fate, 0)
  for (const code of PROBLEM_CODES) instruments.add('refusals', 0, { 'windrow.refusal': code })
  for (const route of [...ROUTES, 'other'])
    for (const statusClass of STATUS_CLASSES)
      instruments.add('requests', 0, { 'http.route': route, 'windrow.status_class': statusClass })
}
