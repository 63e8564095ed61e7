/**
 * Generates the Grafana dashboards: `npm run dashboards`. Each panel is one entry of the table below; layout, data source
 * and job selector are the same for all. Edit this file and not the JSON files; a test checks that they match.
 */
import { writeFileSync } from 'node:fs'

const JOB = 'windrow_job=~"$job"'
const p95 = (metric, by) =>
  `histogram_quantile(0.95, sum by (${[...by, 'le'].join(', ')}) (rate(${metric}_bucket{${JOB}}[$__rate_interval])))`
const rate = (metric, by) => `sum by (${by}) (rate(${metric}{${JOB}}[$__rate_interval]))`
const ofDapr = (metric, by) => `sum by (${by}) (rate(${metric}[$__rate_interval]))`
const daprP95 = (metric, by) =>
  `histogram_quantile(0.95, sum by (${by}, le) (rate(${metric}_bucket[$__rate_interval])))`
const legend = (label) => `{{${label}}}`

/** A panel: title, unit, description, then pairs of expression and legend. */
const DASHBOARDS = {
  pipeline: {
    title: 'Windrow: pipeline',
    panels: [
      [
        'Records by fate',
        'rec/s',
        'Every record has one fate; consumed is their sum.',
        [`windrow:records:rate1m{${JOB}}`, legend('windrow_fate')],
      ],
      ['Lag', 'short', 'Consumer lag, in records.', [`windrow:lag:sum{${JOB}}`, legend('windrow_job')]],
      [
        'Lag as time',
        's',
        'Consumer lag of the slowest partition, as a time: how long ago the log ended at its current position.',
        [`windrow:lag_duration:max{${JOB}}`, legend('windrow_job')],
      ],
      [
        'Watermark delay',
        's',
        'Wall clock minus watermark, that is, the age of the newest accepted point by its timestamp.',
        [`max by (windrow_partition) (windrow_watermark_delay{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Open windows',
        'short',
        'Partition windows that have points and are not closed.',
        [`sum by (windrow_partition) (windrow_windows_open{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'VMs ahead of the others',
        'short',
        'VMs whose timestamps are far beyond the window that the others are at; windrow status names them.',
        [`max by (windrow_partition) (windrow_vms_ahead{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'VMs in two partitions',
        'short',
        'VMs whose records arrive in two partitions of one processor; windrow status names them.',
        [`max(windrow_vms_in_two_partitions{${JOB}})`, 'VMs'],
      ],
      [
        'Completeness of the lowest open window',
        'percentunit',
        'Share of the expected producers whose points are complete.',
        [`min by (windrow_partition) (windrow_window_completeness{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Overdue',
        's',
        'How long the oldest unpublished window is past its deadline.',
        [`max by (windrow_partition) (windrow_window_overdue{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Windows closed by reason',
        'wps',
        'Windows with any reason other than complete closed without all points.',
        [rate('windrow_windows_closed_total', 'windrow_reason'), legend('windrow_reason')],
      ],
      [
        'VM windows closed by reason',
        'wps',
        'The same for VM windows.',
        [rate('windrow_vm_windows_closed_total', 'windrow_reason'), legend('windrow_reason')],
      ],
      [
        'Close latency, p95',
        's',
        'From the record that closed a window until its results are published.',
        [`windrow:close_duration:p95{${JOB}}`, legend('windrow_reason')],
      ],
      [
        'Commit and publish, p95',
        's',
        'Commit: from the intent until the ledger is committed. Publish: one transaction.',
        [p95('windrow_commit_duration', ['windrow_commit_kind']), 'commit {{windrow_commit_kind}}'],
        [p95('windrow_publish_duration', []), 'publish'],
      ],
      [
        'Results and dead letters',
        'ops',
        'Published per second. Samples that a destination of remote write refused.',
        [rate('windrow_results_total', 'windrow_job'), 'results'],
        [rate('windrow_dead_letters_total', 'windrow_dead_letter_reason'), legend('windrow_dead_letter_reason')],
        [rate('windrow_samples_refused_total', 'windrow_job'), 'refused samples'],
      ],
      [
        'Retries by step',
        'ops',
        'Steps that failed and are retried.',
        [rate('windrow_retries_total', 'windrow_step'), legend('windrow_step')],
      ],
      [
        'Partitions',
        'short',
        'Partitions with an owner, without one, and halted.',
        [`sum by (windrow_job) (windrow_partitions_owned{${JOB}})`, 'owned'],
        [`windrow:partitions_without_owner{${JOB}}`, 'without owner'],
        [`sum by (windrow_job) (windrow_partition_halted{${JOB}})`, 'halted'],
      ],
      [
        'Event loop',
        's',
        'Delay of the event loop between two scrapes.',
        [`nodejs_eventloop_delay_p99{${JOB}}`, 'p99 {{instance}}'],
        [`nodejs_eventloop_delay_max{${JOB}}`, 'max {{instance}}'],
        [`nodejs_eventloop_delay_mean{${JOB}}`, 'mean {{instance}}'],
      ],
      [
        'Process',
        'percentunit',
        'CPU cores used, and utilization of the event loop.',
        [`rate(process_cpu_time_total{${JOB}}[$__rate_interval])`, 'cores {{instance}}'],
        [`nodejs_eventloop_utilization{${JOB}}`, 'event loop {{instance}}'],
      ],
      ['Memory', 'bytes', 'Resident memory of the processors.', [`process_memory_usage{${JOB}}`, legend('instance')]],
    ],
  },
  workflows: {
    title: 'Windrow: workflows',
    panels: [
      [
        'Workflows ended',
        'ops',
        'As observed by the processes that started them.',
        [
          rate('windrow_workflow_duration_count', 'windrow_workflow, windrow_outcome'),
          '{{windrow_workflow}} {{windrow_outcome}}',
        ],
      ],
      [
        'Workflow duration, p95',
        's',
        'From the start until the starting process learns of the end.',
        [p95('windrow_workflow_duration', ['windrow_workflow']), legend('windrow_workflow')],
      ],
      [
        'In flight',
        'short',
        'Instances that have not ended, including those that wait for a slot.',
        [`sum by (windrow_workflow) (windrow_workflow_in_flight{${JOB}})`, legend('windrow_workflow')],
      ],
      [
        'Activity duration, p95',
        's',
        'aggregate includes the time of its VM windows.',
        [p95('windrow_activity_duration', ['windrow_activity']), legend('windrow_activity')],
      ],
      [
        'Activities ended',
        'ops',
        'If there are more activities than commits, the sidecar has repeated some.',
        [
          rate('windrow_activity_duration_count', 'windrow_activity, windrow_outcome'),
          '{{windrow_activity}} {{windrow_outcome}}',
        ],
      ],
      [
        'Workers',
        'short',
        'Connected workers, and lost connections.',
        [`sum by (windrow_job) (windrow_worker_connected{${JOB}})`, 'connected'],
        [`sum by (windrow_job) (increase(windrow_worker_restarts_total{${JOB}}[$__rate_interval]))`, 'lost'],
      ],
      [
        'Payload as a share of the limit, p95',
        'percentunit',
        'Stored values and workflow inputs, relative to maxValueBytes.',
        [p95('windrow_payload_ratio', ['windrow_payload']), legend('windrow_payload')],
      ],
      [
        'daprd: executions',
        'ops',
        'Workflows that ended in daprd, by status.',
        [ofDapr('dapr_runtime_workflow_execution_count', 'workflow_name, status'), '{{workflow_name}} {{status}}'],
      ],
      [
        'daprd: scheduling latency, p95',
        'ms',
        'From the creation of an instance until it starts.',
        [daprP95('dapr_runtime_workflow_scheduling_latency', 'workflow_name'), legend('workflow_name')],
      ],
      [
        'daprd: activity executions',
        'ops',
        'By status.',
        [
          ofDapr('dapr_runtime_workflow_activity_execution_count', 'activity_name, status'),
          '{{activity_name}} {{status}}',
        ],
      ],
      [
        'daprd: reminders fired',
        'ops',
        'Each starts a turn of a workflow or an activity.',
        [ofDapr('dapr_runtime_actor_reminders_fired_total', 'actor_type'), legend('actor_type')],
      ],
      [
        'VM windows per workflow',
        'short',
        'By partition, as decided for its last close: 1 while it keeps up, more while it lags.',
        [`max by (windrow_partition) (windrow_workflow_vm_windows{${JOB}})`, legend('windrow_partition')],
      ],
    ],
  },
  'sidecar-and-store': {
    title: 'Windrow: sidecar and state store',
    panels: [
      [
        'State store, measured in the processor, p95',
        's',
        'Includes the call to the sidecar.',
        [p95('windrow_state_store_duration', ['windrow_operation']), legend('windrow_operation')],
      ],
      [
        'State store calls',
        'ops',
        'By outcome.',
        [
          rate('windrow_state_store_duration_count', 'windrow_operation, windrow_outcome'),
          '{{windrow_operation}} {{windrow_outcome}}',
        ],
      ],
      [
        'State store, measured in daprd, p95',
        'ms',
        'The state store component only.',
        [daprP95('dapr_component_state_latencies', 'operation'), legend('operation')],
      ],
      [
        'Component calls',
        'ops',
        'Calls by Windrow, workflows and actors together.',
        [ofDapr('dapr_component_state_count', 'operation, success'), '{{operation}} success={{success}}'],
      ],
      [
        'gRPC server, p95',
        'ms',
        'Calls served by daprd.',
        [daprP95('dapr_grpc_io_server_server_latency', 'grpc_server_method'), legend('grpc_server_method')],
      ],
      [
        'Scheduler: jobs',
        'ops',
        'Reminders created and fired.',
        [ofDapr('dapr_scheduler_jobs_created_total', 'type'), 'created'],
        [ofDapr('dapr_scheduler_jobs_triggered_total', 'type'), 'triggered'],
      ],
      [
        'Scheduler: trigger latency, p95',
        'ms',
        'From the due time until delivery.',
        [daprP95('dapr_scheduler_trigger_latency', 'type'), legend('type')],
      ],
      [
        'Scheduler: sidecars',
        'short',
        'Sidecars connected to the scheduler.',
        ['dapr_scheduler_sidecars_connected', legend('instance')],
      ],
      [
        'CPU',
        'percentunit',
        'CPU cores used by daprd and scheduler.',
        ['rate(process_cpu_seconds_total{job=~"daprd|scheduler"}[$__rate_interval])', '{{job}} {{instance}}'],
      ],
      [
        'Memory',
        'bytes',
        'Resident memory of daprd and scheduler.',
        ['process_resident_memory_bytes{job=~"daprd|scheduler"}', '{{job}} {{instance}}'],
      ],
    ],
  },
  kafka: {
    title: 'Windrow: Kafka',
    panels: [
      [
        'Appended',
        'rec/s',
        'Growth of the log, by partition.',
        [`sum by (windrow_partition) (deriv(windrow_log_end{${JOB}}[$__rate_interval]))`, legend('windrow_partition')],
      ],
      [
        'Consumed',
        'rec/s',
        'Records folded, by partition.',
        [rate('windrow_records_total', 'windrow_partition'), legend('windrow_partition')],
      ],
      [
        'Lag',
        'short',
        'Consumer lag in records, by partition.',
        [`max by (windrow_partition) (windrow_lag{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Lag as time',
        's',
        'Consumer lag as a time, by partition.',
        [`max by (windrow_partition) (windrow_lag_duration{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Retention margin',
        'short',
        'Records between the start of the log and the current position. If 0 while there is a lag, retention is deleting unread records.',
        [`min by (windrow_partition) (windrow_retention_margin{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Group and takeovers',
        'short',
        'Assignments by the consumer group; takeovers of partitions; processors that run without an end.',
        [`sum by (windrow_job) (increase(windrow_assignments_total{${JOB}}[$__rate_interval]))`, 'assignments'],
        [`sum by (windrow_job) (increase(windrow_takeovers_total{${JOB}}[$__rate_interval]))`, 'takeovers'],
        [`sum by (windrow_job) (windrow_run_continuous{${JOB}})`, 'processors'],
      ],
      ['Publishing, p95', 's', 'One transaction per commit.', [p95('windrow_publish_duration', []), 'publish']],
    ],
  },
  gateway: {
    title: 'Windrow: gateway',
    panels: [
      [
        'Items accepted',
        'ops',
        'Points and manifests that Kafka has acknowledged.',
        [
          `sum by (windrow_item) (rate(windrow_gateway_items_total{${JOB},windrow_item_fate="accepted"}[$__rate_interval]))`,
          legend('windrow_item'),
        ],
      ],
      [
        'Items not accepted',
        'ops',
        'Refused items by reason. Items that are not acknowledged are sent again and count once.',
        [
          `sum by (windrow_item_fate) (rate(windrow_gateway_items_total{${JOB},windrow_item_fate!="accepted"}[$__rate_interval]))`,
          legend('windrow_item_fate'),
        ],
      ],
      [
        'Requests',
        'reqps',
        'By route and status class.',
        [
          rate('windrow_gateway_requests_total', 'http_route, windrow_status_class'),
          '{{http_route}} {{windrow_status_class}}',
        ],
      ],
      [
        'Request duration, p95',
        's',
        'For points and manifests this includes the acknowledgement by Kafka.',
        [p95('http_server_request_duration', ['http_route']), legend('http_route')],
      ],
      [
        'Refusals by code',
        'reqps',
        'Rate limits, missing and unknown tokens, backpressure and invalid bodies.',
        [rate('windrow_gateway_refusals_total', 'windrow_refusal'), legend('windrow_refusal')],
      ],
      [
        'Failures',
        'percentunit',
        'Share of requests with points or manifests that are answered with 5xx.',
        [`windrow:gateway_failures:ratio5m{${JOB}}`, legend('windrow_job')],
      ],
      [
        'Acknowledgement by Kafka, p95',
        's',
        'Time until all in-sync replicas have stored the records.',
        [p95('windrow_gateway_acknowledgement_duration', ['windrow_outcome']), legend('windrow_outcome')],
      ],
      [
        'Pending',
        'bytes',
        'Bytes of requests in memory, and the limit. A request that does not fit is refused.',
        [`sum by (instance) (windrow_gateway_pending{${JOB}})`, 'pending {{instance}}'],
        [`max by (windrow_job) (windrow_gateway_pending_limit{${JOB}})`, 'limit'],
      ],
      [
        'Requests in progress',
        'short',
        'Requests that are not answered yet.',
        [`sum by (instance) (http_server_active_requests{${JOB}})`, legend('instance')],
      ],
      [
        'Bodies',
        'Bps',
        'Size as sent, that is, compressed if they were compressed.',
        [rate('http_server_request_body_size_sum', 'http_route'), legend('http_route')],
      ],
    ],
  },
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const [WIDTH, HEIGHT] = [12, 8]

function dashboard(name, { title, panels }) {
  return {
    uid: `windrow-${name}`,
    title,
    tags: ['windrow'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '10s',
    timezone: 'utc',
    time: { from: 'now-30m', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
        {
          ...{
            name: 'job',
            label: 'Job',
            type: 'query',
            datasource: DATASOURCE,
            refresh: 2,
            includeAll: true,
            allValue: '.*',
          },
          ...{
            multi: true,
            current: { text: 'All', value: '$__all' },
            definition: 'label_values(process_cpu_time_total, windrow_job)',
          },
          query: { query: 'label_values(process_cpu_time_total, windrow_job)', refId: 'job' },
        },
      ],
    },
    annotations: { list: [] },
    links: [{ title: 'Windrow', type: 'dashboards', tags: ['windrow'], asDropdown: true }],
    panels: panels.map(panel),
  }
}

function panel([title, unit, description, ...queries], at) {
  return {
    id: at + 1,
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { x: (at % 2) * WIDTH, y: Math.floor(at / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: {
      defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never' } },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  }
}

/** Pairs of file name and content; also used by the test. */
export function dashboards() {
  return Object.entries(DASHBOARDS).map(([name, of]) => [
    `${name}.json`,
    `${JSON.stringify(dashboard(name, of), null, 2)}\n`,
  ])
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const folder = new URL('../observability/grafana/dashboards/', import.meta.url)
  for (const [file, text] of dashboards()) writeFileSync(new URL(file, folder), text)
}
