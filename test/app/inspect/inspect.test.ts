/** Pins: what inspect guesses for common shapes, that the settings run, and that they read what a plain script reads. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import avro from 'avsc'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { inspectInput } from '../../../src/app/inspect/inspect.ts'
import { readInputs } from '../../../src/adapters/files/read-inputs.ts'
import { decodeOptionsOf } from '../../../src/app/decode-options.ts'
import { decodedEntries } from '../../../src/core/entries.ts'
import { resolveSettings, type Settings } from '../../../src/library/settings.ts'
import { inspectText } from '../../../src/ui/inspect-text.ts'
import { createStyle } from '../../../src/ui/style.ts'

const AT = Date.UTC(2026, 2, 2, 10)
const S = AT / 1000
const N = 6
const rows = (line: (i: number) => string, header?: string): string =>
  [...(header === undefined ? [] : [header]), ...Array.from({ length: N }, (_, i) => line(i))].join('\n')
const steps = <T>(of: (i: number) => T): T[] => Array.from({ length: N }, (_, i) => of(i))
const byTime = (of: (i: number) => unknown): object => Object.fromEntries(steps((i) => [String(S + 300 * i), of(i)]))
const signal = new AbortController().signal

async function inspectionOf(name: string, content: string | Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-inspect-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  const inspection = await inspectInput({ file, topic: null, config: resolveSettings({ input: file }) }, signal)
  return { file, inspection, settings: parse(inspection.settings) as Settings }
}

async function inspected(name: string, content: string | Buffer) {
  const { file, inspection, settings } = await inspectionOf(name, content)
  const config = resolveSettings({ input: file, ...settings })
  const points: string[] = []
  const options = { paths: [file], format: config.format, decode: decodeOptionsOf(config), signal }
  for await (const { decoded } of readInputs(options)) {
    for (const entry of decodedEntries(decoded)) {
      if (entry.kind !== 'point' && entry.kind !== 'no-reading') throw new Error(JSON.stringify(entry))
      const { vmId, metric, timestamp, value } = entry.point
      points.push(`${vmId} ${metric} ${timestamp} ${value}`)
    }
  }
  return { inspection, settings, points }
}

/** The points that a plain script finds: one per row and metric, at AT and every 5 minutes. */
const expected = (vm: string, metrics: Record<string, (i: number) => number>, stepMs = 300_000, from = AT): string[] =>
  Array.from({ length: N }, (_, i) =>
    Object.entries(metrics).map(([name, of]) => `${vm} ${name} ${from + i * stepMs} ${of(i)}`),
  ).flat()

