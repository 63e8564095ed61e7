/** Pins: arrays as files, on one line and pretty-printed, in chunks of any size; and that a broken element spoils no other. */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { readJsonElements } from '../../../src/adapters/files/json-elements.ts'
import { Numbering } from '../../../src/adapters/files/record.ts'
import { decodedEntries } from '../../../src/core/entries.ts'
import { resolveSettings } from '../../../src/library/settings.ts'
import { read, writeFiles } from './support.ts'

const point = (seq: number) => ({ vmId: 'a', metric: 'cpu {[",', timestamp: 1_772_445_600_000 + seq, seq, value: seq })

async function elements(text: string, chunkBytes = 1e6, maxRecordBytes = 1e6): Promise<string[]> {
  const bytes = Buffer.from(text)
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const found: string[] = []
  const options = { file: 'x.json', chunks: chunks(), numbering: new Numbering(0), maxRecordBytes, decode: {} }
  for await (const { records } of readJsonElements(options)) {
    for (const { decoded, line } of records) {
      const what =
        decoded.kind === 'point'
          ? String(decoded.point.seq)
          : decoded.kind === 'undecodable'
            ? decoded.code
            : decoded.kind
      found.push(`${line}:${what}`)
    }
  }
  return found
}

describe('a JSON file', () => {
  const points = [0, 1, 2].map(point)

  it.each([
    ['an array on one line', JSON.stringify(points), ['1:0', '1:1', '1:2']],
    ['a pretty-printed array', JSON.stringify(points, null, 2), ['2:0', '9:1', '16:2']],
    ['one pretty-printed object', JSON.stringify(points[0], null, 2), ['1:0']],
    ['objects one after another', points.map((one) => JSON.stringify(one, null, 1)).join('\n'), ['1:0', '8:1', '15:2']],
    ['an empty array', '[]\n', []],
    ['an array of other things', '[1, "x", null, [2]]', ['1:invalid', '1:invalid', '1:invalid', '1:invalid']],
  ])('%s', async (_, text, expected) => {
    expect(await elements(text)).toEqual(expected)
    for (const chunkBytes of [1, 7, 64]) expect(await elements(text, chunkBytes)).toEqual(expected)
  })

  const [a, b, c] = points.map((one) => JSON.stringify(one)) as [string, string, string]
  it.each([
    ['a missing brace', `[${a},${b.slice(0, -1)},${c}]`, ['1:0', '1:undecodable', '1:2']],
    ['a missing quote', `[${a},${b.replace('"a"', '"a')},${c}]`, ['1:0', '1:undecodable', '1:2']],
    ['a missing quote over lines', `[\n${a},\n${b.replace('"a"', '"a')},\n${c}\n]`, ['2:0', '3:undecodable', '4:2']],
    ['a missing comma', `[${a} ${b},${c}]`, ['1:0', '1:1', '1:2']],
    ['a wrong bracket', `[${a},${b.slice(0, -1)}],${c}]`, ['1:0', '1:undecodable', '1:2']],
    ['a word', `[${a},nope,${c}]`, ['1:0', '1:undecodable', '1:2']],
    ['a cut', `[${a},${b.slice(0, 20)}`, ['1:0', '1:undecodable']],
    ['an element that is too long', `[${a},{"x":"${'y'.repeat(3000)}"},${c}]`, ['1:0', '1:oversized', '1:2']],
  ])('%s spoils one element only', async (_, text, expected) => {
    expect(await elements(text, 1e6, 1000)).toEqual(expected)
    expect(await elements(text, 50, 1000)).toEqual(expected)
  })

  it('of any bytes ends, whatever the chunks', async () => {
    const anything = fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '1', ' ', '\n', '\\', 'a') })
    await fc.assert(
      fc.asyncProperty(anything, fc.integer({ min: 1, max: 5 }), async (text, chunkBytes) => {
        expect((await elements(text, chunkBytes, 30)).length).toBeLessThanOrEqual(text.length)
      }),
    )
  })

  it('is recognized by its first bytes', async () => {
    const files = writeFiles({
      'a.json': `[\n${a}\n]`,
      plain: `[${a},${b}]`,
      'lines.json': `${a}\n${b}\n`,
      'o.json': JSON.stringify(points[0], null, 2),
    })
    const counts = await Promise.all(
      Object.values(files).map(async (file) => (await read(file)).map(({ decoded }) => decoded.kind)),
    )
    expect(counts).toEqual([['point'], ['point', 'point'], ['point', 'point'], ['point']])
    // Longer than any line of NDJSON, so that the records inside are read one by one.
    const { long } = writeFiles({ long: `{"x":"${'y'.repeat(6e5)}","z":"${'y'.repeat(6e5)}","records":[${a},${b}]}` })
    const decode = { mapping: resolveSettings({ input: 'x', fields: { records: 'records[]' } }).fields }
    expect((await read(long, { decode })).map(({ decoded }) => decoded.kind)).toEqual(['undecodable', 'point', 'point'])
  })
})

