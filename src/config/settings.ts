/**
 * The table of all settings: type, default and help of each. Names follow from the key: `graceMs` is the flag `--grace`, the
 * variable `WINDROW_GRACE` and the key `grace` of the configuration file. docs/reference/settings.md is generated from it.
 *
 * kinds.ts              kinds of values: durations, sizes, paths, topics, …
 * names.ts              the flag, variables and YAML key of each setting
 * yaml-file.ts          parses the configuration file
 * resolve.ts            resolves flags, variables, file and defaults to a `Config`, or to a list of problems
 * defaults.ts           defaults that depend on other settings
 * relations.ts          rules between settings; kafka-rules.ts: those of the Kafka connection
 * kafka-connection.ts   builds the options of a Kafka connection, and reads its files
 * field-mapping.ts      the setting `fields`; csv-dialect.ts: the setting `csv`
 * sizes.ts, times.ts, log-place.ts   parse sizes, times and positions in a log
 * closest.ts            "did you mean …"
 * reference.ts          generates the reference
 */
import { csvDialect } from './csv-dialect.ts'
import { fieldMapping } from './field-mapping.ts'
import { formsOfSinks } from '../sinks/registry.ts'
import { WEEKDAYS } from '../core/calendar-windows.ts'
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'

export type Group = 'Input' | 'Kafka' | 'Windows' | 'Output' | 'Job' | 'Sidecar' | 'Telemetry' | 'Limits' | 'Gateway'

export interface SettingMeta {
  readonly group: Group
  /** One line for `--help`; a setting without `isCommon` is accepted as a flag but left out there. */
  readonly help: string
  readonly isCommon?: true
  /** Further text for the reference. */
  readonly details?: string
  /** As a user would write it; `null` means none. Absent if it depends on other settings, see `derivedDefault`. */
  readonly default?: string | number | boolean | null | readonly string[]
  /** The default in words, if it depends on other settings (src/config/defaults.ts). */
  readonly derivedDefault?: string
  /** A further variable. The one that follows from the name has precedence. */
  readonly alsoEnv?: string
  /** The value is an object, so neither a flag nor a variable can have it. */
  readonly isFileOnly?: true
  /** A password or a token: never shown, and masked in logs. Only a variable can have it: other users can see command lines, and files are shared. */
  readonly isSecret?: true
  /** A file that contains only a secret: its content is masked in logs. */
  readonly isSecretFile?: true
}

interface TableEntry<T> {
  readonly kind: Kind<T>
  readonly meta: SettingMeta
}

function setting<T>(kind: Kind<T>, meta: SettingMeta): TableEntry<T> {
  return { kind, meta }
}

/** Formats of files. */
export const FORMATS = ['auto', 'ndjson', 'json', 'csv', 'avro', 'line-protocol'] as const

