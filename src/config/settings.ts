/**
 * Every setting, once: its type, default and help. Names follow from the key: `graceMs` is the flag `--grace`, the
 * variable `WINDROW_GRACE` and the key `grace` of the configuration file. The reference in docs/reference/settings.md is
 * written from this table.
 */
import { z } from 'zod'
import { fieldMapping } from './field-mapping.ts'
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'

export type Group = 'Input' | 'Kafka' | 'Windows' | 'Output' | 'Job' | 'Sidecar' | 'Telemetry' | 'Limits' | 'Gateway'

export interface SettingMeta {
  readonly group: Group
  /** One line for `--help`; a setting without `isCommon` is accepted as a flag but left out there. */
  readonly help: string
  readonly isCommon?: true
  /** What the reference says beyond `help`. */
  readonly details?: string
  /** As one would write it; `null` is none. Left out where it follows from other settings, see `derivedDefault`. */
  readonly default?: string | number | boolean | null | readonly string[]
  /** The default in words, where other settings decide it (src/config/defaults.ts). */
  readonly derivedDefault?: string
  /** Further variables that are honoured, after the one that the name gives. */
  readonly alsoEnv?: string
  /** An object, which neither a flag nor a variable can carry. */
  readonly isFileOnly?: true
  /** A password or a token: never shown, and masked in logs. Only a variable gives it: others see command lines, and files are shared. */
  readonly isSecret?: true
  /** A file that holds nothing but a secret: its content is masked in logs. */
  readonly isSecretFile?: true
}

export const settingMeta = z.registry<SettingMeta & Pick<Kind<unknown>, 'expects' | 'placeholder'>>()

function setting<T>(kind: Kind<T>, meta: SettingMeta): z.ZodType<T> {
  return kind.schema.register(settingMeta, { ...meta, expects: kind.expects, placeholder: kind.placeholder })
}

