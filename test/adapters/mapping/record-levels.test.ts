/** Pins: which rows a path of `records` leads to, what a row sees around it, and that nothing is read by a wrong pairing. */
import { describe, expect, it } from 'vitest'
import { createJsonMapper } from '../../../src/adapters/mapping/json-mapper.ts'
import { levelsOf } from '../../../src/adapters/mapping/record-levels.ts'
import type { RecordMappingSpec } from '../../../src/adapters/mapping/spec.ts'
import { decodedEntries } from '../../../src/core/entries.ts'

const AT = Date.UTC(2026, 2, 2, 10)
const S = AT / 1000
const SPEC: RecordMappingSpec = {
  ...{
    vmId: 'host',
    producer: null,
    metric: 'name',
    timestamp: { path: 'time', unit: 's' },
    seq: null,
    value: 'value',
  },
}

/** `vm metric second value` of points, and what is wrong with all else. */
function read(spec: Partial<RecordMappingSpec>, record: unknown): string[] {
  const decoded = createJsonMapper({ ...SPEC, ...spec }, true)(record, {})
  return decodedEntries(decoded).map((entry) => {
    if (entry.kind === 'undecodable') return entry.detail
    if (entry.kind === 'manifest') throw new Error('a manifest')
    const { vmId, metric, timestamp, value } = entry.point
    return `${vmId} ${metric} ${timestamp / 1000 - S} ${value}`
  })
}

describe('the rows of a path are', () => {
  it('the members of an object, with their keys', () => {
    const record = { host: 'n', name: 'cpu', values: { [S]: 1, [S + 60]: null, [AT]: 2, soon: 3 } }
    expect(read({ records: ['values{time}'] }, record)).toEqual([
      ...['n cpu 0 1', 'n cpu 60 NaN'],
      'values["1772445600000"]: time is "1772445600000", which in seconds is +058136-07-25T16:00:00Z. It looks like milliseconds: set fields.timestamp to {path: time, unit: ms}; if the date is right, set allowAnyYear: true.',
      'values["soon"]: time is "soon", expected a number of seconds',
    ])
  })

  it('the members of the members of an object', () => {
    const record = { a: { cpu: { [S]: 1 }, mem: { [S]: 2 } }, b: { cpu: { [S + 1]: 3 } } }
    expect(read({ records: ['{host}{name}{time}'] }, record)).toEqual(['a cpu 0 1', 'a mem 0 2', 'b cpu 1 3'])
  })

  it('objects by their keys, and arrays in them', () => {
    const rows = { records: ['hosts{host}'], metrics: ['cpu', 'mem'], metric: null }
    expect(read(rows, { hosts: { a: { time: S, cpu: 1, mem: 2 }, b: { time: S, cpu: 3 } } })).toEqual([
      ...['a cpu 0 1', 'a mem 0 2', 'b cpu 0 3'],
    ])
    expect(
      read({ ...rows, records: ['{host}[]'] }, { a: [{ time: S, cpu: 1 }], b: [{ time: S + 5, cpu: 2 }] }),
    ).toEqual([...['a cpu 0 1', 'b cpu 5 2']])
  })

  it('the elements of arrays side by side', () => {
    const spec = { records: ['series[](time,value)'] }
    const record = {
      host: 'n',
      series: [
        { name: 'a', time: [S, S + 60], value: [1, '2'] },
        { name: 'b', time: [], value: [] },
        { name: 'c', time: [S], value: [null] },
        { name: 'd', time: [S, AT], value: [1, 'high'] },
      ],
    }
    expect(read(spec, record)).toEqual([
      ...['n a 0 1', 'n a 60 2', 'n c 0 NaN', 'n d 0 1'],
      'series[3][1]: time is 1772445600000, which in seconds is +058136-07-25T16:00:00Z. It looks like milliseconds: set fields.timestamp to {path: time, unit: ms}; if the date is right, set allowAnyYear: true.',
    ])
  })

  it('none of arrays side by side whose lengths differ, and those beside them', () => {
    const series = [
      { name: 'a', time: [S, S + 60], value: [1] },
      { name: 'b', time: 'now', value: [1] },
      { name: 'c', time: [S], value: [3] },
    ]
    expect(read({ records: ['series[](time,value)'] }, { host: 'n', series })).toEqual([
      'series[0]: time has 2 elements and value 1, so which belong together is unknown',
      'series[1]: time is "now", expected an array',
      'n c 0 3',
    ])
  })

  it('lists of cells under the names that stand around them', () => {
    const spec = { records: ['series[].rows[columns]'], metrics: ['cpu', 'mem'], metric: null }
    const columns = ['time', { name: 'cpu' }, { text: 'mem' }]
    const rows = [[S, 1, 2], [S + 60, 3], 'none', [S + 60, 3, null]]
    expect(read(spec, { host: 'n', series: [{ columns, rows }] })).toEqual([
      ...['n cpu 0 1', 'n mem 0 2'],
      'series[0].rows[1]: the row has 2 cells, columns 3 names',
      'series[0].rows[2]: the row is "none", expected a list of 3 cells',
      ...['n cpu 60 3', 'n mem 60 NaN'],
    ])
    expect(read(spec, { host: 'n', series: [{ rows: [[S, 1, 2]] }] })).toEqual([
      'series[0].rows[0]: columns is missing, expected a list of names',
    ])
  })

  it('the same in each element of a record that is an array', () => {
    const record = [{ host: 'n', time: S, values: [1, 2], names: ['a', 'b'] }, { host: 'n' }]
    expect(read({ records: ['(values,names)'], value: 'values', metric: 'names' }, record)).toEqual([
      'n a 0 1',
      'n b 0 2',
    ])
    expect(read({ records: ['points[]'] }, [{ points: [{ host: 'n', name: 'a', time: S, value: 'x' }] }])).toEqual([
      '[0].points[0]: value is "x", expected a number',
    ])
  })
})