describe('an object with an array of records', () => {
  const decode = {
    mapping: resolveSettings({
      input: 'x',
      fields: {
        ...{
          vmId: 'host',
          metric: 'm',
          timestamp: 't',
          seq: 'n',
          value: 'v',
          producer: { path: 'by', optional: true },
        },
        records: ['data.series[].samples[]', 'records[]'],
      },
    }).fields,
  }
  const sample = (n: number) => ({ m: 'cpu ]}', t: 1_772_445_600_000 + n, n, v: n })
  const read = async (text: string, maxRecordBytes: number, chunkBytes = 1e6): Promise<string[]> => {
    const bytes = Buffer.from(text)
    async function* chunks(): AsyncGenerator<Buffer> {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
    }
    const found: string[] = []
    const options = { file: 'x.json', chunks: chunks(), numbering: new Numbering(0), maxRecordBytes, decode }
    for await (const { records } of readJsonElements(options)) {
      for (const { decoded, line } of records) {
        for (const entry of decodedEntries(decoded)) {
          const { vmId = '', producer = '', seq = '' } = entry.kind === 'point' ? entry.point : {}
          found.push(entry.kind === 'undecodable' ? `${line}: ${entry.detail}` : `${line}: ${vmId}${producer} ${seq}`)
        }
      }
    }
    return found
  }
  const LONG = 150
  const expectAll = async (text: string, expected: string[]): Promise<void> => {
    for (const chunkBytes of [1e6, 1, 7, 64]) expect(await read(text, LONG, chunkBytes)).toEqual(expected)
  }
  const records = [0, 1, 2, 3].map(sample)
  const [a, b, c, d] = records.map((one) => JSON.stringify(one)) as [string, string, string, string]

  it('is one record where it is short, and its elements are records where it is long', async () => {
    const object = JSON.stringify({ host: 'a', records }, null, 1)
    expect(await read(object, 1000)).toEqual(['1: a 0', '1: a 1', '1: a 2', '1: a 3'])
    await expectAll(object, ['4: a 0', '10: a 1', '16: a 2', '22: a 3'])
    await expectAll(`${object}\n${object}`, [
      ...['4: a 0', '10: a 1', '16: a 2', '22: a 3'],
      ...['33: a 0', '39: a 1', '45: a 2', '51: a 3'],
    ])
  })

  it('has its array further inside, with arrays in the elements', async () => {
    const series = ['a', 'b'].map((host, i) => ({ host, samples: records.slice(2 * i, 2 * i + 2) }))
    const text = JSON.stringify({ status: { ok: [1, { x: '}' }] }, data: { kind: 'matrix', by: 'x', series }, x: 1 })
    await expectAll(text, ['1: a 0', '1: a 1', '1: b 2', '1: b 3'])
  })

  it.each([
    ['a word', b.replace('"v":1', '"v":nope'), '1: records[1]: not JSON: '],
    ['a missing brace', b.slice(0, -1), '1: records[1]: not JSON: a bracket'],
    ['a missing quote', b.replace('"cpu', 'cpu'), '1: records[1]: not JSON: a bracket'],
    ['another type', '17', '1: records[1]: '],
    ['a wrong value', b.replace('"v":1', '"v":{}'), '1: records[1]: v is {}, expected a number'],
    ['too many bytes', `{"x":"${'y'.repeat(400)}"}`, '1: records[1]: the element is longer than 150 bytes'],
  ])('loses nothing beside an element with %s', async (_, broken, problem) => {
    const text = `{"host":"a","records":[${a},${broken},${c},${d}],"x":[]}`
    for (const chunkBytes of [1e6, 13]) {
      const [first, second, ...rest] = await read(text, LONG, chunkBytes)
      expect([first, ...rest]).toEqual(['1: a 0', '1: a 2', '1: a 3'])
      expect(second?.startsWith(problem), second).toBe(true)
    }
  })

  it('is read up to where it is cut off, and the cut is a dead letter', async () => {
    const whole = `{"host":"a","records":[${a},${b}]}`
    for (const end of [whole.length - 1, whole.length - 2]) {
      await expectAll(whole.slice(0, end), ['1: a 0', '1: a 1', '1: not JSON: the file ends within the object'])
    }
    await expectAll(whole.slice(0, -10), ['1: a 0', '1: records[1]: not JSON: the file ends within the element'])
  })

  it('reports members that the elements may have needed, and objects without the array', async () => {
    const late = `{"records":[${a},${b}],"host":"a","other":"${'y'.repeat(99)}"}`
    const missing = ': host is missing or no text, expected the id of the VM'
    expect(await read(late, 1000)).toEqual(['1: a 0', '1: a 1'])
    await expectAll(late, [
      ...[`1: records[0]${missing}`, `1: records[1]${missing}`],
      '1: host comes after the array of records, which were read without it; if they need it, put it before the array, ' +
        'or keep each object within 150 bytes',
    ])
    await expectAll(`{"host":"a","x":"${'y'.repeat(99)}","z":"${'y'.repeat(99)}"}`, [
      '1: the members before the array are longer than 150 bytes',
      '1: there is no array at data.series[].samples[] or records[]',
    ])
  })

  it('of any bytes ends, whatever the chunks', async () => {
    const anything = fc.array(
      fc.constantFrom(...['{', '}', '[', ']', ',', ':', '1', ' ', '\n', '"records":[', a, '"x"']),
    )
    await fc.assert(
      fc.asyncProperty(anything, fc.integer({ min: 1, max: 5 }), async (parts, chunkBytes) => {
        const text = `{"host":"a","records":[${parts.join('')}`
        expect((await read(text, 60, chunkBytes)).length).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})