export const configSchema = z.object({
  source: setting(kinds.oneOf('files', 'kafka'), {
    group: 'Input',
    help: 'Where points come from',
    derivedDefault: '`files` when an input is given, else `kafka`',
  }),
  input: setting(kinds.paths(), {
    group: 'Input',
    help: 'Files to read, - for standard input',
    isCommon: true,
    default: [],
  }),
  order: setting(kinds.oneOf('time', 'any'), {
    group: 'Input',
    help: 'Whether files are in order of time',
    details: 'With `any`, windows close at the end of the input only.',
    derivedDefault: '`any` for several files (a pattern or a folder too), else `time`',
  }),
  format: setting(kinds.oneOf('auto', 'ndjson', 'csv', 'avro'), {
    group: 'Input',
    help: 'Format of the input',
    details: '`auto` looks at the first bytes.',
    default: 'auto',
  }),
  fields: setting(fieldMapping(), {
    group: 'Input',
    help: 'Names of the fields of a point, where they differ',
    details:
      'The fields are `vmId`, `producer`, `metric`, `timestamp`, `seq` and `value`; name those that are called otherwise. ' +
      '`null` for `producer` or `seq` says that records have none: without `seq` there is no deduplication and no proof of completeness.',
    derivedDefault: 'every field has its own name',
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
    help: 'Partitions of files and of topics that are created',
    details: 'Files are spread over as many partitions by VM; a topic that is there keeps its own number.',
    default: 8,
  }),

  kafkaTls: setting(kinds.yesOrNo(), {
    group: 'Kafka',
    help: 'Speak TLS to the brokers',
    details: 'Their certificates are checked against `kafkaCaFile`, else against those that Node.js trusts.',
    derivedDefault: '`true` when one of its files is given, else `false`',
  }),
  kafkaCaFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'Certificates (PEM) that sign those of the brokers',
    default: null,
  }),
  kafkaCertFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'Certificate (PEM) that this client shows to the brokers',
    details: 'Together with `kafkaKeyFile`.',
    default: null,
  }),
  kafkaKeyFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'Private key (PEM, without a passphrase) of that certificate',
    default: null,
  }),
  kafkaSasl: setting(kinds.optional(kinds.oneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer')), {
    group: 'Kafka',
    help: 'SASL mechanism by which this client says who it is',
    details:
      '`plain` sends the password as it is, and `oauthbearer` a token, so both go with TLS only. `oauthbearer` takes a `kafkaTokenFile`, or a `kafkaTokenUrl`, and then no secret need be anywhere. Event Hubs takes `oauthbearer`, and `plain` with the user `$ConnectionString`.',
    default: null,
  }),
  kafkaUsername: setting(kinds.optional(kinds.text('<name>', 'a name', /./)), {
    group: 'Kafka',
    help: 'User name for SASL; client id for a token',
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
    details: 'Its first line is the password. Read anew for every connection that is opened at a start.',
    default: null,
    isSecretFile: true,
  }),
  kafkaTokenFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Kafka',
    help: 'File with the access token, kept fresh by others',
    details:
      'Read anew whenever a token is needed, such as that of a Kubernetes service account. With `kafkaTokenUrl` it is what proves there who this is (a JWT client assertion), in the place of a secret.',
    default: null,
    isSecretFile: true,
  }),
  kafkaTokenUrl: setting(kinds.optional(kinds.secureUrl()), {
    group: 'Kafka',
    help: 'OAuth 2 server that gives out access tokens',
    details:
      'By client credentials: the client id is `kafkaUsername`, its secret the password, or `kafkaTokenFile` instead of one. `http://` on this machine alone.',
    default: null,
  }),
  kafkaScope: setting(kinds.optional(kinds.text('<scope>', 'a scope', /./)), {
    group: 'Kafka',
    help: 'Scope of the access token that is asked for',
    default: null,
  }),

  schemaRegistry: setting(
    kinds.optional(kinds.text('<url>', 'an http:// or https:// address', /^https?:\/\/[^\s/]+(\/\S*)?$/)),
    {
      group: 'Kafka',
      help: 'Schema registry for records in Confluent framing',
      details:
        'May carry `user:password@`. Records of the other formats do without one; without it those in this framing are dead letters.',
      default: null,
    },
  ),

  windowMs: setting(kinds.duration(1), {
    group: 'Windows',
    help: 'Length of a window',
    isCommon: true,
    default: '1h',
  }),
  graceMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'Event time after which a window is not waited for',
    isCommon: true,
    details: 'An incomplete window closes when the watermark passes its end by so much.',
    default: '5m',
  }),
  quorum: setting(kinds.share(0.99), {
    group: 'Windows',
    help: 'Share of the VMs that must be past a window before its grace period ends',
    details:
      'More than this share of the VMs that the window waits for. So one VM with a fast clock closes nothing. 0: one VM is enough.',
    default: 0.5,
  }),
  deadlineMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'The same in wall-clock time, when points stop',
    isCommon: true,
    details: 'At least the grace.',
    default: '10m',
  }),
  amendWindows: setting(kinds.wholeNumber(0, 100), {
    group: 'Windows',
    help: 'Closed windows that late points can still amend',
    details: 'What comes for an older one is a dead letter. States of one window more than these are kept.',
    default: 3,
  }),
  amendWithinMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'Longest time that late points wait for a commit',
    details: 'In wall-clock time. The next window that closes takes them along if it comes first. Not used for files.',
    default: '1m',
  }),
  rosterWindows: setting(kinds.wholeNumber(1, 1000), {
    group: 'Windows',
    help: 'Windows for which a silent VM is waited for',
    default: 3,
  }),
  stateWindows: setting(kinds.wholeNumber(1, 100_000), {
    group: 'Windows',
    help: 'Windows after which the state of a silent VM is dropped',
    default: 24,
  }),
  expectEveryMs: setting(kinds.optional(kinds.duration(1)), {
    group: 'Windows',
    help: 'One point of every producer is expected each so long',
    details: 'Gives the expected counts where producers send no manifests. Divides the window evenly.',
    default: null,
  }),
  maxAheadMs: setting(kinds.duration(0), {
    group: 'Windows',
    help: 'How far a timestamp may be ahead of the broker',
    details:
      'Points further ahead are rejected, since they would close windows for all others. Off for files, and for topics without LogAppendTime.',
    default: '5m',
  }),

  results: setting(kinds.sinks(), {
    group: 'Output',
    help: 'Where results go: FILE.ndjson or kafka:TOPIC',
    isCommon: true,
    details:
      'Repeat the flag, or give a list in the file, to publish to several destinations; at most one file and one topic.',
    derivedDefault: '`results.ndjson` in the data directory for files, `kafka:<job>-results` for Kafka',
  }),
  deadLetters: setting(kinds.sink(), {
    group: 'Output',
    help: 'Where refused records go: FILE.ndjson or kafka:TOPIC',
    details: 'Each carries its place, its reason and the first of its bytes.',
    derivedDefault: '`dead-letters.ndjson` in the data directory, `kafka:<job>-dead-letters` where results go to Kafka',
  }),
  certificates: setting(kinds.sink(), {
    group: 'Output',
    help: 'Where certificates go: FILE.ndjson or kafka:TOPIC',
    details: 'One for each window that closes, published together with its results.',
    derivedDefault:
      '`<results>.certificates.ndjson` beside the results, `kafka:<job>-certificates` where results go to Kafka',
  }),

  job: setting(kinds.text('<name>', 'a name of 1 to 20 of a-z, 0-9 and _', /^[a-z0-9_]{1,20}$/), {
    group: 'Job',
    help: 'Name that state and topics of the job carry',
    isCommon: true,
    default: 'windrow',
  }),
  aggregator: setting(kinds.optional(kinds.text('<file>', 'the path of an ES module', /./)), {
    group: 'Job',
    help: 'ES module that exports the aggregator to run',
    details:
      'Its default export, or its export `aggregator`, is what `defineAggregator` returns, or a plain definition; see aggregators.md. ' +
      'The job is bound to its name and version. Without it, the built-in `summary` runs.',
    default: null,
  }),
  once: setting(kinds.yesOrNo(), {
    group: 'Job',
    help: 'End when what was there at the start is done',
    isCommon: true,
    details: 'Every window is then closed and published. Files are always read so.',
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
    help: 'End with exit code 1 when there are dead letters',
    default: false,
  }),
  dataDir: setting(kinds.text('<path>', 'a path', /./), {
    group: 'Job',
    help: 'Where state is kept; a run resumes there',
    isCommon: true,
    default: '.windrow',
  }),
  healthPort: setting(kinds.optional(kinds.wholeNumber(1, 65_535)), {
    group: 'Job',
    help: 'Port that answers probes: /livez and /readyz',
    details:
      'On all interfaces. `/livez` is 200 while the event loop turns and not all partitions of the process are halted; `/readyz` while ' +
      'the consumer group counts the process in, its worker is connected and its sidecar answers. Both say why not, as JSON, with 503.',
    default: null,
  }),
  logLevel: setting(kinds.oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'), {
    group: 'Job',
    help: 'Least level of log lines on standard error',
    details: 'JSON lines, in the place of the progress display.',
    default: 'silent',
  }),

  sidecar: setting(kinds.oneOf('embedded', 'dapr'), {
    group: 'Sidecar',
    help: 'Dapr sidecar: embedded, or dapr for a daprd',
    isCommon: true,
    details: 'The embedded one runs in this process and keeps its state in the data directory: for one machine.',
    default: 'embedded',
  }),
  daprHost: setting(kinds.text('<host>', 'a host name or address', /^[^\s/]+$/), {
    group: 'Sidecar',
    help: 'Host of the daprd',
    default: '127.0.0.1',
  }),
  daprGrpcPort: setting(kinds.wholeNumber(1, 65_535), {
    group: 'Sidecar',
    help: 'Port on which the daprd speaks gRPC',
    default: 50_001,
    alsoEnv: 'DAPR_GRPC_PORT',
  }),
  daprApiToken: setting(kinds.optional(kinds.secret()), {
    group: 'Sidecar',
    help: 'Token that the daprd asks for (`dapr-api-token`)',
    default: null,
    alsoEnv: 'DAPR_API_TOKEN',
    isSecret: true,
  }),
  stateStore: setting(kinds.text('<name>', 'the name of a Dapr state store component', /^[a-zA-Z0-9._-]+$/), {
    group: 'Sidecar',
    help: 'Dapr component that keeps the state',
    default: 'statestore',
  }),
  vmsPerWorkflow: setting(kinds.wholeNumber(1, 1000), {
    group: 'Sidecar',
    help: 'VM windows that one workflow instance carries',
    details: 'Above 1 for replays and large lags: an instance costs the same whatever it carries.',
    default: 1,
  }),
  maxInFlight: setting(kinds.wholeNumber(1, 1000), {
    group: 'Sidecar',
    help: 'VM window workflows in flight at once',
    details: 'At most 90 with a daprd, which can deadlock above 100.',
    default: 48,
  }),

  metricsPort: setting(kinds.optional(kinds.wholeNumber(1, 65_535)), {
    group: 'Telemetry',
    help: 'Port that serves metrics to Prometheus, at /metrics',
    details: 'What there is: metrics.md. Without it no metric is kept.',
    default: null,
  }),
  metricsHost: setting(kinds.text('<host>', 'a host name or address', /^[^\s/]+$/), {
    group: 'Telemetry',
    help: 'Address on which metrics are served',
    details: '`0.0.0.0` for all; there is no password.',
    default: '127.0.0.1',
  }),
  otlpEndpoint: setting(
    kinds.optional(kinds.text('<url>', 'an http:// or https:// address', /^https?:\/\/[^\s/]+(\/\S*)?$/)),
    {
      group: 'Telemetry',
      help: 'OpenTelemetry collector that gets traces, by OTLP over HTTP',
      details: '`/v1/traces` is added to it. Without it nothing is traced.',
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
    help: 'Share of the VM windows of a traced window with spans of their own',
    details: 'The first of a window is among them, unless it is 0.',
    default: 0.01,
  }),

  checkpointEvery: setting(kinds.wholeNumber(1, 1_000_000_000), {
    group: 'Limits',
    help: 'Records between checkpoints of a partition',
    details: 'Bounds what is read again after a crash.',
    default: 200_000,
  }),
  maxSeqSpan: setting(kinds.wholeNumber(1, 10_000_000), {
    group: 'Limits',
    help: 'Distance of the lowest and highest seq in a VM window',
    details: 'Points beyond it are rejected, which bounds memory and state.',
    default: 100_000,
  }),
  maxMetricsPerVm: setting(kinds.wholeNumber(1, 10_000), {
    group: 'Limits',
    help: 'Metrics in a VM window',
    details: 'Points of further ones are rejected.',
    default: 16,
  }),
  maxProducersPerVm: setting(kinds.wholeNumber(1, 1000), {
    group: 'Limits',
    help: 'Producers in a VM window',
    details: 'Points of further ones are rejected.',
    default: 8,
  }),
  maxValueBytes: setting(kinds.size(16 * 1024, 64 * 1024 ** 2), {
    group: 'Limits',
    help: 'Largest value that the state store takes',
    default: '1MiB',
  }),

  listen: setting(kinds.listenAddress(), {
    group: 'Gateway',
    help: 'Where to listen, as host:port',
    isCommon: true,
    details: 'Beyond this machine only with tokens, or with `--open-to-all`. Port 0 takes a free one.',
    default: '127.0.0.1:8080',
  }),
  tokensFile: setting(kinds.optional(kinds.text('<path>', 'a path', /./)), {
    group: 'Gateway',
    help: 'Clients that are let in: lines NAME TOKEN',
    isCommon: true,
    default: null,
  }),
  openToAll: setting(kinds.yesOrNo(), {
    group: 'Gateway',
    help: 'Let everyone in who reaches the port',
    isCommon: true,
    default: false,
  }),
  pointsPerSecond: setting(kinds.optional(kinds.wholeNumber(1, 1_000_000_000)), {
    group: 'Gateway',
    help: 'Items a second for each client',
    isCommon: true,
    details: 'A client is whom a token names, or an address where there are no tokens. Beyond it the answer is 429.',
    default: null,
  }),
  maxBodyBytes: setting(kinds.size(1024, 256 * 1024 ** 2), {
    group: 'Gateway',
    help: 'Largest body of a request, packed and unpacked',
    default: '8MiB',
  }),
  maxItems: setting(kinds.wholeNumber(1, 1_000_000), {
    group: 'Gateway',
    help: 'Items in a request',
    default: 10_000,
  }),
  maxPendingBytes: setting(kinds.size(1024 ** 2, 64 * 1024 ** 3), {
    group: 'Gateway',
    help: 'Bytes of requests that may wait for Kafka',
    details: 'Beyond it the answer is 503. At least `maxBodyBytes`.',
    default: '128MiB',
  }),
  requestTimeoutMs: setting(kinds.duration(100), {
    group: 'Gateway',
    help: 'In which a request must have come whole',
    default: '30s',
  }),
  ackTimeoutMs: setting(kinds.duration(100), {
    group: 'Gateway',
    help: 'In which Kafka must have acknowledged',
    details: 'After it the answer is 503: it is not known whether all was stored.',
    default: '20s',
  }),
})

/** The resolved configuration: complete, plain, every relation between settings checked. Times in ms, sizes in bytes. */
export type Config = Readonly<z.output<typeof configSchema>>
export type SettingKey = keyof Config
