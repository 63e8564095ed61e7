/** Each preset reads a sample of its tool: the points are those that the sample holds, and nothing becomes a dead letter. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { createFileSource } from '../../src/adapters/files/source.ts'
import { decodeOptionsOf } from '../../src/app/decode-options.ts'
import { loadConfig } from '../../src/cli/load-config.ts'
import { presetNames } from '../../src/cli/presets.ts'
import { decodedEntries } from '../../src/core/entries.ts'
import { drain } from '../adapters/files/support.ts'

const AT = Date.UTC(2026, 2, 2, 10)
const S = AT / 1000
const ISO = '2026-03-02T10:00:00.0000000Z'
const line = (...records: unknown[]): string => records.map((record) => JSON.stringify(record)).join('\n')
const telegraf = (seconds: number, idle: unknown) => ({
  ...{ name: 'cpu', timestamp: S + seconds, tags: { host: 'h', cpu: 'cpu0' } },
  fields: { idle, note: 'x' },
})

interface Sample {
  readonly file: string
  readonly content: string | Buffer
  /** `vm metric seconds value`, with seconds after 10:00, or since 1970 for traces that count from 0. */
  readonly points: readonly string[]
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  bitbrains: {
    file: '17.csv',
    content: `Timestamp [ms];\tCPU cores;\tCPU usage [%]\n${S};\t4;\t93.5\n${S + 300};\t4;\t\n`,
    points: ['17 CPU cores 0 4', '17 CPU usage [%] 0 93.5', '17 CPU cores 300 4', '17 CPU usage [%] 300 no-reading'],
  },
  'azure-vm-trace': {
    file: 'vm_cpu_readings-1.csv.gz',
    content: gzipSync('0,aQ+/=,1,5,3.25\n300,aQ+/=,2,6,4\n'),
    points: [
      'aQ+/= cpu_min @0 1',
      'aQ+/= cpu_max @0 5',
      'aQ+/= cpu_avg @0 3.25',
      'aQ+/= cpu_min @300 2',
      'aQ+/= cpu_max @300 6',
      'aQ+/= cpu_avg @300 4',
    ],
  },
  'alibaba-machine-usage': {
    file: 'machine_usage.csv',
    content: 'm_1,386640,20,92,,,41.00,33.00,101\n',
    points: [
      ...[
        'm_1 cpu_util_percent @386640 20',
        'm_1 mem_util_percent @386640 92',
        'm_1 mem_gps @386640 no-reading',
        'm_1 mkpi @386640 no-reading',
      ],
      ...['m_1 net_in @386640 41', 'm_1 net_out @386640 33', 'm_1 disk_io_percent @386640 101'],
    ],
  },
  telegraf: {
    file: 'cpu.ndjson',
    content: line(telegraf(0, 90), { metrics: [telegraf(10, 91.5), telegraf(20, true)] }),
    points: ['h cpu.idle{cpu=cpu0} 0 90', 'h cpu.idle{cpu=cpu0} 10 91.5', 'h cpu.idle{cpu=cpu0} 20 1'],
  },
  'telegraf-flat': {
    file: 'flat.ndjson',
    content: line({ name: 'cpu', timestamp: S, cpu: 'cpu-total', host: 'h', usage_idle: 90 }),
    points: ['h cpu.usage_idle 0 90'],
  },
  'prometheus-kafka-adapter': {
    file: 'metrics.ndjson',
    content: line(
      {
        timestamp: '2026-03-02T10:00:00Z',
        value: '0.25',
        name: 'load1',
        labels: { __name__: 'load1', instance: 'n:9100', job: 'node' },
      },
      {
        timestamp: '2026-03-02T10:00:00Z',
        value: 'NaN',
        name: 'idle',
        labels: { __name__: 'idle', instance: 'n:9100', job: 'node', cpu: '0' },
      },
    ),
    points: ['n:9100 load1 0 0.25', 'n:9100 idle{cpu=0} 0 no-reading'],
  },
  'prometheus-remote-write': {
    file: 'write.ndjson',
    content: line({
      timeseries: [
        {
          labels: [
            { name: '__name__', value: 'up' },
            { name: 'instance', value: 'n:9100' },
            { name: 'mode', value: 'idle' },
          ],
          samples: [
            { value: 1, timestamp: AT },
            { value: 'NaN', timestamp: String(AT + 15_000) },
          ],
        },
      ],
    }),
    points: ['n:9100 up{mode=idle} 0 1', 'n:9100 up{mode=idle} 15 no-reading'],
  },
  'prometheus-query': {
    file: 'answer.json',
    content: JSON.stringify({
      ...{
        status: 'success',
        data: {
          resultType: 'matrix',
          result: [
            {
              metric: { __name__: 'up', instance: 'n', job: 'j' },
              values: [
                [S, '1'],
                [S + 15.5, '0'],
              ],
            },
          ],
        },
      },
    }),
    points: ['n up 0 1', 'n up 15.5 0'],
  },
  collectd: {
    file: 'web-1/cpu-0/cpu-idle-2026-03-02',
    content: `epoch,value\n${S}.007,94.1\n${S + 10}.000,nan\n`,
    points: ['web-1 cpu-0/cpu-idle 0.007 94.1', 'web-1 cpu-0/cpu-idle 10 no-reading'],
  },
  'azure-monitor': {
    file: 'hub.ndjson',
    content: line({
      records: [
        {
          count: 5,
          total: 40,
          minimum: 6,
          maximum: 11,
          average: 8,
          resourceId: '/SUBSCRIPTIONS/VM-1',
          time: ISO,
          metricName: 'Percentage CPU',
          timeGrain: 'PT1M',
        },
      ],
    }),
    points: ['average 0 8', 'minimum 0 6', 'maximum 0 11', 'total 0 40', 'count 0 5'].map(
      (one) => `/subscriptions/vm-1 Percentage CPU.${one}`,
    ),
  },
  'zabbix-history': {
    file: 'history.json',
    content: JSON.stringify([{ itemid: '23296', clock: String(S), value: '0.0850', ns: '563157632' }], null, 2),
    points: ['23296 value 0 0.085'],
  },
  esxtop: {
    file: 'esx.csv',
    content:
      '"(PDH-CSV 4.0) (UTC)(0)","\\\\esx-02\\Physical Cpu(_Total)\\% Util Time"\r\n"03/02/2026 10:00:06","2.28"\r\n"03/02/2026 10:00:11.500"," "\r\n',
    points: [
      'esx-02 Physical Cpu(_Total)\\% Util Time 6 2.28',
      'esx-02 Physical Cpu(_Total)\\% Util Time 11.5 no-reading',
    ],
  },
  'otlp-json': {
    file: 'otlp.ndjson',
    content: line({
      resourceMetrics: [
        {
          resource: { attributes: [{ key: 'host.name', value: { stringValue: 'h' } }] },
          scopeMetrics: [
            {
              scope: { name: 'meter' },
              metrics: [
                { name: 'temp', gauge: { dataPoints: [{ timeUnixNano: `${AT}000000`, asDouble: 21.5 }] } },
                {
                  name: 'req',
                  sum: {
                    dataPoints: [
                      {
                        timeUnixNano: `${AT}999999`,
                        asInt: '7',
                        attributes: [{ key: 'code', value: { intValue: '200' } }],
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    }),
    points: ['h temp 0 21.5', 'h req{code=200} 0 7'],
  },
  'cloudwatch-metric-stream': {
    file: 'stream.ndjson',
    content: line({
      namespace: 'AWS/EC2',
      metric_name: 'CPU',
      dimensions: { InstanceId: 'i-1' },
      timestamp: AT,
      value: { max: 2, count: 5 },
      unit: 'Percent',
    }),
    points: ['i-1 AWS/EC2.CPU.max 0 2', 'i-1 AWS/EC2.CPU.count 0 5'],
  },
  'influx-line-protocol': {
    file: 'metrics.lp',
    content: [
      `cpu,cpu=cpu0,host=h idle=90.5,user=5i,note="a, b=\\"c\\"" ${AT}000000`,
      `disk\\ io,host=h,path=/a\\ b\\=c free=12u,full=f ${AT + 10_000}999999`,
    ].join('\n'),
    points: [
      'h cpu.idle{cpu=cpu0} 0 90.5',
      'h cpu.user{cpu=cpu0} 0 5',
      'h disk io.free{path=/a b=c} 10 12',
      'h disk io.full{path=/a b=c} 10 0',
    ],
  },
  'datadog-series': {
    file: 'series.ndjson',
    content: line({
      series: [
        {
          metric: 'cpu',
          host: 'h',
          points: [
            [S, 0.5],
            [S + 20, null],
          ],
        },
      ],
    }),
    points: ['h cpu 0 0.5', 'h cpu 20 no-reading'],
  },
}

it('every preset has a sample', () => {
  expect(presetNames()).toEqual(Object.keys(SAMPLES).sort())
})

it.each(Object.entries(SAMPLES))('the preset %s reads its sample', async (name, { file, content, points }) => {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-preset-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const input = join(folder, file)
  mkdirSync(dirname(input), { recursive: true })
  writeFileSync(input, content)
  const config = loadConfig({ input: [input], format: name }, {})
  const source = createFileSource({
    inputs: [input],
    partitions: 1,
    format: config.format,
    decode: decodeOptionsOf(config),
  })
  const records = await drain(await source.open(0, 0))
  const found = records.flatMap(({ decoded }) =>
    decodedEntries(decoded).map((entry) => {
      if (entry.kind === 'undecodable') return `${entry.code}: ${entry.detail}`
      if (entry.kind === 'manifest') return 'manifest'
      const { vmId, metric, timestamp, value } = entry.point
      const at = timestamp < AT ? `@${timestamp / 1000}` : (timestamp - AT) / 1000
      return `${vmId} ${metric} ${at} ${entry.kind === 'point' ? value : entry.kind}`
    }),
  )
  expect(found).toEqual(points)
})

it('the settings of the user override a preset', () => {
  const config = loadConfig({ input: ['x'], format: 'bitbrains', expectEvery: '10m' }, {})
  expect([config.format, config.expectEveryMs, config.csv?.separator]).toEqual(['csv', 600_000, ';'])
})
