/** Pins CSV in long form: the header, quoting, manifests as rows, and the reason given for each bad row. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DataPoint } from '../../../src/core/point.ts'
import { contentsOf, read, writeFiles } from './support.ts'

const HEADER = 'vmId,metric,timestamp,seq,value'
const readCsv = async (text: string | Buffer, options = {}): Promise<unknown[]> =>
  contentsOf(await read(writeFiles({ 'a.csv': text })['a.csv'], options))
const point = { vmId: 'vm-1', producer: '', metric: 'cpu', timestamp: 1000, seq: 7, value: 0.5 }

describe('CSV', () => {
  test('may have its columns in any order, with other columns, quoted or not', async () => {
    const text = '"seq",value,rack,"vmId",timestamp,producer,metric\r\n7,0.5,"r ""1"", x",vm-1,1000,p,"c,p ""u"""\r\n'
    expect(await readCsv(text)).toEqual([{ ...point, producer: 'p', metric: 'c,p "u"' }])
  })

  test('can represent any point without line breaks in its texts', async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter((s) => !/[\r\n]|\p{Surrogate}/u.test(s))
    const anyPoint: fc.Arbitrary<DataPoint> = fc.record({
      vmId: text,
      producer: text,
      metric: text,
      timestamp: fc.maxSafeInteger(),
      seq: fc.maxSafeNat(),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    })
    const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`
    await fc.assert(
      fc.asyncProperty(fc.array(anyPoint, { maxLength: 5 }), async (points) => {
        const rows = points.map((p) =>
          [quoted(p.vmId), quoted(p.metric), p.timestamp, p.seq, p.value, quoted(p.producer)].join(','),
        )
        expect(await readCsv([`${HEADER},producer`, ...rows].join('\n'))).toEqual(points)
      }),
      { numRuns: 100 },
    )
  })

  test('with manifest columns has manifests in the rows without a timestamp', async () => {
    const text = `${HEADER},producer,windowStart,firstSeq,count,last
vm-1,cpu,1000,7,0.5,,,,,
vm-1,,,,,p,0,5,3,true
vm-1,,,,,,3600000,8,0,
vm-1,,,,,,3600000,8,-1,
vm-1,,,,,,3600000,8,1,yes
vm-1,,,,,,,8,1,
`
    expect(await readCsv(text)).toEqual([
      point,
      { vmId: 'vm-1', producer: 'p', windowStart: 0, firstSeq: 5, count: 3, last: true },
      { vmId: 'vm-1', producer: '', windowStart: 3_600_000, firstSeq: 8, count: 0, last: false },
      'invalid: count is -1, expected a whole number from 0 to 2^53',
      'invalid: last is "yes", expected true or false',
      'invalid: windowStart is "", expected a whole number',
    ])
  })

  test.each([
    ['vm-1,cpu,1000,7', 'undecodable: the row has 4 fields, the header 5'],
    ['vm-1,cpu,1000,7,0.5,', 'undecodable: the row has 6 fields, the header 5'],
    ['"vm-1,cpu,1000,7,0.5', 'undecodable: a quoted field does not end on its line'],
    ['vm-1,"cpu"x,1000,7,0.5', 'undecodable: text follows the closing quote of field 2'],
    [',cpu,1000,7,0.5', 'invalid: vmId is empty'],
    ['vm-1,cpu,1000.5,7,0.5', 'invalid: timestamp is "1000.5", expected a whole number'],
    ['vm-1,cpu,,7,0.5', 'invalid: timestamp is "", expected a whole number'],
    ['vm-1,cpu,1000, 7,0.5', 'invalid: seq is " 7", expected a whole number'],
    ['vm-1,cpu,1000,,0.5', 'invalid: seq is "", expected a whole number'],
    ['vm-1,cpu,1000,-1,0.5', 'invalid: seq is -1, expected a whole number from 0 to 2^53'],
    ['vm-1,cpu,1000,9007199254740993,0.5', 'integer-beyond-2^53: seq is 9007199254740993'],
    ['vm-1,cpu,-9007199254740993,7,0.5', 'integer-beyond-2^53: timestamp is -9007199254740993'],
    [
      'vm-1,cpu,1772445600000000000,7,0.5',
      'integer-beyond-2^53: timestamp is 1772445600000000000. ' +
        'It looks like nanoseconds: set fields.timestamp to {path: timestamp, unit: ns}.',
    ],
    ['vm-1,cpu,1000,7,NaN', 'invalid: value is "NaN", expected a number'],
    ['vm-1,cpu,1000,7,0x10', 'invalid: value is "0x10", expected a number'],
    ['vm-1,cpu,1000,7,', 'invalid: value is "", expected a number'],
    ['vm-1,cpu,1000,7,1e999', 'invalid: value is Infinity, expected a finite number'],
  ])('with the row %s continues with the next row', async (row, problem) => {
    expect(await readCsv(`${HEADER}\n${row}\nvm-1,cpu,1000,7,0.5\n`)).toEqual([problem, point])
  })

  test('with a text that is not UTF-8 has that row undecodable', async () => {
    const text = Buffer.from(`${HEADER}\nvm-\xff,cpu,1000,7,0.5\nvm-1,cpu,1000,7,0.5\n`, 'latin1')
    expect(await readCsv(text)).toEqual(['undecodable: not UTF-8', point])
  })

  test('may have an empty seq if none is required', async () => {
    const text = `${HEADER}\nvm-1,cpu,1000,,0.5\nvm-1,cpu,1000,7,0.5\n`
    expect(await readCsv(text, { decode: { requireSeq: false } })).toEqual([{ ...point, seq: null }, point])
  })

  test('that is empty has no records', async () => {
    expect(await readCsv('')).toEqual([])
    expect(await readCsv(`${HEADER}\n`)).toEqual([])
  })

  test('without a required column is an error that names the column', async () => {
    await expect(readCsv('vmId,metric,time,seq,value\n')).rejects.toMatchObject({
      code: 'CSV_HEADER',
      message: expect.stringMatching(
        /a\.csv, line 1: the columns timestamp are missing; the header is "vmId,metric,time,seq,value"$/,
      ) as string,
    })
  })
})
