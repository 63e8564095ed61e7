/**
 * Writes the Grafana dashboards: `npm run dashboards`. A panel is a line here; layout, data source and the choice of the job are
 * the same for all. Edit here and not in the JSON, which a test compares.
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

/** title, unit, what it means, then pairs of expression and legend. */
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
      [
        'Lag',
        'short',
        'Records in the log that are not folded yet.',
        [`windrow:lag:sum{${JOB}}`, legend('windrow_job')],
      ],
      [
        'Lag as time',
        's',
        'How long ago the log ended where the slowest partition stands now.',
        [`windrow:lag_duration:max{${JOB}}`, legend('windrow_job')],
      ],
      [
        'Wall clock less watermark',
        's',
        'How old the newest accepted point is, by its own timestamp.',
        [`max by (windrow_partition) (windrow_watermark_delay{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Open windows',
        'short',
        'Partition windows with points that have not closed.',
        [`sum by (windrow_partition) (windrow_windows_open{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Completeness of the lowest open window',
        'percentunit',
        'Share of the producers waited for that have sent everything.',
        [`min by (windrow_partition) (windrow_window_completeness{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Overdue',
        's',
        'Time past end and deadline of the oldest window that is not published.',
        [`max by (windrow_partition) (windrow_window_overdue{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Windows closed by reason',
        'wps',
        'Everything but complete names what the window closed without.',
        [rate('windrow_windows_closed_total', 'windrow_reason'), legend('windrow_reason')],
      ],
      [
        'VM windows closed by reason',
        'wps',
        'The same, by VM.',
        [rate('windrow_vm_windows_closed_total', 'windrow_reason'), legend('windrow_reason')],
      ],
      [
        'Close latency, p95',
        's',
        'From the last record that a window waited for until its results are published.',
        [`windrow:close_duration:p95{${JOB}}`, legend('windrow_reason')],
      ],
      [
        'Commit and publish, p95',
        's',
        'From intent to swapped ledger; one transaction.',
        [p95('windrow_commit_duration', ['windrow_commit_kind']), 'commit {{windrow_commit_kind}}'],
        [p95('windrow_publish_duration', []), 'publish'],
      ],
      [
        'Results and dead letters',
        'ops',
        'Published a second.',
        [rate('windrow_results_total', 'windrow_job'), 'results'],
        [rate('windrow_dead_letters_total', 'windrow_dead_letter_reason'), legend('windrow_dead_letter_reason')],
      ],
      [
        'Retries by step',
        'ops',
        'What failed and is tried again.',
        [rate('windrow_retries_total', 'windrow_step'), legend('windrow_step')],
      ],
      [
        'Partitions',
        'short',
        'Owned by a process, without an owner, halted.',
        [`sum by (windrow_job) (windrow_partitions_owned{${JOB}})`, 'owned'],
        [`windrow:partitions_without_owner{${JOB}}`, 'without owner'],
        [`sum by (windrow_job) (windrow_partition_halted{${JOB}})`, 'halted'],
      ],
      [
        'Event loop',
        's',
        'Delays of the event loop between two scrapes.',
        [`nodejs_eventloop_delay_p99{${JOB}}`, 'p99 {{instance}}'],
        [`nodejs_eventloop_delay_max{${JOB}}`, 'max {{instance}}'],
        [`nodejs_eventloop_delay_mean{${JOB}}`, 'mean {{instance}}'],
      ],
      [
        'Process',
        'percentunit',
        'Cores and the event loop in use.',
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
        'As their starters saw them.',
        [
          rate('windrow_workflow_duration_count', 'windrow_workflow, windrow_outcome'),
          '{{windrow_workflow}} {{windrow_outcome}}',
        ],
      ],
      [
        'Workflow duration, p95',
        's',
        'From start until the end is known.',
        [p95('windrow_workflow_duration', ['windrow_workflow']), legend('windrow_workflow')],
      ],
      [
        'In flight',
        'short',
        'Instances started and not ended, those that wait for a slot included.',
        [`sum by (windrow_workflow) (windrow_workflow_in_flight{${JOB}})`, legend('windrow_workflow')],
      ],
      [
        'Activity duration, p95',
        's',
        'aggregate waits for its VM windows.',
        [p95('windrow_activity_duration', ['windrow_activity']), legend('windrow_activity')],
      ],
      [
        'Activities ended',
        'ops',
        'More of them than commits means that the sidecar ran some again.',
        [
          rate('windrow_activity_duration_count', 'windrow_activity, windrow_outcome'),
          '{{windrow_activity}} {{windrow_outcome}}',
        ],
      ],
      [
        'Workers',
        'short',
        'Connected workers, and connections lost.',
        [`sum by (windrow_job) (windrow_worker_connected{${JOB}})`, 'connected'],
        [`sum by (windrow_job) (increase(windrow_worker_restarts_total{${JOB}}[$__rate_interval]))`, 'lost'],
      ],
      [
        'Payload as a share of the limit, p95',
        'percentunit',
        'Values of the store and inputs of workflows against maxValueBytes.',
        [p95('windrow_payload_ratio', ['windrow_payload']), legend('windrow_payload')],
      ],
      [
        'daprd: executions',
        'ops',
        'Workflows that daprd ended, by status.',
        [ofDapr('dapr_runtime_workflow_execution_count', 'workflow_name, status'), '{{workflow_name}} {{status}}'],
      ],
      [
        'daprd: scheduling latency, p95',
        'ms',
        'From the creation of an instance until it begins.',
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
        'Each drives a turn of a workflow or an activity.',
        [ofDapr('dapr_runtime_actor_reminders_fired_total', 'actor_type'), legend('actor_type')],
      ],
    ],
  },
  'sidecar-and-store': {
    title: 'Windrow: sidecar and state store',
    panels: [
      [
        'State store as the processor sees it, p95',
        's',
        'The way to the sidecar included.',
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
        'State store as daprd sees it, p95',
        'ms',
        'The component alone.',
        [daprP95('dapr_component_state_latencies', 'operation'), legend('operation')],
      ],
      [
        'Component calls',
        'ops',
        'Windrow, workflows and actors together.',
        [ofDapr('dapr_component_state_count', 'operation, success'), '{{operation}} success={{success}}'],
      ],
      [
        'gRPC server, p95',
        'ms',
        'Calls that daprd serves.',
        [daprP95('dapr_grpc_io_server_server_latency', 'grpc_server_method'), legend('grpc_server_method')],
      ],
      [
        'Scheduler: jobs',
        'ops',
        'Reminders made and fired.',
        [ofDapr('dapr_scheduler_jobs_created_total', 'type'), 'created'],
        [ofDapr('dapr_scheduler_jobs_triggered_total', 'type'), 'triggered'],
      ],
      [
        'Scheduler: trigger latency, p95',
        'ms',
        'From due to delivered.',
        [daprP95('dapr_scheduler_trigger_latency', 'type'), legend('type')],
      ],
      ['Scheduler: sidecars', 'short', 'Connected to it.', ['dapr_scheduler_sidecars_connected', legend('instance')]],
      [
        'CPU',
        'percentunit',
        'Cores of daprd and scheduler.',
        ['rate(process_cpu_seconds_total{job=~"daprd|scheduler"}[$__rate_interval])', '{{job}} {{instance}}'],
      ],
      [
        'Memory',
        'bytes',
        'Resident.',
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
        'Rise of the end of the log, by partition.',
        [`sum by (windrow_partition) (deriv(windrow_log_end{${JOB}}[$__rate_interval]))`, legend('windrow_partition')],
      ],
      [
        'Folded',
        'rec/s',
        'By partition.',
        [rate('windrow_records_total', 'windrow_partition'), legend('windrow_partition')],
      ],
      [
        'Lag',
        'short',
        'Records, by partition.',
        [`max by (windrow_partition) (windrow_lag{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Lag as time',
        's',
        'How long ago the log ended where the partition stands now.',
        [`max by (windrow_partition) (windrow_lag_duration{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Distance from the begin of the log',
        'short',
        'At 0 with a lag, retention deletes what was not read.',
        [`min by (windrow_partition) (windrow_log_held{${JOB}})`, legend('windrow_partition')],
      ],
      [
        'Group and takeovers',
        'short',
        'Assignments of the consumer group; partitions taken over.',
        [`sum by (windrow_job) (increase(windrow_assignments_total{${JOB}}[$__rate_interval]))`, 'assignments'],
        [`sum by (windrow_job) (increase(windrow_takeovers_total{${JOB}}[$__rate_interval]))`, 'takeovers'],
      ],
      ['Publishing, p95', 's', 'One transaction a commit.', [p95('windrow_publish_duration', []), 'publish']],
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
        'Refused by reason; not-acknowledged are sent again and count once.',
        [
          `sum by (windrow_item_fate) (rate(windrow_gateway_items_total{${JOB},windrow_item_fate!="accepted"}[$__rate_interval]))`,
          legend('windrow_item_fate'),
        ],
      ],
      [
        'Requests',
        'reqps',
        'By route and class of the answer.',
        [
          rate('windrow_gateway_requests_total', 'http_route, windrow_status_class'),
          '{{http_route}} {{windrow_status_class}}',
        ],
      ],
      [
        'Request duration, p95',
        's',
        'Of those that bring points, the acknowledgement by Kafka included.',
        [p95('http_server_request_duration', ['http_route']), legend('http_route')],
      ],
      [
        'Refusals by code',
        'reqps',
        'Rate limits, missing and wrong tokens, back-pressure and bad bodies.',
        [rate('windrow_gateway_refusals_total', 'windrow_refusal'), legend('windrow_refusal')],
      ],
      [
        'Failures',
        'percentunit',
        'Share of the requests with points that are answered with 5xx.',
        [`windrow:gateway_failures:ratio5m{${JOB}}`, legend('windrow_job')],
      ],
      [
        'Acknowledgement by Kafka, p95',
        's',
        'From records handed over until all in-sync replicas have them.',
        [p95('windrow_gateway_acknowledgement_duration', ['windrow_outcome']), legend('windrow_outcome')],
      ],
      [
        'Pending',
        'bytes',
        'Bytes that wait for Kafka, and how many may: what does not fit is refused.',
        [`sum by (instance) (windrow_gateway_pending{${JOB}})`, 'pending {{instance}}'],
        [`max by (windrow_job) (windrow_gateway_pending_limit{${JOB}})`, 'limit'],
      ],
      [
        'Requests under way',
        'short',
        'Not answered yet.',
        [`sum by (instance) (http_server_active_requests{${JOB}})`, legend('instance')],
      ],
      [
        'Bodies',
        'Bps',
        'As they were sent, packed if they were.',
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

/** File names and texts, for the test too. */
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
