/**
 * Samples as monitoring tools write them, each with a plain reader that knows nothing of Windrow: it takes the text apart with
 * JSON.parse and split, and names VMs and metrics as the preset or the guess of `windrow inspect` should.
 */
import { gunzipSync, gzipSync } from 'node:zlib'

/** A reading of a metric; `null`: the sample says that there was none. */
export type PlainPoint = readonly [vm: string, metric: string, timeMs: number, value: number | null]

/** How the sample is run. */
export type Mode = 'inspect' | 'preset'

export interface FormatSample {
  /** The path of the file, from which some formats take ids. */
  readonly file: string
  readonly content: string | Buffer
  readonly preset?: string
  /** Whether the records number their points; else completeness comes from the cadence of the sample. */
  readonly hasSeq?: true
  readonly everyMs: number
  readonly read: (text: string, mode: Mode) => PlainPoint[]
}

const T0 = Date.UTC(2026, 2, 2, 10)
const N = 24
const MINUTE = 60_000
const FIVE_MINUTES = 5 * MINUTE
const timeOf = (i: number): number => T0 + i * FIVE_MINUTES
const secondsOf = (i: number): number => timeOf(i) / 1000
const isoOf = (i: number): string => new Date(timeOf(i)).toISOString().replace('.000Z', 'Z')
const rows = <T>(of: (i: number) => T, n = N): T[] => Array.from({ length: n }, (_, i) => of(i))
/** The sample with a row missing, so that completeness is tested too. */
const withGap = <T>(list: readonly T[], at = 5): T[] => list.filter((_, i) => i !== at)
const lines = (list: readonly unknown[]): string => list.map((one) => JSON.stringify(one)).join('\n') + '\n'
const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line !== '')
const parsedLines = <T>(text: string): T[] => linesOf(text).map((line) => JSON.parse(line) as T)
const numberOrNull = (text: string | number | null): number | null =>
  text === null || text === '' || String(text).trim() === '' || /nan/i.test(String(text)) ? null : Number(text)

interface Telegraf {
  readonly name: string
  readonly timestamp: number
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, number>>
}
const telegraf = (i: number): Telegraf => ({
  ...{ name: 'cpu', timestamp: secondsOf(i), tags: { cpu: 'cpu-total', host: 'edge-04' } },
  fields: { usage_idle: 90 - i / 8, usage_user: 5 + i / 4 },
})
const telegrafPoints = (all: readonly Telegraf[], mode: Mode): PlainPoint[] =>
  all.flatMap(({ name, timestamp, tags, fields }) =>
    Object.entries(fields).map(([field, value]): PlainPoint => {
      // The preset keeps every tag but the host; a tag that never differs in the sample is no part of the guessed metric.
      const series = `${name}.${field}${mode === 'preset' ? `{cpu=${tags['cpu']}}` : ''}`
      return [tags['host'] as string, series, timestamp * 1000, value]
    }),
  )

interface ZabbixItem {
  readonly itemid: string
  readonly clock: string
  readonly value: string
}
const zabbix = withGap(
  rows((i) => ({ itemid: '23296', clock: String(secondsOf(i)), value: (i / 8).toFixed(4), ns: String(563157632 + i) })),
)
const zabbixPoints = (all: readonly ZabbixItem[], inspected: string, mode: Mode): PlainPoint[] =>
  all.map(({ itemid, clock, value }) => [
    itemid,
    mode === 'preset' ? 'value' : inspected,
    Number(clock) * 1000,
    Number(value),
  ])

const own = (timestamp: (ms: number) => unknown) =>
  lines(rows((i) => ({ vmId: 'n-1', metric: 'cpu', timestamp: timestamp(timeOf(i)), seq: i, value: i })))
const ownPoints = (msOf: (timestamp: never) => number) => (text: string) =>
  parsedLines<{ timestamp: never; value: number }>(text).map(({ timestamp, value }): PlainPoint => [
    'n-1',
    'cpu',
    msOf(timestamp),
    value,
  ])
const unit = (file: string, write: (ms: number) => unknown, read: (timestamp: never) => number): FormatSample => ({
  ...{ file, content: own(write), hasSeq: true, everyMs: FIVE_MINUTES, read: ownPoints(read) },
})

const BITBRAINS = ['Timestamp [ms]', 'CPU cores', 'CPU usage [MHZ]', 'CPU usage [%]', 'Disk write throughput [KB/s]']
const ALIBABA =
  'machine_id time_stamp cpu_util_percent mem_util_percent mem_gps mkpi net_in net_out disk_io_percent'.split(' ')
