/**
 * Malformed input of each format becomes dead letters with their place and reason, and everything beside it counts: what is cut
 * off, mixed with other text, or of a wrong type.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { presetNames } from '../../src/cli/presets.ts'
import { runHere } from '../support/run-here.ts'

const AT = Date.UTC(2026, 2, 2, 10)
const S = AT / 1000
const ISO = '2026-03-02T10:00:00Z'
const json = (value: unknown): string => JSON.stringify(value)

/** `line[.position] reason: detail` of each dead letter, in the order of the file. */
interface Malformed {
  readonly file: string
  readonly lines: readonly string[]
  /** Points that count, and entries without a reading. */
  readonly good: number
  readonly noReadings?: number
  readonly dead: readonly string[]
}

const telegraf = (second: number, more: object = {}) => ({
  ...{ name: 'cpu', timestamp: S + second, tags: { host: 'h' }, fields: { idle: 90 } },
  ...more,
})
const labelled = (more: object) => ({
  ...{ timestamp: ISO, value: '0.25', name: 'load1', labels: { __name__: 'load1', instance: 'n:9100' } },
  ...more,
})
const resource = (minute: number, more: object = {}) => ({
  ...{ average: 8, resourceId: '/VM-1', time: `2026-03-02T10:0${minute}:00.0000000Z`, metricName: 'CPU' },
  ...more,
})
const item = (second: number, more: object = {}) => ({ itemid: '7', clock: String(S + second), value: '1', ...more })