export const settingTable = {
  source: setting(kinds.oneOf('files', 'kafka'), {
    group: 'Input',
    help: 'Source of the points',
    derivedDefault: '`files` when an input is given, else `kafka`',
  }),
  input: setting(kinds.paths(), {
    group: 'Input',
    help: 'Files to read, - for standard input',
    isCommon: true,
    default: [],
  }),
  order: setting(kinds.oneOf('auto', 'time', 'any'), {
    group: 'Input',
    help: 'Order of the records in files',
    details:
      '`auto` reads the files once to find out; records that are not in order of time are first sorted by window, in the data directory. ' +
      '`time` skips the check: records that come after their window has closed are late. `any` always sorts. ' +
      'The result is the same whatever the order. Standard input is read as it comes, and is sorted with `any`, after its end.',
    default: 'auto',
  }),
  format: setting(kinds.oneOf(...FORMATS), {
    group: 'Input',
    help: 'Format of the input, or a preset such as telegraf',
    details:
      '`auto` detects it from the first bytes; `json` is an array of records, or values over several lines. ' +
      'On the command line, in variables and in the settings file it can also be the name of a preset: a settings file for a well-known tool, see input.md.',
    default: 'auto',
  }),
  fields: setting(fieldMapping(), {
    group: 'Input',
    help: 'How records are mapped to points',
    details:
      'The fields are `vmId`, `producer`, `metric`, `timestamp`, `seq` and `value`; list only those with another name. ' +
      'A field can be a path, a pattern, a constant or several parts, with a unit or a time zone, and a record can hold several metrics or points: see input.md. ' +
      '`null` for `producer` or `seq` means that records have none. Without `seq` a point is identified by its VM, metric and timestamp.',
    derivedDefault: 'the names of the fields of a point',
    isFileOnly: true,
  }),
  csv: setting(kinds.optional(csvDialect()), {
    group: 'Input',
    help: 'How files in CSV are written, if not with commas and a header',
    details: 'The options are `separator`, `trim`, `columns`, `comment`, `skip` and `tables`: see input.md.',
    default: null,
    isFileOnly: true,
  }),

  brokers: setting(kinds.brokerList(), {
    group: 'Kafka',
    help: 'Kafka brokers, as host:port,host:port',
    isCommon: true,
    default: [],
  }),
  topic: setting(kinds.optional(kinds.topicName()), {
    group: 'Kafka',
    help: 'Topic to read',
    isCommon: true,
    default: null,
  }),
  partitions: setting(kinds.wholeNumber(1, 1024), {
    group: 'Kafka',
    help: 'Partitions of files, and of topics that Windrow creates',
    details:
      'The points of files are distributed over this many partitions by VM. An existing topic keeps its own number.',
    default: 8,
  }),

  kafkaTls: setting(kinds.yesOrNo(), {
    group: 'Kafka',
    help: 'Use TLS to the brokers',
    details: 'Their certificates are verified with `kafkaCaFile`, or else with those that Node.js trusts.',
    derivedDefault: '`true` if a certificate or key file is given, else `false`',
  }),
  kafkaCaFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'CA certificates (PEM) that sign those of the brokers',
    default: null,
  }),
  kafkaCertFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'Client certificate (PEM)',
    details: 'Together with `kafkaKeyFile`.',
    default: null,
  }),
  kafkaKeyFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'Private key of the client certificate (PEM, without a passphrase)',
    default: null,
  }),
  kafkaSasl: setting(kinds.optional(kinds.oneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer')), {
    group: 'Kafka',
    help: 'SASL mechanism to authenticate with',
    details:
      '`plain` sends the password and `oauthbearer` a token, so both require TLS. `oauthbearer` requires `kafkaTokenFile` or `kafkaTokenUrl`. Event Hubs supports `oauthbearer`, and `plain` with the user `$ConnectionString`.',
    default: null,
  }),
  kafkaUsername: setting(kinds.optional(kinds.text('<name>', 'a name', /./)), {
    group: 'Kafka',
    help: 'User name for SASL; client id for a token server',
    default: null,
  }),
  kafkaPassword: setting(kinds.optional(kinds.secret()), {
    group: 'Kafka',
    help: 'Password for SASL',
    details: 'Or give `kafkaPasswordFile`.',
    default: null,
    isSecret: true,
  }),
  kafkaPasswordFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'File with the password for SASL',
    details: 'The first line is the password. Read at every start.',
    default: null,
    isSecretFile: true,
  }),
  kafkaTokenFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'File with the access token, renewed by another program',
    details:
      'For example the token of a Kubernetes service account. Re-read whenever a token is needed. With `kafkaTokenUrl`, it is sent to that server as a JWT client assertion instead of a secret.',
    default: null,
    isSecretFile: true,
  }),
  kafkaTokenUrl: setting(kinds.optional(kinds.secureUrl()), {
    group: 'Kafka',
    help: 'OAuth 2 endpoint that issues access tokens',
    details:
      'With client credentials: the client id is `kafkaUsername`, the secret is the password, or `kafkaTokenFile` replaces it. `http://` only on this machine.',
    default: null,
  }),
  kafkaScope: setting(kinds.optional(kinds.text('<scope>', 'a scope', /./)), {
    group: 'Kafka',
    help: 'Scope of the requested access token',
    default: null,
  }),

  schemaRegistry: setting(
    kinds.optional(kinds.text('<url>', 'an http:// or https:// address', /^https?:\/\/[^\s/]+(\/\S*)?$/)),
    {
      group: 'Kafka',
      help: 'Schema registry for records in Confluent framing',
      details:
        'May contain `user:password@`. Only records in this framing need it; without it, they become dead letters.',
      default: null,
    },
  ),

  window: setting(kinds.windowLength(), {
    group: 'Windows',
    help: 'Length of a window, or day, week, month',
    isCommon: true,
    details:
      'Windows of a duration are aligned to 1970-01-01T00:00Z plus `offset`. Days, weeks and months are those of `timeZone`, so days have 23 or 25 hours where its clock changes.',
    default: '1h',
  }),
  offsetMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'How far windows of a duration begin after its multiples',
    details: 'Below the window. With a window of 1d and an offset of 6h, windows begin at 06:00 UTC.',
    default: '0s',
  }),
  timeZone: setting(kinds.optional(kinds.timeZone()), {
    group: 'Windows',
    help: 'Time zone of the windows day, week and month',
    details: 'Required for them. Its borders come from the time zone data of Node.js; see concepts.md.',
    default: null,
  }),
  weekStart: setting(kinds.oneOf(...WEEKDAYS), {
    group: 'Windows',
    help: 'First day of the window week',
    default: 'monday',
  }),
  graceMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'Close incomplete windows this long after their end',
    isCommon: true,
    details: 'In event time: a quorum of VMs must pass the end of the window by this much.',
    default: '5m',
  }),
  quorum: setting(kinds.share(0.99), {
    group: 'Windows',
    help: 'Share of the VMs that must be past a window before its grace period ends',
    details:
      'More than this share of the VMs that the window waits for, so that one VM with a fast clock closes nothing. 0: one VM is enough.',
    default: 0.5,
  }),
  deadlineMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'The same in wall-clock time, if no points arrive',
    isCommon: true,
    details: 'At least `grace`. Counts from the end of the window, and from when the partition went quiet.',
    default: '10m',
  }),
  amendWindows: setting(kinds.wholeNumber(0, 100), {
    group: 'Windows',
    help: 'Closed windows that late points can still amend',
    details: 'Points for an older window are dead letters. States are kept for one window more than this.',
    default: 3,
  }),
  amendWithinMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'Longest time that late points wait for a commit',
    details: 'In wall-clock time. If a window closes first, its commit includes them. Not used for files.',
    default: '1m',
  }),
  rosterWindows: setting(kinds.wholeNumber(1, 1000), {
    group: 'Windows',
    help: 'Number of windows that wait for a silent VM',
    default: 3,
  }),
  stateWindows: setting(kinds.wholeNumber(1, 100_000), {
    group: 'Windows',
    help: 'Number of windows until the state of a silent VM is dropped',
    default: 24,
  }),
  expectEveryMs: setting(kinds.optional(kinds.duration(1)), {
    group: 'Windows',
    help: 'Expected interval between the points of each metric of a producer',
    details:
      'Defines the expected counts if producers send no manifests. Jitter of less than half an interval is allowed. It is at most as long as the window.',
    default: null,
  }),
  expectMetrics: setting(kinds.names(), {
    group: 'Windows',
    help: 'Metrics that --expect-every expects of every producer',
    details: 'If it is empty, the metrics that the producer sent before are expected.',
    default: [],
  }),
  producerRestarts: setting(kinds.oneOf('keep', 'replace'), {
    group: 'Windows',
    help: 'Whether a new producer of a VM replaces the earlier ones',
    details:
      'With replace, windows no longer wait for the earlier producers: right for agents that take a new name at every start. With keep, they do for rosterWindows windows. A point or a manifest can also say "replaces": true.',
    default: 'keep',
  }),
  maxAheadMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: "How far a timestamp may be ahead of the broker's clock",
    details:
      'Points further ahead are rejected, because they would close windows for all other VMs. Not used for files, nor for topics without `message.timestamp.type=LogAppendTime`: there, the run warns at its start, and `windrow status` notes it.',
    default: '5m',
  }),

  results: setting(kinds.sinks(), {
    group: 'Output',
    // One line: `windrow run --help` fits a small terminal.
    help: 'Destination of results: FILE.ndjson, kafka:TOPIC, …',
    isCommon: true,
    details:
      `One of ${formsOfSinks()}. ` +
      'Repeat the flag, or give a list in the file, to publish to several destinations; most kinds only once. ' +
      'results.md describes each kind and what it guarantees; events.md describes pub/sub components and bindings, postgres.md tables, parquet.md Parquet files, prometheus.md remote write, job-windows.md windows:.',
    derivedDefault: '`results.ndjson` in the data directory for files, `kafka:<job>-results` for Kafka',
  }),
  deadLetters: setting(kinds.sink(), {
    group: 'Output',
    help: 'Destination of rejected records',
    details: 'Each has the position, the reason and the first bytes of the record.',
    derivedDefault: '`dead-letters.ndjson` in the data directory, `kafka:<job>-dead-letters` if results go to Kafka',
  }),
  certificates: setting(kinds.sink(), {
    group: 'Output',
    help: 'Destination of certificates',
    details: 'One per closed window, published together with its results.',
    derivedDefault:
      '`<results>.certificates.ndjson` next to the results, `kafka:<job>-certificates` if results go to Kafka',
  }),

  job: setting(kinds.text('<name>', 'a name of 1 to 20 of a-z, 0-9 and _', /^[a-z0-9_]{1,20}$/), {
    group: 'Job',
    help: 'Job name; prefix of state keys and topics',
    isCommon: true,
    default: 'windrow',
  }),
  aggregator: setting(kinds.optional(kinds.text('<file>', 'rate, summary, or the path of an ES module', /./)), {
    group: 'Job',
    help: 'ES module that exports the aggregator to run, or rate',
    details:
      'Two aggregators are built in: summary and, for counters, rate. ' +
      'The default export of a module, or its export `aggregator`, is what `defineAggregator` returns, or a plain definition; see aggregators.md. ' +
      'The job is bound to its name and version. Without it, summary runs.',
    default: null,
  }),
  once: setting(kinds.yesOrNo(), {
    group: 'Job',
    help: 'Process the records present at startup, then exit',
    isCommon: true,
    details: 'Every window is closed and published before the exit. Always so for files.',
    derivedDefault: '`true` for files, `false` for Kafka',
  }),
  json: setting(kinds.yesOrNo(), {
    group: 'Job',
    help: 'Print the summary as one JSON line',
    isCommon: true,
    default: false,
  }),
  failOnDeadLetters: setting(kinds.yesOrNo(), {
    group: 'Job',
    help: 'Exit with code 1 if there are dead letters',
    default: false,
  }),
  allowAnyYear: setting(kinds.yesOrNo(), {
    group: 'Job',
    help: 'Accept implausible timestamps',
    details:
      'Without it, a timestamp after 2100, or one before 1990 that would be later in another unit, is rejected as `implausible-time`: seconds that are read as milliseconds are in 1970, microseconds in the year 58136. ' +
      'And a run with `--once` ends with INPUT_UNUSABLE if all points are before 1990 or more than a year ahead of the clock: ' +
      'usually their unit is wrong. For data whose times count from their own beginning.',
    default: false,
  }),
  dataDir: setting(kinds.text('<path>', 'a path', /./), {
    group: 'Job',
    help: 'Folder of the state; a run resumes from it',
    isCommon: true,
    default: '.windrow',
  }),
  healthPort: setting(kinds.optional(kinds.wholeNumber(1, 65_535)), {
    group: 'Job',
    help: 'Port of the health probes /livez and /readyz',
    details:
      'On all interfaces. `/livez` returns 200 while the event loop runs and not all partitions of the process are halted; `/readyz` while ' +
      'the process is a member of the consumer group, its worker is connected and its sidecar replies. Otherwise both return 503 with the reason as JSON.',
    default: null,
  }),
  logLevel: setting(kinds.oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'), {
    group: 'Job',
    help: 'Lowest level of log lines on standard error',
    details: 'JSON lines, instead of the progress display.',
    default: 'silent',
  }),

  sidecar: setting(kinds.oneOf('embedded', 'dapr'), {
    group: 'Sidecar',
    help: 'Dapr sidecar: embedded, or dapr for a daprd',
    isCommon: true,
    details: 'The embedded sidecar runs in this process and stores its state in the data directory, for one machine.',
    default: 'embedded',
  }),
  daprHost: setting(kinds.text('<host>', 'a host name or address', /^[^\s/]+$/), {
    group: 'Sidecar',
    help: 'Host of the daprd',
    default: '127.0.0.1',
  }),
  daprGrpcPort: setting(kinds.wholeNumber(1, 65_535), {
    group: 'Sidecar',
    help: 'Port of the daprd for gRPC',
    default: 50_001,
    alsoEnv: 'DAPR_GRPC_PORT',
  }),
  daprHttpPort: setting(kinds.wholeNumber(1, 65_535), {
    group: 'Sidecar',
    help: 'Port of the daprd for HTTP',
    details: 'Used to call apps, see notify: in events.md.',
    default: 3500,
    alsoEnv: 'DAPR_HTTP_PORT',
  }),
  notifyTimeoutMs: setting(kinds.duration(1), {
    group: 'Sidecar',
    help: 'How long an app that is notified may take to answer',
    default: '10s',
  }),
  daprApiToken: setting(kinds.optional(kinds.secret()), {
    group: 'Sidecar',
    help: 'Token that the daprd requires (`dapr-api-token`)',
    default: null,
    alsoEnv: 'DAPR_API_TOKEN',
    isSecret: true,
  }),
  stateStore: setting(kinds.text('<name>', 'the name of a Dapr state store component', /^[a-zA-Z0-9._-]+$/), {
    group: 'Sidecar',
    help: 'Dapr component that stores the state',
    default: 'statestore',
  }),
  vmsPerWorkflow: setting(kinds.orAuto(kinds.wholeNumber(1, 1000)), {
    group: 'Sidecar',
    help: 'VM windows per workflow instance',
    details:
      '`auto` gives each VM window an instance of its own while the partition keeps up and closes its windows within `closeWithin`, and larger groups ' +
      'while it lags, recovers or replays, and for inputs that are read once: the cost of an instance does not depend on how many it has. ' +
      'A number fixes it. In any case only as many share an instance as `maxValueBytes` is sure to hold: 31. No result depends on it.',
    default: 'auto',
  }),
  closeWithinMs: setting(kinds.duration(1000), {
    group: 'Sidecar',
    help: 'How long the close of a window may take',
    details:
      'With `vmsPerWorkflow: auto`, a partition whose closes take longer closes several VM windows per instance, and so does one that has not read all of its log for so long.',
    derivedDefault: 'a twentieth of `window`, from 1s to 1m',
  }),
  maxInFlight: setting(kinds.wholeNumber(1, 1000), {
    group: 'Sidecar',
    help: 'VM window workflows in flight at once',
    details: 'At most 90 with a daprd, because version 1.18.2 can deadlock above 100 (docs/operating/upgrade.md).',
    default: 48,
  }),

  metricsPort: setting(kinds.optional(kinds.wholeNumber(1, 65_535)), {
    group: 'Telemetry',
    help: 'Port that serves metrics to Prometheus, at /metrics',
    details: 'The metrics are listed in metrics.md. Without a port, none are collected.',
    default: null,
  }),
  metricsHost: setting(kinds.text('<host>', 'a host name or address', /^[^\s/]+$/), {
    group: 'Telemetry',
    help: 'Address of the metrics endpoint',
    details: '`0.0.0.0` for all interfaces. The endpoint has no authentication.',
    default: '127.0.0.1',
  }),
  otlpEndpoint: setting(
    kinds.optional(kinds.text('<url>', 'an http:// or https:// address', /^https?:\/\/[^\s/]+(\/\S*)?$/)),
    {
      group: 'Telemetry',
      help: 'OpenTelemetry collector for traces (OTLP over HTTP)',
      details: '`/v1/traces` is appended. Without it, nothing is traced.',
      default: null,
      alsoEnv: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    },
  ),
  traceSampling: setting(kinds.share(), {
    group: 'Telemetry',
    help: 'Share of the partition windows that are traced',
    default: 1,
  }),
  traceVmSampling: setting(kinds.share(), {
    group: 'Telemetry',
    help: 'Share of the VM window workflows of a traced window with spans of their own',
    details:
      'Includes the first workflow of each traced window, unless it is 0. One workflow may close several VM windows, see `vmsPerWorkflow`.',
    default: 0.01,
  }),

  checkpointEvery: setting(kinds.wholeNumber(1, 1_000_000_000), {
    group: 'Limits',
    help: 'Records between checkpoints of a partition',
    details: 'Limits how many records are re-read after a crash.',
    default: 200_000,
  }),
  maxSeqSpan: setting(kinds.wholeNumber(1, 10_000_000), {
    group: 'Limits',
    help: 'Largest distance between two seqs in a VM window',
    details: 'Points beyond it are rejected, which limits memory and state.',
    default: 100_000,
  }),
  maxMetricsPerVm: setting(kinds.wholeNumber(1, 10_000), {
    group: 'Limits',
    help: 'Largest number of metrics in a VM window',
    details: 'Points of any others are rejected.',
    default: 16,
  }),
  maxProducersPerVm: setting(kinds.wholeNumber(1, 1000), {
    group: 'Limits',
    help: 'Largest number of producers in a VM window',
    details: 'Points of any others are rejected.',
    default: 8,
  }),
  maxValueBytes: setting(kinds.size(16 * 1024, 64 * 1024 ** 2), {
    group: 'Limits',
    help: 'Largest value that the state store accepts',
    default: '1MiB',
  }),

  listen: setting(kinds.listenAddress(), {
    group: 'Gateway',
    help: 'Address to listen on',
    isCommon: true,
    details: 'An address reachable from other machines requires tokens or `--open-to-all`. Port 0 selects a free port.',
    default: '127.0.0.1:8080',
  }),
  tokensFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Gateway',
    help: 'Authorized clients: lines NAME TOKEN',
    isCommon: true,
    default: null,
  }),
  openToAll: setting(kinds.yesOrNo(), {
    group: 'Gateway',
    help: 'Accept requests without a token',
    isCommon: true,
    default: false,
  }),
  pointsPerSecond: setting(kinds.optional(kinds.wholeNumber(1, 1_000_000_000)), {
    group: 'Gateway',
    help: 'Items per second and client',
    isCommon: true,
    details: 'A client is the name of a token or, without tokens, an address. Further requests get 429.',
    default: null,
  }),
  vmAttributes: setting(kinds.names(), {
    group: 'Gateway',
    help: 'Attributes that name the VM of pushed metrics',
    details: 'For OTLP and remote write. The first attribute or label that a data point or its resource has is its VM.',
    default: ['host.name', 'instance', 'service.instance.id'],
  }),
  producerAttributes: setting(kinds.names(), {
    group: 'Gateway',
    help: 'Attributes that name the producer of pushed metrics',
    details: 'Those that a data point or its resource has, joined with /, without the one that is its VM.',
    default: ['service.namespace', 'service.name', 'service.instance.id', 'job'],
  }),
  maxBodyBytes: setting(kinds.size(1024, 256 * 1024 ** 2), {
    group: 'Gateway',
    help: 'Largest request body, both compressed and decompressed',
    default: '8MiB',
  }),
  maxItems: setting(kinds.wholeNumber(1, 1_000_000), {
    group: 'Gateway',
    help: 'Largest number of items per request',
    default: 10_000,
  }),
  maxPendingBytes: setting(kinds.size(1024 ** 2, 64 * 1024 ** 3), {
    group: 'Gateway',
    help: 'Bytes of requests that may wait for Kafka',
    details: 'Further requests get 503. At least `maxBodyBytes`.',
    default: '128MiB',
  }),
  requestTimeoutMs: setting(kinds.duration(100), {
    group: 'Gateway',
    help: 'Time limit for receiving a request',
    default: '30s',
  }),
  ackTimeoutMs: setting(kinds.duration(100), {
    group: 'Gateway',
    help: 'Time limit for the acknowledgement of Kafka',
    details: 'After it, the request gets 503: it is unknown whether everything was stored.',
    default: '20s',
  }),
}

/** The resolved configuration: complete, with every rule between settings checked. Times in ms, sizes in bytes. */
export type Config = {
  readonly [Key in SettingKey]: (typeof settingTable)[Key] extends TableEntry<infer Value> ? Value : never
}
export type SettingKey = keyof typeof settingTable
