/**
 * The tables of all metrics: name, unit, description and attributes. Names and units follow OpenTelemetry's conventions
 * (https://opentelemetry.io/docs/specs/semconv/general/metrics/). The instruments and docs/reference/metrics.md are
 * generated from these tables.
 */
import { GATEWAY_METRICS } from './gateway-metrics.ts'
import { counter, gauge, seconds, type MetricDefinition } from './metric-definition.ts'

const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1]

/** Metrics of `windrow run`, besides those of every process. */
export const PROCESSOR_METRICS = {
  records: counter(
    'windrow.records',
    '{record}',
    'Records folded by this process',
    'windrow.partition',
    'windrow.fate',
  ),
  lag: {
    ...gauge('windrow.lag', '{record}', 'Consumer lag, in records', 'windrow.partition'),
    topicsOnly: true,
  },
  lagDuration: {
    ...gauge(
      'windrow.lag.duration',
      's',
      'Consumer lag as a time: how long ago the end of the log was at the current position; a lower bound if that was before the process started',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  logEnd: {
    ...gauge('windrow.log.end', '{record}', 'Offset after the last record of the log', 'windrow.partition'),
    topicsOnly: true,
  },
  retentionMargin: {
    ...gauge(
      'windrow.retention.margin',
      '{record}',
      'Records between the start of the log and the current position; if 0 while there is a lag, retention is deleting unread records',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  watermarkDelay: gauge(
    'windrow.watermark.delay',
    's',
    'Wall clock minus watermark; the watermark is the highest timestamp of an accepted point',
    'windrow.partition',
  ),

  vmsAhead: gauge(
    'windrow.vms.ahead',
    '{vm}',
    'VMs whose timestamps are more than a window and the grace period beyond the window that the others are at',
    'windrow.partition',
  ),
  vmsInTwoPartitions: gauge(
    'windrow.vms.in_two_partitions',
    '{vm}',
    'VMs whose records arrive in two partitions of this process; 0 for files',
  ),
  windowsOpen: gauge('windrow.windows.open', '{window}', 'Open partition windows', 'windrow.partition'),
  completeness: gauge(
    'windrow.window.completeness',
    '1',
    'Share of the expected producers whose points for the lowest open window are complete; 1 if none is expected',
    'windrow.partition',
  ),
  overdue: {
    ...gauge(
      'windrow.window.overdue',
      's',
      'How long the oldest unpublished window is past its deadline (its end plus the setting deadline); 0 before that',
      'windrow.partition',
    ),
    topicsOnly: true,
  },
  windowsClosed: counter('windrow.windows.closed', '{window}', 'Partition windows committed', 'windrow.reason'),
  vmWindowsClosed: counter('windrow.vm_windows.closed', '{window}', 'VM windows committed', 'windrow.reason'),
  vmsPerWorkflow: gauge(
    'windrow.workflow.vm_windows',
    '{window}',
    'VM windows per workflow instance, as decided for the last commit that closes a window',
    'windrow.partition',
  ),
  closeDuration: seconds(
    'windrow.window.close.duration',
    'From the record that closed a window until its results are published',
    'windrow.reason',
  ),
  results: counter('windrow.results', '{result}', 'Results published by this process'),
  deadLetters: counter(
    'windrow.dead_letters',
    '{record}',
    'Dead letters published by this process',
    'windrow.dead_letter.reason',
  ),
  samplesRefused: counter(
    'windrow.samples.refused',
    '{sample}',
    'Samples that a destination of remote write refused for good, counted by this process',
  ),

  commitDuration: seconds(
    'windrow.commit.duration',
    'From the first intent until the ledger is committed, including all attempts',
    'windrow.commit.kind',
  ),
  publishDuration: seconds('windrow.publish.duration', 'Time to publish one commit in one transaction'),
  retries: counter('windrow.retries', '{retry}', 'Failed steps that are retried', 'windrow.step'),

  workflowDuration: seconds(
    'windrow.workflow.duration',
    'From the start of a workflow instance until this process learns that it ended',
    'windrow.workflow',
    'windrow.outcome',
  ),
  workflowsInFlight: gauge(
    'windrow.workflow.in_flight',
    '{instance}',
    'Workflow instances started by this process that have not ended, including those that wait for a slot',
    'windrow.workflow',
  ),
  activityDuration: seconds(
    'windrow.activity.duration',
    'Activities run by this process, including repeated runs',
    'windrow.activity',
    'windrow.outcome',
  ),
  workerRestarts: counter('windrow.worker.restarts', '{restart}', 'Lost connections of the worker'),
  workerConnected: gauge('windrow.worker.connected', '1', '1 while the worker is connected to its sidecar, else 0'),

  payloadRatio: {
    name: 'windrow.payload.ratio',
    kind: 'histogram',
    unit: '1',
    help: 'Size of a stored value or a workflow input as a share of maxValueBytes',
    attributes: ['windrow.payload'],
    buckets: SHARES,
  },
  storeDuration: seconds(
    'windrow.state_store.duration',
    'Calls to the state store',
    'windrow.operation',
    'windrow.outcome',
  ),

  runContinuous: gauge(
    'windrow.run.continuous',
    '1',
    '1 if the run has no end of its own: it reads a topic without --once; else 0',
  ),
  partitions: gauge('windrow.partitions', '{partition}', 'Partitions of the job'),
  partitionsOwned: gauge('windrow.partitions.owned', '{partition}', 'Partitions owned by this process'),
  partitionHalted: gauge(
    'windrow.partition.halted',
    '1',
    '1 if the partition is assigned to this process and halted, else 0',
    'windrow.partition',
  ),
  takeovers: counter(
    'windrow.takeovers',
    '{takeover}',
    'Takeovers of partitions by this process, including those to retry a commit',
  ),
  assignments: counter('windrow.assignments', '{assignment}', 'Assignments by the consumer group'),
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** Metrics of every process. */
export const PROCESS_METRICS = {
  eventLoopDelayMean: gauge('nodejs.eventloop.delay.mean', 's', 'Mean delay of the event loop since the last scrape'),
  eventLoopDelayP99: gauge(
    'nodejs.eventloop.delay.p99',
    's',
    '99th percentile of the event loop delay since the last scrape',
  ),
  eventLoopDelayMax: gauge('nodejs.eventloop.delay.max', 's', 'Maximum of the event loop delay since the last scrape'),
  eventLoopUtilization: gauge(
    'nodejs.eventloop.utilization',
    '1',
    'Share of the time since the last scrape that the event loop was busy',
  ),
  cpuTime: counter('process.cpu.time', 's', 'CPU time of the process, user plus system'),
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