it('names with brackets are written in quotes', () => {
  expect(levelsOf('["a(b)"].c{d}')).toEqual([{ kind: 'members', steps: ['a(b)', 'c'], key: 'd' }])
  expect(levelsOf('a["{x}"][0].b')).toEqual([{ kind: 'array', steps: ['a', '{x}', 0, 'b'], names: null }])
})

it.each(['a..b[]', '(t,t)', '(a.b,c.b)', 'a(,b)', '[a..b]'])('%s is not a path', (path) => {
  expect(() => levelsOf(path)).toThrow(RangeError)
})

describe('values with a unit', () => {
  it('are read where the unit is stated, and are dead letters where it differs', () => {
    const spec = { value: { path: 'value', unit: 'ms' } }
    const values = ['1.5 ms', '2ms', 'NaN ms', '', null, '1.5', 1.5, '1.5 s', '1.5 msec', 'ms', '1,5 ms', '-3 ms']
    expect(values.map((value) => read(spec, { host: 'n', name: 'm', time: S, value })[0])).toEqual([
      ...['n m 0 1.5', 'n m 0 2'],
      'value is "NaN ms", expected a number with the unit ms',
      ...['n m 0 NaN', 'n m 0 NaN'],
      'value is "1.5", expected a number with the unit ms',
      'value is 1.5, expected a number with the unit ms',
      'value is "1.5 s", expected a number with the unit ms',
      'value is "1.5 msec", expected a number with the unit ms',
      'value is "ms", expected a number with the unit ms',
      'value is "1,5 ms", expected a number with the unit ms',
      'n m 0 -3',
    ])
  })

  it('are multiplied by the factor of their unit', () => {
    const metrics = [{ only: ['mem'], unit: { KiB: 1, MiB: 1024 } }, { only: ['cpu'], unit: '%' }, 'load']
    const spec = { metric: null, metrics, decimal: ',' as const }
    expect(read(spec, { host: 'n', time: S, mem: '1,5 MiB', cpu: '7%', load: '0,5', note: 'x' })).toEqual([
      ...['n mem 0 1536', 'n cpu 0 7', 'n load 0 0.5'],
    ])
    expect(read(spec, { host: 'n', time: S, mem: '1,5 GiB', cpu: 7, load: '0,5 x' })).toEqual([
      'mem is "1,5 GiB", expected a number with the unit KiB or MiB',
      'cpu is 7, expected a number with the unit %',
      'load is "0,5 x", expected a number',
    ])
  })

  it('of another unit are no texts to pass over', () => {
    const metrics = [{ in: 'f', skipTexts: true, unit: 'ms' }]
    expect(read({ metric: null, metrics }, { host: 'n', time: S, f: { a: '1 ms', b: '1 s', c: 'idle' } })).toEqual([
      ...['n a 0 1', 'b is "1 s", expected a number with the unit ms'],
    ])
  })
})
