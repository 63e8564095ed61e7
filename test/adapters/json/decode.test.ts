/** Pins the JSON formats of points and manifests, and that every defect is reported with its field and value. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createJsonDecoder } from '../../../src/adapters/json/decode.ts'
import type { DataPoint, WindowManifest } from '../../../src/core/point.ts'

const decoder = createJsonDecoder()
const decodeText = (text: string) => decoder.decodeText(text)
const decode = (bytes: Uint8Array) => decoder.decode(bytes)
const point: DataPoint = { vmId: 'vm-1', producer: '', metric: 'cpu', timestamp: 1_700_000_000_000, seq: 7, value: 0.5 }
const manifest: WindowManifest = {
  vmId: 'vm-1',
  producer: 'p',
  windowStart: -3_600_000,
  firstSeq: 3,
  count: 0,
  last: true,
}
const line = (changes: object): string => JSON.stringify({ ...point, ...changes })
const manifestLine = (changes: object): string => JSON.stringify({ manifest: { ...manifest, ...changes } })
const refused = (code: string, detail: string) => ({ kind: 'undecodable', code, detail })

describe('a JSON line', () => {
  test('is decoded as a point, and unknown fields are ignored', () => {
    expect(decodeText(line({ host: 'a', tags: { x: [1] } }))).toEqual({ kind: 'point', point })
  })

  test('without a producer has the empty producer', () => {
    expect(decodeText('{"vmId":"vm-1","metric":"cpu","timestamp":1700000000000,"seq":7,"value":0.5}')).toEqual({
      kind: 'point',
      point,
    })
  })

  test('with a manifest member is decoded as a manifest; producer and last are optional', () => {
    expect(decodeText(manifestLine({}))).toEqual({ kind: 'manifest', manifest })
    expect(decodeText('{"manifest":{"vmId":"vm-1","windowStart":0,"firstSeq":0,"count":5}}')).toEqual({
      kind: 'manifest',
      manifest: { vmId: 'vm-1', producer: '', windowStart: 0, firstSeq: 0, count: 5, last: false },
    })
  })

  test.each([
    [line({ vmId: 3 }), 'invalid', 'vmId is 3, expected a text'],
    [line({ vmId: '' }), 'invalid', 'vmId is empty'],
    [line({ vmId: undefined }), 'invalid', 'vmId is missing, expected a text'],
    [line({ vmId: 'x'.repeat(513) }), 'invalid', 'vmId has 513 characters, at most 512 are allowed'],
    [line({ producer: 5 }), 'invalid', 'producer is 5, expected a text'],
    [line({ metric: null }), 'invalid', 'metric is null, expected a text'],
    [
      line({ timestamp: '2024-01-01T00:00:00Z' }),
      'invalid',
      'timestamp is "2024-01-01T00:00:00Z", expected a whole number. ' +
        'It looks like an ISO 8601 time: set fields.timestamp to {path: timestamp, unit: iso}.',
    ],
    [line({ timestamp: 1.5 }), 'invalid', 'timestamp is 1.5, expected a whole number'],
    [line({ seq: null }), 'invalid', 'seq is null, expected a whole number'],
    [line({ seq: '7' }), 'invalid', 'seq is "7", expected a whole number'],
    [
      line({ timestamp: 1772445600e9 }),
      'integer-beyond-2^53',
      'timestamp is about 1772445600000000000. ' +
        'It looks like nanoseconds: set fields.timestamp to {path: timestamp, unit: ns}.',
    ],
    [line({ seq: -1 }), 'invalid', 'seq is -1, expected a whole number from 0 to 2^53'],
    [line({ value: '0.5' }), 'invalid', 'value is "0.5", expected a number'],
    [line({ value: true }), 'invalid', 'value is true, expected a number'],
    [
      '{"vmId":"a","metric":"b","timestamp":0,"seq":0,"value":1e999}',
      'invalid',
      'value is Infinity, expected a finite number',
    ],
    [
      '{"vmId":"\\ud83d","metric":"b","timestamp":0,"seq":0,"value":1}',
      'invalid',
      'vmId holds half a surrogate pair, which is no text',
    ],
    [manifestLine({ count: -1 }), 'invalid', 'count is -1, expected a whole number from 0 to 2^53'],
    [manifestLine({ count: 1.5 }), 'invalid', 'manifest.count is 1.5, expected a whole number'],
    [manifestLine({ last: 1 }), 'invalid', 'manifest.last is 1, expected true or false'],
    [manifestLine({ windowStart: undefined }), 'invalid', 'manifest.windowStart is missing, expected a whole number'],
    ['[1]', 'invalid', 'expected an object, got 1'],
    ['[]', 'invalid', 'the array is empty'],
    ['null', 'invalid', 'expected an object, got null'],
    ['"text"', 'invalid', 'expected an object, got "text"'],
    ['{"vmId":"vm-1"', 'undecodable', 'not JSON: "{\\"vmId\\":\\"vm-1\\""'],
    ['', 'undecodable', 'not JSON: ""'],
  ])('%s is rejected', (text, code, detail) => {
    expect(decodeText(text)).toEqual(refused(code, detail))
  })

  test.each(['9007199254740992', '9007199254740993', '-9007199254740993', '18446744073709551616', '1e20'])(
    'with the integer %s is refused, because JSON.parse rounds it',
    (integer) => {
      const about = `is about ${Number(integer)}`
      const text = line({ seq: -111 }).replace('-111', integer)
      expect(decodeText(text)).toEqual(refused('integer-beyond-2^53', `seq ${about}`))
      expect(decodeText(text.replace(String(point.timestamp), integer))).toEqual(
        refused('integer-beyond-2^53', `timestamp ${about}`),
      )
    },
  )

  test('quotes at most 80 characters of a bad value', () => {
    const decoded = decodeText(line({ value: 'x'.repeat(10_000) }))
    expect(decoded.kind === 'undecodable' && decoded.detail.length).toBeLessThan(120)
  })

  test('may have a vmId that is a member of Object.prototype', () => {
    for (const vmId of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect(decodeText(line({ vmId }))).toEqual({ kind: 'point', point: { ...point, vmId } })
    }
    expect(decodeText('{"__proto__":{"vmId":"a","metric":"b","timestamp":0,"seq":0,"value":1}}')).toMatchObject({
      code: 'invalid',
    })
    expect(({} as { vmId?: string }).vmId).toBeUndefined()
  })

  test('that is not UTF-8 is undecodable', () => {
    expect(decode(Buffer.from([0x22, 0xff, 0x22]))).toEqual(refused('undecodable', 'not UTF-8'))
    expect(decode(new TextEncoder().encode(line({})))).toEqual({ kind: 'point', point })
  })

  test('never throws, for any JSON', () => {
    const field = fc.constantFrom('vmId', 'metric', 'timestamp', 'seq', 'value', 'producer', 'manifest')
    const anything = fc.oneof(
      fc.json(),
      fc.string(),
      fc.dictionary(field, fc.jsonValue()).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(anything, (text) => {
        expect(['point', 'manifest', 'undecodable', 'entries']).toContain(decodeText(text).kind)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a mapping', () => {
  const mapping = { vmId: 'host', timestamp: 'ts', value: 'v', seq: 'n' }

  test('maps fields with other names', () => {
    const mapped = createJsonDecoder({ mapping })
    expect(mapped.decodeText('{"host":"vm-1","ts":5,"v":2,"n":1,"metric":"load"}')).toEqual({
      kind: 'point',
      point: { vmId: 'vm-1', producer: '', metric: 'load', timestamp: 5, seq: 1, value: 2 },
    })
    expect(mapped.decodeText('{"vmId":"vm-1","ts":5,"v":2,"n":1}')).toEqual(
      refused('invalid', 'host is missing, expected a text'),
    )
  })

  test('reads numbers as text, booleans and no readings, as any mapping does; without one they are refused', () => {
    const mapped = createJsonDecoder({ mapping })
    const read = (more: object): unknown =>
      mapped.decodeText(JSON.stringify({ host: 'vm-1', ts: 5, v: 2, n: 1, metric: 'load', ...more }))
    const at = { vmId: 'vm-1', producer: '', metric: 'load', timestamp: 5, seq: 1 }
    expect(read({ v: '1.5', ts: '5', n: '1' })).toEqual({ kind: 'point', point: { ...at, value: 1.5 } })
    expect(read({ v: true })).toEqual({ kind: 'point', point: { ...at, value: 1 } })
    for (const v of [null, '', 'NaN']) {
      expect(read({ v })).toEqual({ kind: 'no-reading', point: { ...at, value: Number.NaN } })
    }
    expect(read({ v: 'high' })).toEqual(refused('invalid', 'v is "high", expected a number'))
    expect(read({ v: '1', replaces: true })).toEqual(refused('invalid', 'v is "1", expected a number'))
    for (const value of [null, '', '1', true]) expect(decodeText(line({ value }))).toMatchObject({ code: 'invalid' })
  })

  test('without producer and seq reads neither', () => {
    const bare = createJsonDecoder({ mapping: { producer: null, seq: null } })
    expect(bare.decodeText(line({ producer: 'p' }))).toEqual({
      kind: 'point',
      point: { ...point, producer: '', seq: null },
    })
  })

  test('without a seq gives null, but only if no seq is required', () => {
    const lenient = createJsonDecoder({ requireSeq: false })
    expect(lenient.decodeText(line({ seq: undefined }))).toEqual({ kind: 'point', point: { ...point, seq: null } })
    expect(lenient.decodeText(line({ seq: 1.5 }))).toMatchObject({ code: 'invalid' })
    expect(lenient.decodeText(line({ seq: 4 }))).toEqual({ kind: 'point', point: { ...point, seq: 4 } })
  })
})
