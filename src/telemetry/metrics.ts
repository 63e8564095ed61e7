/**
 * Every metric, once: name and unit by OpenTelemetry's conventions (https://opentelemetry.io/docs/specs/semconv/general/metrics/),
 * help and attributes. The instruments are made from these tables, and docs/reference/metrics.md is written from them.
 */
import { GATEWAY_METRICS } from './gateway-metrics.ts'
import { counter, gauge, seconds, type MetricDefinition } from './metric-definition.ts'

const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1]

/** What `windrow run` exports, beside what every process does. */
export const PROCESSOR_METRICS = {
  records: counter(
    'windrow.records',
    '{record}',
    'Records folded by this process',
    'windrow.partition',
    'windrow.fate',
  ),
  lag: {
    ...gauge('windrow.lag', '{record}', 'Records in the log that are not folded yet', 'windrow.partition'),
    topicsOnly: true,
  },
  lagDuration: {
    ...gauge(
      'windrow.lag.duration',
      's',
      'Time since the log ended where the partition stands now; at least so much where it stood there before the process began to look',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  logEnd: {
    ...gauge('windrow.log.end', '{record}', 'Offset after the last record of the log', 'windrow.partition'),
    topicsOnly: true,
  },
  logHeld: {
    ...gauge(
      'windrow.log.held',
      '{record}',
      'Records between the begin of the log and the partition; at 0 with a lag, retention deletes what was not read',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  watermarkDelay: gauge(
    'windrow.watermark.delay',
    's',
    'Wall clock less watermark, the highest timestamp of an accepted point',
    'windrow.partition',
  ),

  windowsOpen: gauge('windrow.windows.open', '{window}', 'Partition windows that are open', 'windrow.partition'),
  completeness: gauge(
    'windrow.window.completeness',
    '1',
    'Share of the producers waited for that have sent all of the lowest open window; 1 when nobody is waited for',
    'windrow.partition',
  ),
  overdue: {
    ...gauge(
      'windrow.window.overdue',
      's',
      'Time that the oldest window which is not published is past its end and the deadline; 0 before',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  windowsClosed: counter('windrow.windows.closed', '{window}', 'Partition windows committed', 'windrow.reason'),
  vmWindowsClosed: counter('windrow.vm_windows.closed', '{window}', 'VM windows committed', 'windrow.reason'),
  closeDuration: seconds(
    'windrow.window.close.duration',
    'From the fold of the last record that a window waited for until its results are published',
    'windrow.reason',
  ),
  results: counter('windrow.results', '{result}', 'Results published by this process'),
  deadLetters: counter(
    'windrow.dead_letters',
    '{record}',
    'Dead letters published by this process',
    'windrow.dead_letter.reason',
  ),

  commitDuration: seconds(
    'windrow.commit.duration',
    'From intent to swapped ledger, all attempts together',
    'windrow.commit.kind',
  ),
  publishDuration: seconds('windrow.publish.duration', 'Publishing one commit in one transaction'),
  retries: counter('windrow.retries', '{retry}', 'Steps that failed and are tried again', 'windrow.step'),

  workflowDuration: seconds(
    'windrow.workflow.duration',
    'From the start of an instance until its end is known',
    'windrow.workflow',
    'windrow.outcome',
  ),
  workflowsInFlight: gauge(
    'windrow.workflow.in_flight',
    '{instance}',
    'Instances started by this process that have not ended; those that wait for a slot included',
    'windrow.workflow',
  ),
  activityDuration: seconds(
    'windrow.activity.duration',
    'Activities run by this process, those that the sidecar runs again included',
    'windrow.activity',
    'windrow.outcome',
  ),
  workerRestarts: counter('windrow.worker.restarts', '{restart}', 'Connections of the worker that were lost'),
  workerConnected: gauge('windrow.worker.connected', '1', '1 while the worker has its stream of work, else 0'),

  payloadRatio: {
    name: 'windrow.payload.ratio',
    kind: 'histogram',
    unit: '1',
    help: 'Size of what is stored or sent as a share of maxValueBytes',
    attributes: ['windrow.payload'],
    buckets: SHARES,
  },
  storeDuration: seconds(
    'windrow.state_store.duration',
    'Calls to the state store',
    'windrow.operation',
    'windrow.outcome',
  ),

  partitions: gauge('windrow.partitions', '{partition}', 'Partitions of the job'),
  partitionsOwned: gauge('windrow.partitions.owned', '{partition}', 'Partitions that this process works on'),
  partitionHalted: gauge(
    'windrow.partition.halted',
    '1',
    '1 for a partition that was given to this process and cannot go on, else 0',
    'windrow.partition',
  ),
  takeovers: counter('windrow.takeovers', '{takeover}', 'Partitions taken over, and taken again, by this process'),
  assignments: counter('windrow.assignments', '{assignment}', 'Times that the consumer group gave out partitions anew'),
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** What every process exports. */
export const PROCESS_METRICS = {
  eventLoopDelayMean: gauge('nodejs.eventloop.delay.mean', 's', 'Mean delay of the event loop since the last scrape'),
  eventLoopDelayP99: gauge('nodejs.eventloop.delay.p99', 's', '99th percentile of the same'),
  eventLoopDelayMax: gauge('nodejs.eventloop.delay.max', 's', 'Largest of the same'),
  eventLoopUtilization: gauge(
    'nodejs.eventloop.utilization',
    '1',
    'Share of the time since the last scrape that the event loop was busy',
  ),
  cpuTime: counter('process.cpu.time', 's', 'CPU time of the process, user and system together'),
  memory: gauge('process.memory.usage', 'By', 'Resident memory of the process'),
} as const satisfies Readonly<Record<string, MetricDefinition>>

export const METRICS = { ...PROCESSOR_METRICS, ...GATEWAY_METRICS, ...PROCESS_METRICS }

export type MetricKey = keyof typeof METRICS

export type CounterKey = KeysOf<'counter'>
export type GaugeKey = KeysOf<'gauge'>
export type HistogramKey = KeysOf<'histogram'>

type KeysOf<Kind extends MetricDefinition['kind']> = {
  [K in MetricKey]: (typeof METRICS)[K] extends { readonly kind: Kind } ? K : never
}[MetricKey]
