/** Pins: where fields are read from, several metrics and points per record, and that one bad entry spoils no other. */
import { describe, expect, it } from 'vitest'
import { createJsonDecoder } from '../../../src/adapters/json/decode.ts'
import { decodedEntries } from '../../../src/core/entries.ts'
import type { RecordContext, TimeUnit } from '../../../src/adapters/mapping/spec.ts'
import { resolveSettings, type Settings } from '../../../src/library/settings.ts'

type Fields = NonNullable<Settings['fields']>
const AT = Date.UTC(2026, 2, 2, 10)

/** Each entry as one text: the point, or the problem. */
function mapped(fields: Fields, record: unknown, context: RecordContext = {}): string[] {
  const { fields: mapping } = resolveSettings({ input: 'x', fields })
  const decoded = createJsonDecoder({ mapping, checkYears: true }).decodeText(JSON.stringify(record), context)
  return decodedEntries(decoded).map((entry) => {
    if (entry.kind === 'undecodable') return `${entry.code}: ${entry.detail}`
    if (entry.kind === 'manifest') return 'manifest'
    const { vmId, metric, timestamp, seq, value } = entry.point
    return [vmId, metric, (timestamp - AT) / 1000, seq, entry.kind === 'point' ? value : entry.kind].join(' ')
  })
}

const BASE: Fields = { vmId: 'vm', metric: 'm', timestamp: 't', seq: null, value: 'v' }
const RECORD = { vm: 'a', m: 'cpu', t: AT, v: 1 }

describe('a field', () => {
  it.each<[string, Fields, object, string]>([
    ['at a path', { vmId: 'tags.host' }, { tags: { host: 'h-1' } }, 'h-1 cpu 0  1'],
    ['at a quoted name', { vmId: 'labels["k8s.io/node"]' }, { labels: { 'k8s.io/node': 'n' } }, 'n cpu 0  1'],
    ['whose name has a dot', { vmId: 'host.name' }, { 'host.name': 'n' }, 'n cpu 0  1'],
    [
      'in a list of pairs',
      { vmId: 'attr["host"]' },
      { attr: [{ key: 'host', value: { stringValue: 'n' } }] },
      'n cpu 0  1',
    ],
    ['of an element', { vmId: 'hosts[1]' }, { hosts: ['x', 'y'] }, 'y cpu 0  1'],
    ['that is a number', { vmId: { path: 'id' } }, { id: 17 }, '17 cpu 0  1'],
    ['that is constant', { vmId: { const: 'only' } }, {}, 'only cpu 0  1'],
    ['of several parts', { vmId: ['dc', 'vm'] }, { dc: 'eu' }, 'eu/a cpu 0  1'],
    ['in lower case', { vmId: { path: 'vm', lower: true } }, { vm: 'WEB-1' }, 'web-1 cpu 0  1'],
    ['that matches', { vmId: { path: 'vm', match: '/([^/]+)$' } }, { vm: '/rg/x/web-1' }, 'web-1 cpu 0  1'],
    ['with alternatives', { vmId: { any: ['host', 'vm'] } }, {}, 'a cpu 0  1'],
    [
      'with labels',
      { metric: ['m', { labels: 'l', except: ['h'] }] },
      { l: { z: '1', b: 'x', h: 'y' } },
      'a cpu{b=x,z=1} 0  1',
    ],
    [
      'that is absent',
      { vmId: { path: 'nope' } },
      {},
      'invalid: nope is missing or no text, expected the id of the VM',
    ],
  ])('%s', (_, fields, more, expected) => {
    expect(mapped({ ...BASE, ...fields }, { ...RECORD, ...more })).toEqual([expected])
  })

  it('comes from the file, the key and the headers', () => {
    const fields: Fields = {
      ...{ ...BASE, vmId: { file: '([^/]+)/[^/]+$' }, metric: { key: true }, producer: { header: 'agent' } },
    }
    const context = { file: '/data/web-1/cpu.json', key: Buffer.from('load'), headers: { agent: Buffer.from('x') } }
    expect(mapped(fields, RECORD, context)).toEqual(['web-1 load 0  1'])
  })
})

