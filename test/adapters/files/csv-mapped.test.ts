/** Pins: dialects of CSV, several metrics per row, and that one bad row or cell spoils no other. */
import { describe, expect, it } from 'vitest'
import { decodedEntries } from '../../../src/core/entries.ts'
import { resolveSettings, type Settings } from '../../../src/library/settings.ts'
import { decodeOptionsOf } from '../../../src/app/decode-options.ts'
import { read, readAll, writeFiles } from './support.ts'

const AT = Date.UTC(2026, 2, 2, 10)

/** Each entry as one text, with the line of its record. */
async function rows(settings: Settings, ...lines: string[]): Promise<string[]> {
  const input = writeFiles({ 'web-1.csv': lines.join('\n') })['web-1.csv']
  const decode = decodeOptionsOf(resolveSettings({ input, ...settings }))
  return (await read(input, { decode })).flatMap(({ decoded, raw }) => {
    const { place } = raw()
    const line = 'line' in place ? place.line : 0
    return decodedEntries(decoded).map((entry) => {
      if (entry.kind === 'undecodable') return `${line}: ${entry.code}: ${entry.detail}`
      if (entry.kind === 'manifest') return `${line}: manifest ${JSON.stringify(entry.manifest)}`
      const { vmId, metric, timestamp, seq, value } = entry.point
      return `${line}: ${[vmId, metric, (timestamp - AT) / 1000, seq, entry.kind === 'point' ? value : entry.kind].join(' ')}`
    })
  })
}

const SECONDS = { path: 'time', unit: 's' } as const
const T = AT / 1000

