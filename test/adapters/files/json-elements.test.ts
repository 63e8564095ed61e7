/** Pins: arrays as files, on one line and pretty-printed, in chunks of any size; and that a broken element spoils no other. */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { readJsonElements } from '../../../src/adapters/files/json-elements.ts'
import { Numbering } from '../../../src/adapters/files/record.ts'
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
  })
})