describe('a constant metric', () => {
  it('wins over a field of that name', () => {
    expect(mapped({ ...BASE, metric: { const: 'load' } }, { ...RECORD, metric: 'x' })).toEqual(['a load 0  1'])
  })
})

describe('a time', () => {
  it.each<[TimeUnit, unknown, string]>([
    ['s', AT / 1000 + 0.123, 'a cpu 0.123  1'],
    ['s', 1e300, 'invalid: t is 1e+300, beyond all dates'],
    ['s', 'yesterday', 'invalid: t is "yesterday", expected a number of seconds'],
    ['iso', '2026-03-02T10:00:00.123Z', 'a cpu 0.123  1'],
    [
      'iso',
      'yesterday',
      'invalid: t is "yesterday", expected an ISO 8601 time with its zone (or set fields.timestamp.zone)',
    ],
    [
      'iso',
      AT,
      `invalid: t is ${AT}, expected an ISO 8601 time with its zone (or set fields.timestamp.zone). It looks like milliseconds: set fields.timestamp to {path: t, unit: ms}.`,
    ],
    [
      'ms',
      '2026-03-02T10:00:00.123Z',
      'invalid: t is "2026-03-02T10:00:00.123Z", expected a number of milliseconds. It looks like an ISO 8601 time: set fields.timestamp to {path: t, unit: iso}.',
    ],
    [
      's',
      AT * 1000,
      `invalid: t is ${AT * 1000}, beyond all dates. It looks like microseconds: set fields.timestamp to {path: t, unit: us}.`,
    ],
    [
      'ms',
      `${AT}000000`,
      `invalid: t is "${AT}000000", beyond all dates. It looks like nanoseconds: set fields.timestamp to {path: t, unit: ns}.`,
    ],
  ])('in %s: %j', (unit, t, expected) => {
    expect(mapped({ ...BASE, timestamp: { path: 't', unit } }, { ...RECORD, t })).toEqual([expected])
  })
})

describe('a value', () => {
  it.each<[unknown, string]>([
    ['2.5', 'a cpu 0  2.5'],
    ['-1e3', 'a cpu 0  -1000'],
    [true, 'a cpu 0  1'],
    ['false', 'a cpu 0  0'],
    [null, 'a cpu 0  no-reading'],
    ['', 'a cpu 0  no-reading'],
    ['NaN', 'a cpu 0  no-reading'],
    ['0x1f', 'invalid: v is "0x1f", expected a number'],
    ['+Inf', 'invalid: v is "+Inf", expected a number'],
    [{}, 'invalid: v is {}, expected a number'],
    [undefined, 'invalid: v is missing, expected a number'],
  ])('%j', (v, expected) => {
    expect(mapped({ ...BASE, vmId: ['vm'] }, { ...RECORD, v })).toEqual([expected])
  })

  it('has a decimal comma where that is stated', () => {
    expect(mapped({ ...BASE, decimal: ',' }, { ...RECORD, v: '1,5' })).toEqual(['a cpu 0  1.5'])
    expect(mapped({ ...BASE, vmId: ['vm'] }, { ...RECORD, v: '1,5' })[0]).toContain('expected a number')
  })
})