describe('CSV by a mapping', () => {
  it('has several metrics per row, with separators, spaces, units and empty cells', async () => {
    const settings: Settings = {
      csv: { separator: ';', trim: true },
      fields: { vmId: { file: '([^/]+)\\.csv$' }, timestamp: SECONDS, metrics: ['*'], seq: null },
    }
    expect(
      await rows(
        settings,
        'time;\tcpu [%];\tmem',
        `${T};\t1.50;\t7`,
        `${T + 300}.250;\t;\tNaN`,
        'x;1;2',
        `${T};1`,
        `${T};x;3`,
      ),
    ).toEqual([
      ...[
        '2: web-1 cpu [%] 0  1.5',
        '2: web-1 mem 0  7',
        '3: web-1 cpu [%] 300.25  no-reading',
        '3: web-1 mem 300.25  no-reading',
      ],
      '4: invalid: time is "x", expected a number of seconds',
      '5: undecodable: the row has 2 fields, the header 3',
      ...['6: invalid: cpu [%] is "x", expected a number', '6: web-1 mem 0  3'],
    ])
  })

  it('reads numbers as text, and no readings, wherever a name is mapped', async () => {
    const fields = { vmId: 'host', metric: 'name', timestamp: 'at', seq: 'n', value: 'reading' }
    expect(
      await rows(
        { fields },
        'host,name,at,n,reading',
        `a,cpu,${AT},0,1.5`,
        `a,cpu,${AT}.0,1.0,true`,
        `a,cpu,${AT},2,`,
        `a,cpu,${AT},3,NaN`,
        `a,cpu,${AT},4,high`,
        `a,cpu,${T},5,1`,
        `a,cpu,${AT},x,1`,
      ),
    ).toEqual([
      ...['2: a cpu 0 0 1.5', '3: a cpu 0 1 1', '4: a cpu 0 2 no-reading', '5: a cpu 0 3 no-reading'],
      '6: invalid: reading is "high", expected a number',
      expect.stringMatching(/^7: implausible-time: at is/),
      '8: invalid: n is "x", expected a whole number',
    ])
  })

  it('reads several tables, each by its own header', async () => {
    const settings: Settings = {
      csv: { comment: '#', tables: true },
      fields: { vmId: 'host', metric: 'field', timestamp: SECONDS, value: 'v', seq: null },
    }
    const lines = [
      ...['#double,string', 'host,time,field,v', `a,${T},user,1`, '', '#string,double', 'time,v,field,host'],
      ...[`${T + 60},2,idle,a`, 'time,v,field,host', `${T + 120},3,idle,a`, '', '', 'error,reference', 'timeout,7'],
      ...['', '', 'host,time,field,v', `b,${T},user,4`, ''],
    ]
    const expected = [
      ...['3: a user 0  1', '7: a idle 60  2', '9: a idle 120  3'],
      '12: invalid: the table cannot be read: the column time is missing; the header is "error,reference"',
      '13: invalid: the table cannot be read: the column time is missing; the header is "error,reference"',
      '17: b user 0  4',
    ]
    expect(await rows(settings, ...lines)).toEqual(expected)
    const input = writeFiles({ 'tables.csv': lines.join('\n') })['tables.csv']
    const decode = decodeOptionsOf(resolveSettings({ input, ...settings }))
    const [all = []] = await readAll({ inputs: [input], partitions: 1, format: 'csv', decode })
    for (let from = 1; from < all.length; from++) {
      const [rest = []] = await readAll({ inputs: [input], partitions: 1, format: 'csv', decode }, [from])
      expect(rest.map(({ decoded }) => decoded)).toEqual(all.slice(from).map(({ decoded }) => decoded))
    }
  })

  it('has no header, but comments and lines before the data', async () => {
    const settings: Settings = {
      csv: { columns: ['vm', 'time', 'n', 'v'], comment: '#', skip: 1 },
      fields: { vmId: 'vm', metric: { const: 'cpu' }, timestamp: SECONDS, seq: 'n', value: 'v' },
    }
    expect(await rows(settings, 'written by a tool', '# a comment', `a,${T},0.0,1`, '#', `"a ""b""",${T},1,2`)).toEqual(
      ['3: a cpu 0 0 1', '5: a "b" cpu 0 1 2'],
    )
  })

  it('has decimal commas and local times', async () => {
    const settings: Settings = {
      csv: { separator: 'tab' },
      fields: {
        ...{ vmId: 'vm', metric: { const: 'cpu' }, value: 'v', seq: null, decimal: ',' },
        timestamp: { path: 'time', pattern: 'dd.MM.yyyy HH:mm', zone: 'Europe/Berlin' },
      },
    }
    expect(await rows(settings, 'vm\ttime\tv', 'a\t02.03.2026 11:00\t"1,25"')).toEqual(['2: a cpu 0  1.25'])
  })

  it('has times in ISO 8601', async () => {
    const settings: Settings = { fields: { timestamp: { path: 'timestamp', unit: 'iso' } } }
    const header = 'vmId,metric,timestamp,seq,value'
    expect(await rows(settings, header, 'a,cpu,2026-03-02T10:00:01Z,7,0.5', 'a,cpu,soon,7,0.5')).toEqual([
      '2: a cpu 1 7 0.5',
      '3: invalid: timestamp is "soon", expected an ISO 8601 time with its zone (or set fields.timestamp.zone)',
    ])
  })

  it('has manifests in rows without a time, for long and for wide rows', async () => {
    const start = AT - (AT % 3_600_000)
    const manifest = (more: object) =>
      JSON.stringify({ vmId: 'a', producer: '', windowStart: start, firstSeq: 0, count: 2, last: false, ...more })
    const long: Settings = {
      csv: { separator: ';' },
      fields: { vmId: { path: 'vm', lower: true }, metric: { const: 'cpu' }, timestamp: SECONDS, seq: 'n', value: 'v' },
    }
    const header = 'vm;time;n;v;windowStart;firstSeq;count;last'
    expect(
      await rows(long, header, `A;${T};0;1;;;;`, `A;;;;${start};0;2;true`, `A;;;;x;0;2;`, `;;;;${start};0;2;`),
    ).toEqual([
      '2: a cpu 0 0 1',
      `3: manifest ${manifest({ last: true })}`,
      '4: invalid: windowStart is "x", expected a whole number',
      '5: invalid: vmId is empty',
    ])
    const wide: Settings = { fields: { vmId: 'vm', timestamp: SECONDS, seq: 'n', metrics: ['*'] } }
    expect(
      await rows(wide, 'vm,time,n,cpu,mem,windowStart,firstSeq,count', `a,${T},0,1,2,,,`, `a,,,,,${start},0,2`),
    ).toEqual(['2: a cpu 0 0 1', '2: a mem 0 0 2', `3: manifest ${manifest({})}`])
    // Without all three columns, it is a point without a time.
    expect(await rows(wide, 'vm,time,n,cpu,count', `a,${T},0,1,2`, 'a,,1,1,2')).toEqual([
      ...['2: a cpu 0 0 1', '2: a count 0 0 2', '3: invalid: time is "", expected a number of seconds'],
    ])
  })

  it('names a missing column', async () => {
    await expect(rows({ fields: { vmId: ['host'] } }, 'time,v', '1,2')).rejects.toMatchObject({
      code: 'CSV_HEADER',
      message: expect.stringContaining('the column timestamp is missing') as string,
    })
  })

  it('refuses a wrong unit, with and without a mapping', async () => {
    const wrong = /^2: implausible-time: \w+ is .*1970-01-21T12:20:45.600Z. It looks like seconds/
    expect((await rows({}, 'vmId,metric,timestamp,seq,value', `a,cpu,${T},0,1`))[0]).toMatch(wrong)
    expect((await rows({ csv: { trim: true } }, 'vmId,metric,timestamp,seq,value', `a, cpu, ${T}, 0, 1`))[0]).toMatch(
      wrong,
    )
    const accepted = await rows({ allowAnyYear: true }, 'vmId,metric,timestamp,seq,value', `a,cpu,${T},0,1`)
    expect(accepted).toEqual([`2: a cpu ${(T - AT) / 1000} 0 1`])
  })

  it('is read from the middle, with the same numbers', async () => {
    const lines = ['#', 'vm,time,v', '#', `a,${T},1`, '# x', `a,${T},2`, `a,${T},3`]
    const { input } = writeFiles({ input: lines.join('\n') })
    const fields = { vmId: ['vm'], metric: { const: 'cpu' }, timestamp: SECONDS, seq: null, value: 'v' }
    const decode = decodeOptionsOf(resolveSettings({ input, csv: { comment: '#' }, fields }))
    const [all = []] = await readAll({ inputs: [input], partitions: 1, format: 'csv', decode })
    const [rest = []] = await readAll({ inputs: [input], partitions: 1, format: 'csv', decode }, [1])
    expect(all.map(({ offset }) => offset)).toEqual([0, 1, 2])
    expect(rest.map(({ offset, decoded }) => ({ offset, decoded }))).toEqual(
      all.slice(1).map(({ offset, decoded }) => ({ offset, decoded })),
    )
  })
})