describe('inspect', () => {
  it.each<[string, string, string, string[]]>([
    [
      'seconds',
      'x.ndjson',
      rows((i) => JSON.stringify({ vmId: 'n', metric: 'cpu', timestamp: S + 300 * i, seq: i, value: i })),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'microseconds as text',
      'x.ndjson',
      rows((i) => JSON.stringify({ host: 'n', name: 'cpu', time: `${AT * 1000 + 3e8 * i}`, value: `${i}.5` })),
      expected('n', { cpu: (i) => i + 0.5 }),
    ],
    [
      'ISO times with nested names',
      'x.ndjson',
      rows((i) =>
        JSON.stringify({
          '@timestamp': new Date(AT + 300_000 * i).toISOString(),
          tags: { host: 'n' },
          fields: { a: i, b: 2 },
        }),
      ),
      expected('n', { a: (i) => i, b: () => 2 }),
    ],
    [
      'objects in objects, with the name of the host in one of them',
      'x.ndjson',
      rows((i) =>
        JSON.stringify({
          '@timestamp': new Date(AT + 300_000 * i).toISOString(),
          host: { name: 'n' },
          event: { dataset: 'system.cpu' },
          system: { cpu: { total: { norm: { pct: i } }, user: { pct: 2 } } },
        }),
      ),
      expected('n', { 'system.cpu.total.norm.pct': (i) => i, 'system.cpu.user.pct': () => 2 }),
    ],
    [
      'batches',
      'x.ndjson',
      JSON.stringify({
        metrics: Array.from({ length: N }, (_, i) => ({
          name: 'cpu',
          tags: { host: 'n' },
          timestamp: S + 300 * i,
          fields: { a: i },
        })),
      }),
      expected('n', { 'cpu.a': (i) => i }),
    ],
    [
      'a pretty-printed array',
      'x.json',
      JSON.stringify(
        Array.from({ length: N }, (_, i) => ({ itemid: '7', clock: `${S + 300 * i}`, value: `${i}` })),
        null,
        2,
      ),
      expected('7', { x: (i) => i }),
    ],
    [
      'wide CSV named after its VM',
      '17.csv',
      rows((i) => `${S + 300 * i};\t4;\t${i}.5`, 'Timestamp [ms];\tcores;\tusage [%]'),
      expected('17', { cores: () => 4, 'usage [%]': (i) => i + 0.5 }),
    ],
    [
      'CSV without a header',
      'x.csv',
      rows((i) => `m_1,${386640 + 10 * i},${(i * 7) % 5}`),
      expected('m_1', { c3: (i) => (i * 7) % 5 }, 10_000, 386_640_000),
    ],
    [
      'decimal commas',
      'x.csv',
      rows((i) => `n;cpu;${AT + 300_000 * i};${i};${i},5`, 'vmId;metric;timestamp;seq;value'),
      expected('n', { cpu: (i) => i + 0.5 }),
    ],
    [
      'spaces and .0',
      'x.csv',
      rows((i) => `n, cpu, ${AT + 300_000 * i}.0, ${i}.0, ${i}`, 'vmId, metric, timestamp, seq, value'),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'host and counter in the header',
      'x.csv',
      rows(
        (i) => `"03/02/2026 10:${String(5 * i).padStart(2, '0')}:00","${i}"`,
        '"(PDH-CSV 4.0) (UTC)(0)","\\\\esx\\Cpu\\% Time"',
      ),
      expected('esx', { 'Cpu\\% Time': (i) => i }),
    ],
    [
      'seconds before the time, without a header',
      'x.txt',
      rows((i) => `web.cpu ${i}.5 ${S + 300 * i}`),
      expected('web.cpu', { c2: (i) => i + 0.5 }),
    ],
    [
      'a header in a comment',
      'x.csv',
      rows((i) => `n;60;2026-03-02 10:0${i}:00 UTC;${i}`, '# hostname;interval;timestamp;%user'),
      expected('n', { '%user': (i) => i }, 60_000),
    ],
    [
      'the month, the day and the year, with AM and PM',
      'x.csv',
      rows((i) => `"3/2/2026 10:0${i}:00 AM","${i}","n","cpu"`, '"Timestamp","Value","Entity","MetricId"'),
      expected('n', { cpu: (i) => i }, 60_000),
    ],
    [
      'a zone in the header',
      'x.csv',
      rows(
        (i) => `"03/02/2026 11:0${i}:00.000","${i}"`,
        '"(PDH-CSV 4.0) (W. Europe Standard Time)(-60)","\\\\web\\Cpu\\% Time"',
      ),
      expected('web', { 'Cpu\\% Time': (i) => i }, 60_000),
    ],
    [
      'pairs of time and value, beside times of the request',
      'x.json',
      JSON.stringify({
        from: AT,
        from_date: AT,
        series: [{ metric: 'cpu', host: 'n', points: Array.from({ length: N }, (_, i) => [AT + 300_000 * i, i]) }],
      }),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'a date and a time of the day, around a list of metrics',
      'x.json',
      JSON.stringify({
        hosts: [
          {
            nodename: 'n',
            date: '2026-03-02',
            statistics: Array.from({ length: N }, (_, i) => ({
              timestamp: { date: '2026-03-02', time: `10:0${i}:00`, utc: 1 },
              load: [{ cpu: 'all', user: i }],
            })),
          },
        ],
      }),
      expected('n', { user: (i) => i }, 60_000),
    ],
    [
      'ids and intervals that are numbers, and typed values',
      'x.ndjson',
      rows((i) =>
        JSON.stringify({
          ...{ account_id: '17', interval: 300, metric: { type: 'cpu' }, host: 'n' },
          ...{ window: { endTime: AT + 300_000 * i, startTime: AT + 300_000 * (i - 1) }, value: { doubleValue: i } },
        }),
      ),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'series that a text distinguishes',
      'x.ndjson',
      Array.from({ length: 2 * N }, (_, i) =>
        JSON.stringify({ t: S + 300 * (i >> 1), host: 'n', plugin: i % 2 === 0 ? 'load' : 'mem', values: [i >> 1] }),
      ).join('\n'),
      Array.from({ length: 2 * N }, (_, i) => [`n ${i % 2 === 0 ? 'load' : 'mem'}.values[0]`, i >> 1] as const).map(
        ([name, i]) => `${name} ${AT + 300_000 * i} ${i}`,
      ),
    ],
    [
      'several objects of metrics',
      'x.ndjson',
      rows((i) => JSON.stringify({ ts: S + 300 * i, host: 'n', gauges: { 'a.b': i }, counters: { 'c.d': 1 } })),
      expected('n', { 'a.b': (i) => i, 'c.d': () => 1 }),
    ],
    [
      'line protocol',
      'x.txt',
      rows((i) => `cpu,host=n idle=${i},note="x" ${AT + 300_000 * i}000000`),
      expected('n', { 'cpu.idle': (i) => i }),
    ],
    [
      'a file of one metric',
      'web-1/cpu-idle-2026-03-02',
      rows((i) => `${S + 300 * i}.000,${i}`, 'epoch,value'),
      expected('web-1', { 'cpu-idle': (i) => i }),
    ],
    [
      'arrays of times and values side by side',
      'x.json',
      JSON.stringify({
        results: [
          {
            Id: 'n',
            Label: 'cpu',
            Times: steps((i) => new Date(AT + 300_000 * i).toISOString()),
            Values: steps((i) => i),
          },
          { Id: 'm', Label: 'cpu', Times: [], Values: [] },
        ],
      }),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'arrays of values and their names side by side',
      'x.ndjson',
      rows((i) =>
        JSON.stringify([
          { values: [i, 2], names: ['read', 'write'], time: S + 300 * i, host: 'n', plugin_instance: '0' },
        ]),
      ),
      expected('n', { read: (i) => i, write: () => 2 }),
    ],
    [
      'an object whose keys are times',
      'n/cpu.json',
      JSON.stringify(Object.fromEntries(steps((i) => [new Date(AT + 300_000 * i).toISOString(), i + 0.5]))),
      expected('n', { cpu: (i) => i + 0.5 }),
    ],
    [
      'objects of metrics whose keys are times, printed over several lines',
      'x.json',
      JSON.stringify({ host: 'n', data: { cpu: byTime((i) => i), mem: byTime((i) => 10 - i) } }, null, 1),
      [...expected('n', { cpu: (i) => i }), ...expected('n', { mem: (i) => 10 - i })],
    ],
    [
      'rows whose keys are times',
      'x.json',
      JSON.stringify({ host: 'n', data: byTime((i) => ({ cpu: i, mem: 1 })) }),
      expected('n', { cpu: (i) => i, mem: () => 1 }),
    ],
    [
      'lists of cells with a list of their names',
      'x.json',
      JSON.stringify({
        tables: [
          {
            columns: [{ name: 'Generated' }, { name: 'host' }, { name: 'cpu' }],
            rows: steps((i) => [new Date(AT + 300_000 * i).toISOString(), 'n', i]),
          },
        ],
      }),
      expected('n', { cpu: (i) => i }),
    ],
    [
      'values with units',
      'x.csv',
      rows((i) => `${S + 300 * i},n,${i}.5 %,${i === 2 ? '1 s' : `${i}00 ms`}`, 'time,host,cpu,latency'),
      expected('n', { cpu: (i) => i + 0.5, latency: (i) => (i === 2 ? 1000 : i * 100) }),
    ],
    [
      'several tables with annotations',
      'x.csv',
      ['user', 'idle']
        .map((field, k) =>
          rows(
            (i) => `,,${k},${new Date(AT + 300_000 * i).toISOString()},${i + k},${field},cpu,n`,
            '#datatype,string,long,dateTime:RFC3339,double,string,string,string\n#group,false,false,false,false,true,true,true\n,result,table,_time,_value,_field,_measurement,host',
          ),
        )
        .join('\n\n'),
      [...expected('n', { 'cpu.user': (i) => i }), ...expected('n', { 'cpu.idle': (i) => i + 1 })],
    ],
    [
      'one table with annotations and one field',
      'x.csv',
      rows(
        (i) => `,,0,${new Date(AT + 300_000 * i).toISOString()},${i},user,cpu,n`,
        '#datatype,string,long,dateTime:RFC3339,double,string,string,string\n#group,false,false,false,false,true,true,true\n,result,table,_time,_value,_field,_measurement,host',
      ),
      expected('n', { 'cpu.user': (i) => i }),
    ],
    [
      'a line that names the separator, and local times',
      'n.csv',
      rows((i) => `"2026-03-02 10:0${i}:00";"${i},5"`, 'sep=;\n"Time";"cpu"'),
      expected('n', { cpu: (i) => i + 0.5 }, 60_000),
    ],
    [
      'an object whose first line ends within it',
      'x.txt',
      `{"host":"n",\n"points":[${steps((i) => JSON.stringify({ t: S + 300 * i, cpu: i })).join(',\n')}]}\n`,
      expected('n', { cpu: (i) => i }),
    ],
    [
      'a value beside other labels, in an object of its own',
      'x.ndjson',
      rows((i) =>
        JSON.stringify({ time: S + 300 * i, host: 'n', fields: { metric_name: 'disk', _value: i, device: 'sda' } }),
      ),
      expected('n', { disk: (i) => i }),
    ],
    [
      'a value of another part of the answer',
      'x.json',
      JSON.stringify({
        total: { value: 6 },
        hits: steps((i) => ({ '@timestamp': new Date(AT + 300_000 * i).toISOString(), host: 'n', load: i })),
      }),
      expected('n', { load: (i) => i }),
    ],
  ])('%s', async (_, name, content, points) => {
    expect((await inspected(name, content)).points).toEqual(points)
  })

  it('states the cadence, and labels that differ', async () => {
    const lines = Array.from({ length: 2 * N }, (_, i) =>
      JSON.stringify({
        ts: S + 60 * Math.floor(i / 2),
        value: i,
        labels: { __name__: 'load', instance: 'n', cpu: String(i % 2), job: 'j' },
      }),
    )
    const { settings, points, inspection } = await inspected('x.ndjson', lines.join('\n'))
    expect(settings.expectEvery).toBe('1m')
    expect(points[1]).toBe(`n load{cpu=1} ${AT} 1`)
    expect(inspection.facts).toMatchObject({ duplicates: 0, outOfOrder: 0, gaps: 0, everyMs: 60_000 })
  })

  it('reports disorder, duplicates, gaps and empty values', async () => {
    const at = [0, 60, 120, 180, 180, 360, 300, 420, 480, 540, 600, 660, 720, 780, 840, 900, 1080, 1140, 1200, 1260]
    const { inspection } = await inspected(
      'x.csv',
      ['vmId,metric,time,value', ...at.map((s, i) => `n,cpu,${S + s},${i === 2 ? '' : i}`)].join('\n'),
    )
    expect(inspection.facts).toMatchObject({ outOfOrder: 1, duplicates: 1, gaps: 2, noReadings: 1, refused: 0 })
    const text = inspectText(inspection, createStyle(false), true)
    expect(text).toContain('csv, separated by comma')
    expect(text).toContain('1 out of order, 1 duplicates (1 of another value), 2 gaps, 1 without a value, 0 refused')
    expect(text).toMatch(/cpu +[▁-█ ]+/)
  })

  it('does not read commas that group digits as decimal signs', async () => {
    const content = rows((i) => `"web 1",${S + 300 * i},"1,20${i % 10}",${i}`, 'Node Name,time,memory,load')
    const { settings, inspection } = await inspectionOf('x.csv', content)
    expect(settings).toMatchObject({ fields: { vmId: { path: 'Node Name' } } })
    expect(settings.fields).not.toHaveProperty('decimal')
    expect(inspection.notes.join()).toContain('commas group the digits of numbers')
  })

  it.each([
    ['of several units', (i: number) => (i < N / 2 ? S + i : AT + i)],
    ['of no unit, beside numbers that rise', (i: number) => 46083.5 + i],
  ])('takes no times %s for a count of its own', async (_, timeAt) => {
    const content = rows((i) => JSON.stringify({ host: 'n', time: timeAt(i), cpu: i }))
    await expect(inspectionOf('x.ndjson', content)).rejects.toMatchObject({ code: 'INPUT_UNUSABLE' })
  })

  it('finds the unit of times of which one has another', async () => {
    const times = [S, ...Array.from({ length: 20 }, (_, i) => AT + 1000 * i)]
    const content = times.map((time) => JSON.stringify({ host: 'n', time, cpu: 1 })).join('\n')
    const { settings, inspection } = await inspectionOf('x.ndjson', content)
    expect(settings).toMatchObject({ fields: { timestamp: { path: 'time', unit: 'ms' } } })
    expect(settings).not.toHaveProperty('allowAnyYear')
    expect(inspection.facts).toMatchObject({ refused: 1 })
  })

  it('names numbers that it leaves out because of texts among them', async () => {
    const content = rows((i) => `n,${S + 300 * i},${i === 2 ? '-' : i},${i}`, 'host,time,cpu,load')
    const { inspection } = await inspectionOf('x.csv', content)
    expect(inspection.notes).toContain('these settings do not read cpu, which have texts among their numbers')
  })

  it('names what its settings do not read', async () => {
    const lines = rows((i) =>
      JSON.stringify({
        t: S + 300 * i,
        host: 'n',
        load: i,
        disks: [{ name: 'sda', tps: 1 }],
        checks: [`load1=${i};5;10`],
      }),
    )
    const { inspection } = await inspected('x.ndjson', lines)
    expect(inspection.notes).toContain('these settings do not read the numbers in disks[]')
    expect(inspection.notes).toContain('the texts in the list checks are not read')
  })

  it('says that values of one identity differ', async () => {
    const lines = Array.from({ length: 2 * N }, (_, i) => JSON.stringify({ t: S + 300 * (i >> 1), host: 'n', load: i }))
    const { inspection } = await inspected('x.ndjson', lines.join('\n'))
    expect(inspection.facts).toMatchObject({ conflicts: N, duplicates: N })
    expect(inspection.notes.join()).toContain(`${N} points of the sample have the VM, metric and time`)
  })

  it('does not give all rows of an array the time of what surrounds them', async () => {
    const xport = JSON.stringify({ meta: { start: S, step: 60, legend: ['a', 'b'] }, data: steps((i) => [i, 2 * i]) })
    await expect(inspected('x.json', xport)).rejects.toMatchObject({ code: 'INPUT_UNUSABLE' })
  })

  it('reads Avro files of any schema', async () => {
    const type = avro.Type.forSchema({
      type: 'record',
      name: 'Reading',
      fields: [
        { name: 'host', type: 'string' },
        { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
        { name: 'state', type: { type: 'enum', name: 'State', symbols: ['up', 'down'] } },
        { name: 'load', type: ['null', 'double'] },
      ],
    })
    const encoder = new avro.streams.BlockEncoder(type)
    const bytes = buffer(encoder)
    for (let i = 0; i < N; i++)
      encoder.write({ host: 'n', at: AT * 1000 + 3e8 * i, state: 'up', load: i === 2 ? null : i })
    encoder.end()
    const { points, inspection } = await inspected('x.avro', await bytes)
    expect(points).toEqual(expected('n', { load: (i) => (i === 2 ? Number.NaN : i) }))
    expect(inspection).toMatchObject({ format: 'avro', records: N, facts: { noReadings: 1 } })
  })

  it('of an input without a time is an error with a remedy', async () => {
    await expect(inspected('x.ndjson', '{"a":"b"}\n{"a":"c"}')).rejects.toMatchObject({ code: 'INPUT_UNUSABLE' })
    await expect(inspected('x.ndjson', '')).rejects.toMatchObject({ code: 'INPUT_UNUSABLE' })
  })
})