describe('a record of several metrics', () => {
  const fields: Fields = { vmId: 'vm', timestamp: { path: 't', unit: 's' }, seq: 'n', metrics: { in: 'f' } }
  const record = { vm: 'a', t: AT / 1000, n: 7, f: { cpu: 1, mem: 'bad', disk: null } }

  it('shares seq and time, and one bad metric spoils no other', () => {
    expect(mapped(fields, record)).toEqual([
      'a cpu 0 7 1',
      'invalid: mem is "bad", expected a number',
      'a disk 0 7 no-reading',
    ])
  })

  it('has listed metrics, patterns and exceptions', () => {
    const flat = { vm: 'a', t: AT / 1000, n: 7, cpu_user: 1, cpu_sys: 2, cpu_note: 'x', mem: 3, other: 4 }
    const metrics = ['mem', 'gone', { only: ['cpu_*'], except: ['*_note'] }]
    expect(mapped({ ...fields, metrics }, flat)).toEqual(['a mem 0 7 3', 'a cpu_user 0 7 1', 'a cpu_sys 0 7 2'])
    expect(mapped({ ...fields, metrics: [{ skipTexts: true }] }, flat)).toHaveLength(4)
  })

  it('names the VM in the metric', () => {
    const matched = { ...fields, metrics: { match: '^(?<vmId>[^:]+):(?<metric>.+)$' } }
    expect(mapped(matched, { t: AT / 1000, n: 7, 'x:cpu': 1, 'y:cpu': 2, plain: 3 })).toEqual([
      'x cpu 0 7 1',
      'y cpu 0 7 2',
    ])
  })

  it('without any of them is refused', () => {
    expect(mapped(fields, { ...record, f: {} })).toEqual(['invalid: the record has none of the metrics of the mapping'])
  })
})

describe('a record of several points', () => {
  const fields: Fields = {
    vmId: 'host',
    metric: 'name',
    timestamp: 'ts',
    seq: null,
    value: 'value',
    records: 'series[].samples[]',
  }
  const series = (host: string, ...values: unknown[]) => ({
    host,
    name: 'cpu',
    samples: values.map((value, i) => ({ ts: AT + i * 1000, value })),
  })

  it('reads what surrounds each point, and names the place of a bad one', () => {
    const record = { series: [series('a', 1, 'x'), { ...series('', 2), host: undefined }, series('b', 3)] }
    expect(mapped(fields, record)).toEqual([
      'a cpu 0  1',
      'invalid: series[0].samples[1]: value is "x", expected a number',
      'invalid: series[1].samples[0]: host is missing or no text, expected the id of the VM',
      'b cpu 0  3',
    ])
  })

  it('has its points in one of several arrays', () => {
    const either: Fields = { ...fields, records: ['series[].samples[]', 'others[]'] }
    expect(mapped(either, { others: [{ host: 'c', name: 'm', ts: AT, value: 1 }] })).toEqual(['c m 0  1'])
  })

  it.each([
    [{ other: 1 }, 'there is no array at series[].samples[]'],
    [{ series: {} }, 'series is {}, expected an array'],
    [{ series: [] }, 'the record holds no point'],
  ])('without such an array is refused: %j', (record, detail) => {
    expect(mapped(fields, record)).toEqual([`invalid: ${detail}`])
  })

  it('may be an array itself, also without a mapping', () => {
    const decoder = createJsonDecoder()
    const point = { vmId: 'a', metric: 'm', timestamp: AT, seq: 0, value: 1 }
    const kinds = decodedEntries(decoder.decodeText(JSON.stringify([point, { ...point, seq: 'x' }, point]))).map(
      ({ kind }) => kind,
    )
    expect(kinds).toEqual(['point', 'undecodable', 'point'])
  })
})

it.each<[Fields, string]>([
  [{ vmId: { path: 'a', const: 'b' } }, 'a field has exactly one of'],
  [{ vmId: { file: '(' } }, 'Unterminated group'],
  [{ timestamp: { path: 't', unit: 'min' as 's' } }, 'unit "min" is not one of s, ms, us, ns, iso'],
  [{ timestamp: { path: 't', unit: 'iso', zone: 'Nowhere' } }, 'Nowhere'],
  [{ timestamp: { path: 't', pattern: 'QQ', zone: 'UTC' } }, 'unknown field QQ'],
  [{ metrics: { onyl: ['x'] } as object }, 'did you mean only?'],
])('a mapping that cannot be used is a problem of the settings: %j', (fields, problem) => {
  expect(() => resolveSettings({ input: 'x', fields })).toThrow(problem)
})
