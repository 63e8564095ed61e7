/** Precedence of the sources of settings, derived defaults, and the report of every problem with its place. */
import { describe, expect, test } from 'vitest'
import { resolveConfig, type ConfigSources } from '../../src/config/resolve.ts'
import type { Config } from '../../src/config/settings.ts'
import { parseConfigFile } from '../../src/config/yaml-file.ts'
import { ConfigurationError, type ConfigurationProblem } from '../../src/errors/index.ts'
import { fileSetting } from '../../src/sinks/files/setting.ts'
import { topicSetting } from '../../src/sinks/kafka/setting.ts'

interface Given {
  readonly flags?: ConfigSources['flags']
  readonly env?: ConfigSources['env']
  readonly file?: string
}

function resolve({ flags = {}, env = {}, file }: Given): Config {
  return resolveConfig({ flags, env, file: file === undefined ? null : parseConfigFile('windrow.yaml', file) })
}

function problemsOf(given: Given): readonly ConfigurationProblem[] {
  try {
    resolve(given)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const INPUT = { input: ['points.ndjson'] }
const KAFKA = { brokers: 'localhost:9092', topic: 'vm' }

test('one input and nothing else gives the documented configuration', () => {
  expect(resolve({ flags: INPUT })).toEqual({
    source: 'files',
    input: ['points.ndjson'],
    order: 'auto',
    format: 'auto',
    fields: {
      vmId: 'vmId',
      producer: 'producer',
      metric: 'metric',
      timestamp: 'timestamp',
      seq: 'seq',
      value: 'value',
    },
    csv: null,
    brokers: [],
    topic: null,
    partitions: 8,
    kafkaTls: false,
    kafkaCaFile: null,
    kafkaCertFile: null,
    kafkaKeyFile: null,
    kafkaSasl: null,
    kafkaUsername: null,
    kafkaPassword: null,
    kafkaPasswordFile: null,
    kafkaTokenFile: null,
    kafkaTokenUrl: null,
    kafkaScope: null,
    schemaRegistry: null,
    window: 3_600_000,
    offsetMs: 0,
    timeZone: null,
    weekStart: 'monday',
    graceMs: 300_000,
    quorum: 0.5,
    deadlineMs: 600_000,
    amendWindows: 3,
    amendWithinMs: 60_000,
    rosterWindows: 3,
    stateWindows: 24,
    expectEveryMs: null,
    expectMetrics: [],
    producerRestarts: 'keep',
    maxAheadMs: 300_000,
    results: [fileSetting('.windrow/results.ndjson')],
    deadLetters: fileSetting('.windrow/dead-letters.ndjson'),
    certificates: fileSetting('.windrow/results.certificates.ndjson'),
    job: 'windrow',
    aggregator: null,
    once: true,
    json: false,
    failOnDeadLetters: false,
    allowAnyYear: false,
    dataDir: '.windrow',
    healthPort: null,
    logLevel: 'silent',
    sidecar: 'embedded',
    daprHost: '127.0.0.1',
    daprGrpcPort: 50_001,
    daprHttpPort: 3500,
    notifyTimeoutMs: 10_000,
    daprApiToken: null,
    stateStore: 'statestore',
    vmsPerWorkflow: 'auto',
    closeWithinMs: 60_000,
    maxInFlight: 48,
    metricsPort: null,
    metricsHost: '127.0.0.1',
    otlpEndpoint: null,
    traceSampling: 1,
    traceVmSampling: 0.01,
    checkpointEvery: 200_000,
    maxSeqSpan: 100_000,
    maxMetricsPerVm: 16,
    maxProducersPerVm: 8,
    maxValueBytes: 1_048_576,
    listen: { host: '127.0.0.1', port: 8080 },
    tokensFile: null,
    openToAll: false,
    pointsPerSecond: null,
    vmAttributes: ['host.name', 'instance', 'service.instance.id'],
    producerAttributes: ['service.namespace', 'service.name', 'service.instance.id', 'job'],
    maxBodyBytes: 8 * 1_048_576,
    maxItems: 10_000,
    maxPendingBytes: 128 * 1_048_576,
    requestTimeoutMs: 30_000,
    ackTimeoutMs: 20_000,
  } satisfies Config)
})

describe('precedence', () => {
  const flags = { ...INPUT, window: '1h' }
  const env = { WINDROW_WINDOW: '2h' }
  const file = 'window: 3h'
  test.each<[string, Given, number]>([
    ['a flag wins over all', { flags, env, file }, 1],
    ['a variable wins over the file', { flags: INPUT, env, file }, 2],
    ['the file wins over the default', { flags: INPUT, file }, 3],
    ['an empty variable counts as not set', { flags: INPUT, env: { WINDROW_WINDOW: '' }, file }, 3],
  ])('%s', (_, given, hours) => {
    expect(resolve(given).window).toBe(hours * 3_600_000)
  })

  test('a switch in the file can be turned off by a flag and by a variable', () => {
    const on = 'json: true'
    expect(resolve({ flags: INPUT, file: on }).json).toBe(true)
    expect(resolve({ flags: { ...INPUT, json: false }, file: on }).json).toBe(false)
    expect(resolve({ flags: INPUT, env: { WINDROW_JSON: '0' }, file: on }).json).toBe(false)
  })

  test("Dapr's own port variable is honoured, after Windrow's", () => {
    expect(resolve({ flags: INPUT, env: { DAPR_GRPC_PORT: '3501' } }).daprGrpcPort).toBe(3501)
    expect(
      resolve({ flags: INPUT, env: { DAPR_GRPC_PORT: '3501', WINDROW_DAPR_GRPC_PORT: '3502' } }).daprGrpcPort,
    ).toBe(3502)
  })

  test('variables that are not settings are ignored', () => {
    expect(problemsOf({ flags: INPUT, env: { WINDROW_SERVICE_HOST: '10.0.0.1', WINDROW_DEBUG: '1' } })).toEqual([])
  })
})

test.each<[string, Given, Partial<Config>]>([
  ['an input makes files the source', { flags: INPUT }, { source: 'files', once: true, order: 'auto' }],
  ['brokers and topic make Kafka the source', { flags: KAFKA }, { source: 'kafka', once: false }],
  ['an input wins over brokers and topic', { flags: { ...INPUT, ...KAFKA } }, { source: 'files' }],
  ['a given order is kept', { flags: { input: ['a', 'b'], order: 'time' } }, { order: 'time' }],
  ['Kafka with --once', { flags: { ...KAFKA, once: true } }, { once: true }],
  [
    'output follows the data directory',
    { flags: INPUT, env: { WINDROW_DATA_DIR: '/var/w' } },
    {
      results: [fileSetting('/var/w/results.ndjson')],
      deadLetters: fileSetting('/var/w/dead-letters.ndjson'),
    },
  ],
  [
    'results of files may go to Kafka',
    { flags: { ...INPUT, brokers: 'kafka:9092', results: 'kafka:out' } },
    { source: 'files', results: [topicSetting('out')], certificates: topicSetting('windrow-certificates') },
  ],
  [
    'results may go to several destinations; the first takes dead letters and certificates by default',
    { flags: { ...KAFKA, results: ['out.ndjson', 'kafka:out'] } },
    { results: [fileSetting('out.ndjson'), topicSetting('out')], certificates: fileSetting('out.certificates.ndjson') },
  ],
  ['an expected cadence may be null in the file', { flags: INPUT, file: 'expectEvery: null' }, { expectEveryMs: null }],
  [
    'days of a time zone',
    { flags: { ...INPUT, window: 'day', timeZone: 'UTC' } },
    { window: 'day', closeWithinMs: 60_000 },
  ],
  ['windows with an offset', { flags: { ...INPUT, window: '1d', offset: '6h' } }, { offsetMs: 21_600_000 }],
  ['a deadline may equal the grace', { flags: { ...INPUT, grace: '5m', deadline: '5m' } }, { deadlineMs: 300_000 }],
  [
    '90 workflows may be in flight on a daprd',
    { flags: { ...INPUT, sidecar: 'dapr', maxInFlight: '90' } },
    { maxInFlight: 90 },
  ],
  ['more may be in flight in this process', { flags: { ...INPUT, maxInFlight: '200' } }, { maxInFlight: 200 }],
])('%s', (_, given, expected) => {
  expect(resolve(given)).toMatchObject(expected)
})

/** Settings, and the expected problems: place and beginning of the message. */
const PROBLEMS: readonly (readonly [Given, readonly (readonly [place: string, problem: string])[]])[] = [
  [{}, [['--input', 'no input is given']]],
  [
    { flags: { source: 'kafka' } },
    [
      ['--brokers', 'Kafka requires brokers'],
      ['--topic', 'Kafka requires a topic'],
    ],
  ],
  [{ flags: { topic: 'vm' } }, [['--brokers', 'Kafka requires brokers']]],
  [{ file: 'brokers: a:1' }, [['--topic', 'Kafka requires a topic']]],
  [{ env: { WINDROW_SOURCE: 'files' } }, [['--input', 'the source is files, but none is given']]],
  [{ flags: { ...KAFKA, ...INPUT, source: 'kafka' } }, [['--input', 'the source is Kafka, but an input is given too']]],
  [{ flags: { ...KAFKA, format: 'csv' } }, [['--format', 'csv is read from files only']]],
  [{ flags: INPUT, file: 'once: false' }, [['windrow.yaml:1 once', 'files are always read once']]],
  [{ flags: { input: ['-', 'a', '-'] } }, [['--input', 'standard input is named more than once']]],
  [{ flags: { ...INPUT, deadline: '1m' } }, [['--deadline', 'the deadline of 1m is below the grace of 5m']]],
  [{ flags: { ...INPUT, grace: '20m' } }, [['--deadline', 'the deadline of 10m is below the grace of 20m']]],
  [
    { flags: INPUT, env: { WINDROW_EXPECT_EVERY: '2h' } },
    [['WINDROW_EXPECT_EVERY', '2h is longer than the window of 1h']],
  ],
  [{ flags: { ...INPUT, expectEvery: '2h' } }, [['--expect-every', '2h is longer than the window of 1h']]],
  [
    { flags: { ...INPUT, window: 'day', timeZone: 'UTC', expectEvery: '23h' } },
    [['--expect-every', '23h is longer than the window of a day, which may have 22h']],
  ],
  [{ flags: { ...INPUT, window: 'day' } }, [['--time-zone', 'windows of a day require a time zone']]],
  [{ flags: { ...INPUT, timeZone: 'UTC' } }, [['--time-zone', 'windows of 1h have no time zone']]],
  [
    { flags: { ...INPUT, window: 'day', timeZone: 'Europe/Berln' } },
    [['--time-zone', '"Europe/Berln" is not a time zone that Node.js knows']],
  ],
  [{ flags: { ...INPUT, weekStart: 'sunday' } }, [['--week-start', 'only the window week has a first day']]],
  [{ flags: { ...INPUT, window: 'year' } }, [['--window', '"year" is not a duration']]],
  [{ flags: { ...INPUT, offset: '1h' } }, [['--offset', 'the offset of 1h is not below the window of 1h']]],
  [
    { flags: { ...INPUT, window: 'month', timeZone: 'UTC', offset: '6h' } },
    [['--offset', 'windows of a month begin where the month begins in their time zone']],
  ],
  [{ flags: { ...INPUT, results: 'kafka:out' } }, [['--brokers', 'topic out requires brokers']]],
  [
    { flags: { ...INPUT, results: ['a.ndjson', 'b.ndjson'] } },
    [['--results', 'a job publishes to one FILE.ndjson only']],
  ],
  [
    { flags: { ...INPUT, results: ['a.ndjson', './a.ndjson'] } },
    [
      ['--results', 'file a.ndjson is already where results go'],
      ['--results', 'a job publishes to one FILE.ndjson only'],
    ],
  ],
  [{ flags: { ...KAFKA, results: 'kafka:vm' } }, [['--results', 'topic vm is already the input']]],
  [
    { flags: { ...KAFKA, deadLetters: 'kafka:windrow-published' } },
    [['--dead-letters', 'topic windrow-published is already the marker of published commits']],
  ],
  [{ flags: { ...INPUT, results: './points.ndjson' } }, [['--results', 'file points.ndjson is already the input']]],
  [
    { flags: { ...INPUT, results: 'out.ndjson', deadLetters: './out.ndjson' } },
    [['--dead-letters', 'file out.ndjson is already where results go']],
  ],
  [
    { flags: { ...INPUT, certificates: 'kafka:out' } },
    [['--certificates', 'results and certificates are published in one step']],
  ],
  [
    { flags: { ...INPUT, sidecar: 'dapr', maxInFlight: '91' } },
    [['--max-in-flight', '91 workflows in flight can deadlock a daprd']],
  ],
  [{ flags: { ...INPUT, job: 'Job-1' } }, [['--job', '"Job-1" does not fit']]],
  [{ flags: { ...INPUT, job: 'a'.repeat(21) } }, [['--job', `"${'a'.repeat(21)}" does not fit`]]],
  [{ flags: INPUT, env: { WINDROW_WINDOW: '60' } }, [['WINDROW_WINDOW', '"60" has no unit']]],
  [{ flags: INPUT, env: { DAPR_GRPC_PORT: 'x' } }, [['DAPR_GRPC_PORT', '"x" is not a whole number']]],
  [{ flags: INPUT, file: '\nwindow:\n' }, [['windrow.yaml:2 window', 'null is not a duration']]],
  [{ flags: INPUT, file: 'fields: { seq: 3 }' }, [['windrow.yaml:1 fields.seq', '3 is not a field name']]],
  [{ flags: INPUT, file: 'windw: 1h' }, [['windrow.yaml:1 windw', 'there is no setting "windw"']]],
]

test.each(PROBLEMS)('%j is refused', (given, expected) => {
  const found = problemsOf(given)
  expect(found.map((p) => p.place)).toEqual(expected.map(([place]) => place))
  found.forEach((p, i) => expect(p.problem.startsWith(expected[i]?.[1] ?? '-')).toBe(true))
  for (const { remedy } of found) expect(remedy).toMatch(/^[A-Z].*[.?]$/)
})

test('all problems of all places are reported at once', () => {
  const found = problemsOf({
    flags: { ...KAFKA, window: '1x', partitions: '0' },
    env: { WINDROW_GRACE: '2h' },
    file: 'jobb: x\nlogLevel: loud\n',
  })
  expect(found.map((p) => p.place).sort()).toEqual([
    '--deadline',
    '--partitions',
    '--window',
    'windrow.yaml:1 jobb',
    'windrow.yaml:2 logLevel',
  ])
})

test('a wrong value is reported although a source of higher precedence overrides it', () => {
  const found = problemsOf({ flags: { ...INPUT, window: '1h' }, env: { WINDROW_WINDOW: '1x' }, file: 'window: 2x' })
  expect(found.map((p) => p.place)).toEqual(['WINDROW_WINDOW', 'windrow.yaml:1 window'])
})

test('a wrong value causes no further problems in other settings', () => {
  expect(problemsOf({ flags: { source: 'kafak', topic: 'vm' } }).map((p) => p.place)).toEqual(['--source'])
  expect(problemsOf({ flags: { brokers: 'x', topic: 'vm' } }).map((p) => p.place)).toEqual(['--brokers'])
})

test('for a file that cannot be parsed, only that problem is reported', () => {
  expect(problemsOf({ file: 'input: [a\n' }).map((p) => p.place)).toEqual(['windrow.yaml:2'])
})