const CASES: Readonly<Record<string, Malformed>> = {
  bitbrains: {
    file: '17.csv',
    lines: [
      'Timestamp [ms];\tCPU cores;\tCPU usage [%]',
      `${S};\t4;\t93.5`,
      `${S + 300};\t4`,
      'Timestamp [ms];\tCPU cores;\tCPU usage [%]',
      `${S + 600};\tfour;\t94`,
      `${AT};\t4;\t94`,
      `${S + 900};\t4;\t`,
      `${S + 1200};\t"4;\t95`,
      `${S + 1500};\t4;\t96`,
    ],
    good: 6,
    noReadings: 1,
    dead: [
      '3 undecodable: the row has 2 fields, the header 3',
      '4 invalid: [0] is "Timestamp [ms]", expected a number of seconds',
      '5.0 invalid: CPU cores is "four", expected a number',
      '6 implausible-time: [0] is "1772445600000", which in seconds is +058136-07-25T16:00:00Z. It looks like milliseconds: set fields.timestamp to {path: [0], unit: ms}; if the date is right, set allowAnyYear: true.',
      '8 undecodable: a quoted field does not end on its line',
    ],
  },
  'azure-vm-trace': {
    file: 'vm_cpu_readings-1.csv',
    lines: ['0,vm-1,1,5,3', '300,,1,5,3', 'noon,vm-1,1,5,3', '600,vm-1,1,high,3', '900,vm-1,1,5', '1200,vm-1,1,5,3'],
    good: 8,
    dead: [
      '2 invalid: vmId is missing or no text, expected the id of the VM',
      '3 invalid: timestamp is "noon", expected a number of seconds',
      '4.1 invalid: cpu_max is "high", expected a number',
      '5 undecodable: the row has 4 fields, csv.columns 5',
    ],
  },
  'alibaba-machine-usage': {
    file: 'machine_usage.csv',
    lines: ['m_1,386640,20,92,,,41,33,101', 'm_1,386650,20,92,,,41,33', 'm_1,386660,x,92,1,1,41,33,101', '{"a":1}'],
    good: 11,
    noReadings: 2,
    dead: [
      '2 undecodable: the row has 8 fields, csv.columns 9',
      '3.0 invalid: cpu_util_percent is "x", expected a number',
      '4 undecodable: the row has 1 fields, csv.columns 9',
    ],
  },
  telegraf: {
    file: 'cpu.ndjson',
    lines: [
      json(telegraf(0)),
      json(telegraf(10)).slice(0, -9),
      json({ metrics: [telegraf(20), telegraf(30, { tags: {} }), 7, telegraf(40, { timestamp: AT }), telegraf(50)] }),
      'cpu,host=h idle=90',
      json(telegraf(60, { fields: { idle: {} } })),
      json(telegraf(70, { timestamp: 'soon' })),
      json({ metrics: 'none' }),
      json(telegraf(80)),
    ],
    good: 4,
    dead: [
      '2 undecodable: not JSON: "{\\"name\\":\\"cpu\\",\\"timestamp\\":1772445610,\\"tags\\":{\\"host\\":\\"h\\"},\\"fields\\"…',
      '3.1 invalid: metrics[1]: tags.host is missing or no text, expected the id of the VM',
      '3.2 invalid: metrics[2]: tags.host is missing or no text, expected the id of the VM',
      '3.3 implausible-time: metrics[3]: timestamp is 1772445600000, which in seconds is +058136-07-25T16:00:00Z. It looks like milliseconds: set fields.timestamp to {path: timestamp, unit: ms}; if the date is right, set allowAnyYear: true.',
      '4 undecodable: not JSON: "cpu,host=h idle=90"',
      '5 invalid: the record has none of the metrics of the mapping',
      '6 invalid: timestamp is "soon", expected a number of seconds',
      '7 invalid: metrics is "none", expected an array',
    ],
  },
  'telegraf-flat': {
    file: 'flat.ndjson',
    lines: [
      json({ name: 'cpu', timestamp: S, host: 'h', idle: 90 }),
      json({ name: 'cpu', timestamp: S + 10, idle: 90 }),
      json({ name: 7, timestamp: S + 20, host: 'h' }),
      '[]',
      json({ name: 'cpu', timestamp: S + 30, host: 'h', idle: 91 }),
    ],
    good: 2,
    dead: [
      '2 invalid: host is missing or no text, expected the id of the VM',
      '3 invalid: the record has none of the metrics of the mapping',
      '4 invalid: the record holds no point',
    ],
  },
  'prometheus-kafka-adapter': {
    file: 'metrics.ndjson',
    lines: [
      json(labelled({})),
      json(labelled({ value: 'up' })),
      json(labelled({ value: [] })),
      json(labelled({ labels: { __name__: 'load1' } })),
      json(labelled({ timestamp: '2026-02-30T10:00:00Z' })),
      json(labelled({ timestamp: '2026-03-02T10:00:15Z', value: 'NaN' })),
      json(labelled({ timestamp: '2026-03-02T10:00:30Z' })),
    ],
    good: 2,
    noReadings: 1,
    dead: [
      '2 invalid: value is "up", expected a number',
      '3 invalid: value is [], expected a number',
      '4 invalid: labels.instance is missing or no text, expected the id of the VM',
      '5 invalid: timestamp is "2026-02-30T10:00:00Z", expected an ISO 8601 time with its zone (or set fields.timestamp.zone)',
    ],
  },
  'prometheus-remote-write': {
    file: 'write.ndjson',
    lines: [
      json({
        timeseries: [
          { labels: [{ name: '__name__', value: 'up' }], samples: [{ value: 1, timestamp: AT }] },
          {
            labels: [
              { name: '__name__', value: 'up' },
              { name: 'instance', value: 'n' },
            ],
            samples: [{ value: 1, timestamp: S }, { value: 1, timestamp: AT }, { timestamp: AT + 1 }],
          },
        ],
      }),
    ],
    good: 1,
    dead: [
      '1.0 invalid: timeseries[0].samples[0]: labels["instance"] is missing or no text, expected the id of the VM',
      '1.1 implausible-time: timeseries[1].samples[0]: timestamp is 1772445600, which in milliseconds is 1970-01-21T12:20:45.600Z. It looks like seconds: set fields.timestamp to {path: timestamp, unit: s}; if the date is right, set allowAnyYear: true.',
      '1.3 invalid: timeseries[1].samples[2]: value is missing, expected a number',
    ],
  },
  'prometheus-query': {
    file: 'answer.ndjson',
    lines: [
      json({ status: 'error', error: 'timeout' }),
      json({
        data: {
          result: [{ metric: { __name__: 'up', instance: 'n' }, values: [[S, '1'], [S + 15], 'x', [S + 30, '1']] }],
        },
      }),
    ],
    good: 2,
    dead: [
      '1 invalid: there is no array at data.result[].values[]',
      '2.1 invalid: data.result[0].values[1]: [1] is missing, expected a number',
      '2.2 invalid: data.result[0].values[2]: [0] is missing, expected a number of seconds',
    ],
  },
  collectd: {
    file: 'web-1/cpu-idle-2026-03-02',
    lines: ['epoch,value', `${S}.007,94.1`, `${S + 10}.000,94,1`, `${S + 20}.000`, 'epoch,value', `${S + 30}.000,94`],
    good: 2,
    dead: [
      '3 undecodable: the row has 3 fields, the header 2',
      '4 undecodable: the row has 1 fields, the header 2',
      '5 invalid: epoch is "epoch", expected a number of seconds',
    ],
  },
  'azure-monitor': {
    file: 'hub.ndjson',
    lines: [
      json({
        records: [resource(0), resource(1, { time: 'now' }), null, resource(2, { average: 'high' }), resource(3)],
      }),
      json({ records: [] }),
      json(resource(4)),
      json({ records: [resource(5)] }).slice(0, 60),
      json({ records: [resource(6)] }),
    ],
    good: 3,
    dead: [
      '1.1 invalid: records[1]: time is "now", expected an ISO 8601 time with its zone (or set fields.timestamp.zone)',
      '1.2 invalid: records[2]: resourceId is missing or no text, expected the id of the VM',
      '1.3 invalid: records[3]: CPU.average is "high", expected a number',
      '2 invalid: the record holds no point',
      '3 invalid: there is no array at records[]',
      '4 undecodable: not JSON: "{\\"records\\":[{\\"average\\":8,\\"resourceId\\":\\"/VM-1\\",\\"time\\":\\"2026-0"',
    ],
  },
  'zabbix-history': {
    file: 'history.json',
    lines: [
      '[',
      `${json(item(0))},`,
      '{"itemid":"7","clock":"1772445610",',
      `${json(item(20))},`,
      '"text",',
      `${json(item(30, { value: 'down' }))},`,
      `${json(item(40, { clock: String(AT) }))},`,
      json(item(50)),
      `{"itemid":"7","clock":`,
    ],
    good: 3,
    dead: [
      '3 undecodable: not JSON: a bracket, a quote or a comma is missing',
      '5 invalid: expected an object, got "text"',
      '6 invalid: value is "down", expected a number',
      '7 implausible-time: clock is "1772445600000", which in seconds is +058136-07-25T16:00:00Z. It looks like milliseconds: set fields.timestamp to {path: clock, unit: ms}; if the date is right, set allowAnyYear: true.',
      '9 undecodable: not JSON: the file ends within the element',
    ],
  },
  esxtop: {
    file: 'esx.csv',
    lines: [
      '"(PDH-CSV 4.0) (UTC)(0)","\\\\esx\\Cpu\\% Time","\\\\esx\\Memory\\Free"',
      '"03/02/2026 10:00:06","2.28","81"',
      '"13/02/2026 10:00:11","2.28","81"',
      '"03/02/2026 10:00:16","2.28"',
      '"03/02/2026 10:00:21","2.28","many"',
      '"03/02/2026 10:00:26","2.28","81',
    ],
    good: 3,
    dead: [
      '3 invalid: [0] is "13/02/2026 10:00:11", expected a time of the form MM/dd/yyyy HH:mm:ss.SSS',
      '4 undecodable: the row has 2 fields, the header 3',
      '5.1 invalid: Memory\\Free is "many", expected a number',
      '6 undecodable: a quoted field does not end on its line',
    ],
  },
  'otlp-json': {
    file: 'otlp.ndjson',
    lines: [
      json({
        resourceMetrics: [
          {
            resource: { attributes: [{ key: 'host.name', value: { stringValue: 'h' } }] },
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: 'temp',
                    gauge: {
                      dataPoints: [
                        { timeUnixNano: `${AT}000000`, asDouble: 1 },
                        { timeUnixNano: `${AT}`, asDouble: 2 },
                        { timeUnixNano: `${AT + 1}000000` },
                        { timeUnixNano: `${AT + 2}000000`, asInt: '3' },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
      json({ resourceMetrics: [] }),
    ],
    good: 2,
    dead: [
      '1.1 implausible-time: resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[1]: timeUnixNano is "1772445600000", which in nanoseconds is 1970-01-01T00:29:32.445Z. It looks like milliseconds: set fields.timestamp to {path: timeUnixNano, unit: ms}; if the date is right, set allowAnyYear: true.',
      '1.2 invalid: resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[2]: asDouble or asInt is missing, expected a number',
      '2 invalid: the record holds no point',
    ],
  },
  'cloudwatch-metric-stream': {
    file: 'stream.ndjson',
    lines: [
      json({ namespace: 'A', metric_name: 'CPU', dimensions: { InstanceId: 'i' }, timestamp: AT, value: { max: 2 } }),
      json({ namespace: 'A', metric_name: 'CPU', dimensions: { InstanceId: 'i' }, timestamp: AT + 1, value: 'none' }),
      json({ namespace: 'A', metric_name: 'CPU', dimensions: {}, timestamp: AT + 2, value: { max: 2 } }),
      json({ namespace: 'A', metric_name: 'CPU', dimensions: { InstanceId: 'i' }, timestamp: S, value: { max: 2 } }),
    ],
    good: 1,
    dead: [
      '2 invalid: the record has none of the metrics of the mapping',
      '3 invalid: dimensions.InstanceId or dimensions.AutoScalingGroupName or account_id is missing or no text, expected the id of the VM',
      '4 implausible-time: timestamp is 1772445600, which in milliseconds is 1970-01-21T12:20:45.600Z. It looks like seconds: set fields.timestamp to {path: timestamp, unit: s}; if the date is right, set allowAnyYear: true.',
    ],
  },
  'datadog-series': {
    file: 'series.ndjson',
    lines: [
      json({ series: [{ metric: 'cpu', host: 'h', points: [[S, 0.5], [S + 20], ['x', 1], [S + 40, null]] }] }),
      json({ series: [{ metric: 'cpu', points: [[S, 0.5]] }] }),
    ],
    good: 1,
    noReadings: 1,
    dead: [
      '1.1 invalid: series[0].points[1]: [1] is missing, expected a number',
      '1.2 invalid: series[0].points[2]: [0] is "x", expected a number of seconds',
      '2 invalid: series[0].points[0]: host is missing or no text, expected the id of the VM',
    ],
  },
  'influx-line-protocol': {
    file: 'metrics.lp',
    lines: [
      `cpu,host=h idle=90 ${AT}000000`,
      'cpu,host=h',
      `cpu,host=h idle=high ${AT + 1}000000`,
      `cpu idle=90 ${AT + 2}000000`,
      `cpu,host=h idle=90 ${AT}`,
      'cpu,host=h idle=90',
      `# cpu`,
      `cpu,host=h idle=91 ${AT + 3}000000`,
    ],
    good: 2,
    dead: [
      '2 undecodable: not line protocol: expected a space before the fields at character 11',
      '3 undecodable: not line protocol: expected a number, a boolean or a quoted text as the value of the field idle at character 17',
      '4 invalid: tags.host or tags.hostname is missing or no text, expected the id of the VM',
      '5 implausible-time: timestamp is "1772445600000", which in nanoseconds is 1970-01-01T00:29:32.445Z. It looks like milliseconds: set fields.timestamp to {path: timestamp, unit: ms}; if the date is right, set allowAnyYear: true.',
      '6 invalid: timestamp is missing, expected a number of nanoseconds',
    ],
  },
}

it('every preset has malformed input', () => {
  expect(Object.keys(CASES).sort()).toEqual(presetNames())
})

interface DeadLetter {
  readonly reason: string
  readonly detail: string
  readonly place: { readonly line: number }
  readonly entry?: number
}

it.each(Object.entries(CASES))(
  'malformed input of the preset %s loses nothing beside it',
  { timeout: 60_000 },
  async (preset, { file, lines, good, noReadings = 0, dead }) => {
    const folder = mkdtempSync(join(tmpdir(), 'windrow-malformed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), lines.join('\n'))
    const { code, stdout, stderr } = await runHere(['run', '--format', preset, '--input', file, '--json'], folder)
    expect(code, stderr).toBe(0)
    const letters = readFileSync(join(folder, '.windrow/dead-letters.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as DeadLetter)
    const shown = letters.map(({ reason, detail, place, entry }) => {
      return `${place.line}${entry === undefined ? '' : `.${entry}`} ${reason}: ${detail}`
    })
    const { points } = JSON.parse(stdout) as { points: Record<string, number> }
    expect(shown).toEqual(dead)
    expect([points['accepted'], points['noReading'] ?? 0, points['rejected']]).toEqual([good, noReadings, dead.length])
  },
)