const AZURE_VMS = ['aQx9+Zb/1kLm0PqRsTuVwXyZ', 'bRy8-Ya/2lMn1QrStUvWxYz1']
const RESOURCE = '/SUBSCRIPTIONS/0A1B2C3D/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM-EDGE-04'
const LONG_ID = `/subscriptions/${'rg'.repeat(100)}/virtualMachines/${'vs'.repeat(60)}`

export const SAMPLES: Readonly<Record<string, FormatSample>> = {
  'CSV with semicolons and tabs, one file per VM': {
    file: 'traces/17.csv',
    content: [
      BITBRAINS.join(';\t'),
      ...withGap(
        rows((i) => [secondsOf(i), 4, (10912 + i / 4).toFixed(4), (i / 8).toFixed(6), i === 7 ? '' : 0.5]),
      ).map((cells) => cells.join(';\t')),
    ].join('\n'),
    preset: 'bitbrains',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(';\t'))
        .flatMap(([time = '', ...values]) =>
          values.map((value, i): PlainPoint => [
            '17',
            BITBRAINS[i + 1] as string,
            Number(time) * 1000,
            numberOrNull(value),
          ]),
        ),
  },
  'CSV in gzip without a header, from second 0': {
    file: 'vm_cpu_readings-1.csv.gz',
    content: gzipSync(
      rows((i) => [300 * (i >> 1), AZURE_VMS[i % 2], 1 + i / 8, 5 + i / 8, 3 + i / 8].join(','), 2 * N).join('\n'),
    ),
    preset: 'azure-vm-trace',
    everyMs: FIVE_MINUTES,
    read: (text, mode) =>
      linesOf(text)
        .map((line) => line.split(','))
        .flatMap(([time, vm = '', ...values]) =>
          values.map((value, i): PlainPoint => [
            vm,
            (mode === 'preset' ? ['cpu_min', 'cpu_max', 'cpu_avg'] : ['c3', 'c4', 'c5'])[i] as string,
            Number(time) * 1000,
            Number(value),
          ]),
        ),
  },
  'CSV without a header, with empty cells': {
    file: 'machine_usage.csv',
    content: rows(
      (i) =>
        [
          ...[`m_${1932 + (i % 2)}`, 386_640 + 10 * (i >> 1), 20 + (i % 40), 92, i % 5 ? '' : '0.25', ''],
          ...[(41 + i / 8).toFixed(3), 33, i % 9 ? 2 : 101],
        ].join(','),
      2 * N,
    ).join('\n'),
    preset: 'alibaba-machine-usage',
    everyMs: 10_000,
    read: (text, mode) =>
      linesOf(text)
        .map((line) => line.split(','))
        .flatMap(([vm = '', time, ...values]) =>
          values.flatMap((value, i): PlainPoint[] => {
            // A column without any value in the sample is not guessed to be a metric.
            if (mode === 'inspect' && i === 3) return []
            const name = mode === 'preset' ? (ALIBABA[i + 2] as string) : `c${i + 3}`
            return [[vm, name, Number(time) * 1000, numberOrNull(value)]]
          }),
        ),
  },
  'lines with tags and fields': {
    file: 'cpu.ndjson',
    content: lines(withGap(rows(telegraf))),
    preset: 'telegraf',
    everyMs: FIVE_MINUTES,
    read: (text, mode) => telegrafPoints(parsedLines(text), mode),
  },
  'batches of lines with tags and fields': {
    file: 'batch.ndjson',
    content: lines(rows((i) => ({ metrics: [telegraf(2 * i), telegraf(2 * i + 1)] }), N / 2)),
    preset: 'telegraf',
    everyMs: FIVE_MINUTES,
    read: (text, mode) =>
      telegrafPoints(
        parsedLines<{ metrics: Telegraf[] }>(text).flatMap(({ metrics }) => metrics),
        mode,
      ),
  },
  'flat lines with several metrics': {
    file: 'flat.ndjson',
    content: lines(
      rows(telegraf).map(({ name, timestamp, tags, fields }) => ({ name, timestamp, ...tags, ...fields })),
    ),
    preset: 'telegraf-flat',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      parsedLines<Record<string, number>>(text).flatMap((one) =>
        ['usage_idle', 'usage_user'].map((field): PlainPoint => [
          'edge-04',
          `cpu.${field}`,
          (one['timestamp'] as number) * 1000,
          one[field] as number,
        ]),
      ),
  },
  'labels, with values as text and NaN': {
    file: 'metrics.ndjson',
    content: lines(
      rows((i) => {
        const name = i % 2 === 0 ? 'node_load5' : 'node_load1'
        return {
          ...{ timestamp: isoOf(i >> 1), value: i === 9 ? 'NaN' : String(i / 8), name },
          labels: { __name__: name, instance: '10.9.0.7:9100', job: 'node' },
        }
      }, 2 * N),
    ),
    preset: 'prometheus-kafka-adapter',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      parsedLines<{ timestamp: string; value: string; name: string }>(text).map(({ timestamp, value, name }) => [
        ...(['10.9.0.7:9100', name] as const),
        ...([Date.parse(timestamp), numberOrNull(value)] as const),
      ]),
  },
  'a file of one metric, with milliseconds': {
    file: 'web-1/cpu-idle-2026-03-02',
    content: [
      'epoch,value',
      ...withGap(
        rows((i) => `${secondsOf(i)}.${String((i * 7) % 1000).padStart(3, '0')},${i === 3 ? 'nan' : 94 - i / 8}`),
      ),
    ].join('\n'),
    preset: 'collectd',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(','))
        .map(([time = '', value = '']) => {
          const [seconds = '', fraction = ''] = time.split('.')
          return ['web-1', 'cpu-idle', Number(seconds) * 1000 + Number(fraction), numberOrNull(value)]
        }),
  },
  'records of a resource, with five statistics': {
    file: 'hub.ndjson',
    content: lines(
      rows(
        (i) => ({
          records: [0, 1].map((j) => ({
            ...{ count: 5, total: 40 + i, minimum: 6, maximum: 11, average: 8 + i / 8, resourceId: RESOURCE },
            time: new Date(T0 + (2 * i + j) * MINUTE).toISOString().replace('.000Z', '.0000000Z'),
            ...{ metricName: 'Percentage CPU', timeGrain: 'PT1M' },
          })),
        }),
        N,
      ),
    ),
    preset: 'azure-monitor',
    everyMs: MINUTE,
    read: (text, mode) =>
      parsedLines<{ records: Record<string, number>[] }>(text)
        .flatMap(({ records }) => records)
        .flatMap((one) =>
          ['average', 'minimum', 'maximum', 'total', 'count'].map((name): PlainPoint => [
            mode === 'preset' ? RESOURCE.toLowerCase() : RESOURCE,
            `Percentage CPU.${name}`,
            Date.parse(String(one['time']).replace('.0000000Z', 'Z')),
            one[name] as number,
          ]),
        ),
  },
  'an array of texts in one line': {
    file: 'history.json',
    content: JSON.stringify(zabbix),
    preset: 'zabbix-history',
    everyMs: FIVE_MINUTES,
    read: (text, mode) => zabbixPoints(JSON.parse(text) as ZabbixItem[], 'history', mode),
  },
  'an array of texts, pretty-printed': {
    file: 'pretty.json',
    content: JSON.stringify(zabbix, null, 2),
    preset: 'zabbix-history',
    everyMs: FIVE_MINUTES,
    read: (text, mode) => zabbixPoints(JSON.parse(text) as ZabbixItem[], 'pretty', mode),
  },
  'an array of points': {
    file: 'array-of-points.json',
    content: JSON.stringify(
      rows((i) => ({ vmId: 'z-1', metric: 'cpu', timestamp: timeOf(i), seq: i, value: i })),
      null,
      2,
    ),
    ...{ hasSeq: true, everyMs: FIVE_MINUTES },
    read: (text) =>
      (JSON.parse(text) as { timestamp: number; value: number }[]).map(({ timestamp, value }) => [
        ...(['z-1', 'cpu'] as const),
        ...([timestamp, value] as const),
      ]),
  },
  'host and counter in the header': {
    file: 'esx.csv',
    content: [
      '"(PDH-CSV 4.0) (UTC)(0)","\\\\esx-02\\Physical Cpu(_Total)\\% Util Time","\\\\esx-02\\Memory\\Free MBytes"',
      ...rows((i) => {
        const [date, time] = new Date(timeOf(i)).toISOString().slice(0, 19).split('T') as [string, string]
        const [year, month, day] = date.split('-')
        return `"${month}/${day}/${year} ${time}","${i / 8}","${i === 0 ? ' ' : 8000 - i}"`
      }),
    ].join('\r\n'),
    preset: 'esxtop',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.slice(1, -1).split('","'))
        .flatMap(([time = '', util = '', free = '']): PlainPoint[] => {
          const [month, day, year, clock] = time.split(/[/ ]/)
          const at = Date.parse(`${year}-${month}-${day}T${clock}Z`)
          return [
            ['esx-02', 'Physical Cpu(_Total)\\% Util Time', at, numberOrNull(util)],
            ['esx-02', 'Memory\\Free MBytes', at, numberOrNull(free)],
          ]
        }),
  },
  'the line protocol': {
    file: 'cpu.lp',
    content: withGap(
      rows((i) => `cpu,cpu=cpu0,host=web\\ 1 idle=${90 - i / 8},n=${i}i,on=t,note="a, b" ${timeOf(i)}000000`),
    ).join('\n'),
    preset: 'influx-line-protocol',
    everyMs: FIVE_MINUTES,
    read: (text, mode) =>
      linesOf(text).flatMap((line) => {
        const match = /idle=([\d.]+),n=(\d+)i,on=t.* (\d+)000000$/.exec(line) as RegExpExecArray
        const labels = mode === 'preset' ? '{cpu=cpu0}' : ''
        return (['idle', 'n', 'on'] as const).map((field, i): PlainPoint => [
          'web 1',
          `cpu.${field}${labels}`,
          Number(match[3]),
          i === 2 ? 1 : Number(match[i + 1]),
        ])
      }),
  },
  'series of pairs': {
    file: 'series.json',
    content: JSON.stringify({
      series: ['load.1', 'cpu.idle'].map((metric) => ({
        ...{ metric, host: 'h-1' },
        points: withGap(rows((i) => [secondsOf(i), i === 4 ? null : i / 8])),
      })),
    }),
    preset: 'datadog-series',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      (JSON.parse(text) as { series: { metric: string; points: [number, number | null][] }[] }).series.flatMap(
        ({ metric, points }) =>
          points.map(([seconds, value]): PlainPoint => ['h-1', metric, seconds * 1000, numberOrNull(value)]),
      ),
  },
  'the answer to a query, of pairs with text': {
    file: 'query_range.json',
    content: JSON.stringify({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [0, 1].map((k) => ({
          metric: { __name__: 'load1', instance: `10.0.0.${k}:9100`, job: 'node' },
          values: rows((i) => [secondsOf(i) + 0.781, i === 6 ? 'NaN' : String(i / 4)]),
        })),
      },
    }),
    preset: 'prometheus-query',
    everyMs: FIVE_MINUTES,
    read: (text) =>
      (
        JSON.parse(text) as { data: { result: { metric: { instance: string }; values: [number, string][] }[] } }
      ).data.result.flatMap(({ metric, values }) =>
        values.map(([seconds, value]): PlainPoint => [
          metric.instance,
          'load1',
          Math.round(seconds * 1000),
          numberOrNull(value),
        ]),
      ),
  },
  'a stream of statistics': {
    file: 'stream.ndjson',
    content: lines(
      rows((i) => ({
        ...{ account_id: '123', namespace: 'AWS/EC2', metric_name: 'CPU', dimensions: { InstanceId: 'i-0ab' } },
        ...{ timestamp: timeOf(i), value: { max: 9 + i, min: 1, sum: 12.5, count: 5 }, unit: 'Percent' },
      })),
    ),
    preset: 'cloudwatch-metric-stream',
    everyMs: FIVE_MINUTES,
    read: (text, mode) =>
      parsedLines<{ timestamp: number; value: Record<string, number> }>(text).flatMap(({ timestamp, value }) =>
        Object.entries(value).map(([name, one]): PlainPoint => [
          'i-0ab',
          mode === 'preset' ? `AWS/EC2.CPU.${name}` : `CPU.${name}`,
          ...([timestamp, one] as const),
        ]),
      ),
  },
  'arrays of times and values side by side': {
    file: 'series.json',
    content: JSON.stringify(
      {
        results: ['cpu', 'mem'].map((Label, k) => ({
          ...{ Id: 'vm-1', Label, Status: 'Complete' },
          Timestamps: withGap(rows(isoOf)).reverse(),
          Values: withGap(rows((i) => (i === 7 && k === 1 ? null : i / 8 + k))).reverse(),
        })),
      },
      null,
      2,
    ),
    everyMs: FIVE_MINUTES,
    read: (text) =>
      (
        JSON.parse(text) as {
          results: { Id: string; Label: string; Timestamps: string[]; Values: (number | null)[] }[]
        }
      ).results.flatMap(({ Id, Label, Timestamps, Values }) =>
        Timestamps.map((time, i): PlainPoint => [Id, Label, Date.parse(time), numberOrNull(Values[i] ?? null)]),
      ),
  },
  'objects whose keys are times': {
    file: 'dps.json',
    content: JSON.stringify(
      ['sys.cpu', 'sys.mem'].map((metric, k) => ({
        ...{ metric, tags: { host: 'web-1' }, aggregateTags: [] },
        dps: Object.fromEntries(withGap(rows((i) => [String(secondsOf(i)), i / 4 + k]))),
      })),
    ),
    everyMs: FIVE_MINUTES,
    read: (text) =>
      (JSON.parse(text) as { metric: string; dps: Record<string, number> }[]).flatMap(({ metric, dps }) =>
        Object.entries(dps).map(([seconds, value]): PlainPoint => ['web-1', metric, Number(seconds) * 1000, value]),
      ),
  },
  'values with units, some of them converted': {
    file: 'top.csv',
    content: [
      'time,pod,cpu,memory',
      ...rows((i) => `${isoOf(i)},web-1,${i * 10}m,${i % 2 === 0 ? `${i}Mi` : `${i * 512}Ki`}`),
    ].join('\n'),
    everyMs: FIVE_MINUTES,
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(','))
        .flatMap(([time = '', pod = '', cpu = '', memory = '']): PlainPoint[] => [
          [pod, 'cpu', Date.parse(time), parseInt(cpu, 10)],
          [pod, 'memory', Date.parse(time), parseInt(memory, 10) * (memory.endsWith('Mi') ? 1024 : 1)],
        ]),
  },
  milliseconds: unit(
    'ms.ndjson',
    (ms) => ms,
    (t) => t,
  ),
  seconds: unit(
    's.ndjson',
    (ms) => ms / 1000,
    (t) => t * 1000,
  ),
  'seconds with fractions': unit(
    's-frac.ndjson',
    (ms) => ms / 1000 + 0.25,
    (t) => t * 1000,
  ),
  microseconds: unit(
    'us.ndjson',
    (ms) => ms * 1000,
    (t) => t / 1000,
  ),
  'ISO 8601': unit(
    'iso.ndjson',
    (ms) => new Date(ms).toISOString(),
    (t) => Date.parse(t),
  ),
  'milliseconds as text': unit(
    'ms-text.ndjson',
    (ms) => String(ms),
    (t) => Number(t),
  ),
  'CSV with spaces behind the commas': {
    file: 'spaces.csv',
    content: ['vmId, metric, timestamp, seq, value', ...rows((i) => `a-1, cpu, ${timeOf(i)}, ${i}, ${i}`)].join('\n'),
    ...{ hasSeq: true, everyMs: FIVE_MINUTES },
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(', '))
        .map(([, , time, , value]) => ['a-1', 'cpu', Number(time), Number(value)]),
  },
  'CSV with decimal commas': {
    file: 'decimal-comma.csv',
    content: ['vmId;metric;timestamp;seq;value', ...rows((i) => `a-1;cpu;${timeOf(i)};${i};${i},5`)].join('\n'),
    ...{ hasSeq: true, everyMs: FIVE_MINUTES },
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(';'))
        .map(([, , time, , value = '']) => ['a-1', 'cpu', Number(time), Number(value.replace(',', '.'))]),
  },
  'CSV with whole numbers that end with .0': {
    file: 'int-as-float.csv',
    content: ['vmId,metric,timestamp,seq,value', ...rows((i) => `a-1,cpu,${timeOf(i)}.0,${i}.0,${i}`)].join('\n'),
    ...{ hasSeq: true, everyMs: FIVE_MINUTES },
    read: (text) =>
      linesOf(text)
        .slice(1)
        .map((line) => line.split(','))
        .map(([, , time, , value]) => ['a-1', 'cpu', Number(time), Number(value)]),
  },
  'ids of several hundred characters': {
    file: 'long-id.ndjson',
    content: lines(rows((i) => ({ vmId: LONG_ID, metric: 'cpu', timestamp: timeOf(i), seq: i, value: i }))),
    ...{ hasSeq: true, everyMs: FIVE_MINUTES },
    read: (text) =>
      parsedLines<{ timestamp: number; value: number }>(text).map(({ timestamp, value }) => [
        ...([LONG_ID, 'cpu'] as const),
        ...([timestamp, value] as const),
      ]),
  },
}

/** The text of a sample, as a plain reader takes it. */
export function textOf({ content }: FormatSample): string {
  return typeof content === 'string' ? content : gunzipSync(content).toString()
}
