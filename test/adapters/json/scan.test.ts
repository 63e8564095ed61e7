/**
 * Pins: what is scanned without JSON.parse has exactly the values of JSON.parse, for texts of any form, right or wrong; and that
 * the usual forms are scanned at all.
 */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { createJsonDecoder } from '../../../src/adapters/json/decode.ts'
import type { DecodeOptions } from '../../../src/adapters/json/mapping.ts'
import { resolveSettings, type Settings } from '../../../src/library/settings.ts'

type Fields = NonNullable<Settings['fields']>

const FIELDS: Record<string, Fields> = {
  nested: {
    ...{ vmId: 'tags.host', metric: 'name', producer: { path: 'by', optional: true }, seq: 'n', value: 'v' },
    timestamp: { path: 'at', unit: 's' },
  },
  iso: {
    vmId: ['tags["host"]', 'dc'],
    ...{ metric: { any: ['m', 'name'] }, seq: null, value: { any: ['v', 'n'] } },
    timestamp: { path: 'at', unit: 'iso', zone: '+01:00' },
  },
  wide: { vmId: 'tags.host', timestamp: { path: 'at', unit: 'ms' }, seq: null, metrics: ['v', 'n', 'tags.load'] },
  overlapping: { vmId: ['tags.host'], metric: 'tags', timestamp: 'at', seq: null, value: 'tags.load' },
}

function options(fields: Fields): DecodeOptions {
  return { mapping: resolveSettings({ input: 'x', fields }).fields, checkYears: true }
}

/** Texts of numbers that are read in another way than the usual short ones, or that are no JSON. */
const NUMBERS = [
  ...['0', '-0', '-0.0', '1', '12.50', '1e3', '1E-7', '-2.5e+2', '1e400', '-1e400', '5e-324', '1e-400'],
  ...['0.1', '0.30000000000000004', '9007199254740991', '9007199254740993', '1234567890.123456', '1772445600.125'],
  ...[
    '123456789012345678901234567890',
    '0.000000000000001',
    '999999999999999',
    '9999999999999999',
    '99999999.99999999',
  ],
  ...['01', '1.', '.5', '+1', '-', '1e', '1e+', '0x1f', '1_000', 'NaN', 'Infinity', '00', '-01', '1.5.2'],
]
const TIMES = [
  ...['2026-03-02T10:00:00Z', '2026-03-02 10:00:00.5', '2026-02-30T10:00:00Z', '2026-03-02T10:00:00,123456789+01:30'],
  ...['2026-03-02T10:00:60Z', '2026-03-02T24:00:00Z', '0026-03-02T10:00:00Z', '2026-03-02', '2026-03-02T10:00Z'],
  ...[
    '2024-02-29T23:59:59.999-00:30',
    '2026-03-02T10:00:00.Z',
    '2026-03-02T10:00:00.1234567890Z',
    '2026-13-02T10:00:00Z',
  ],
  ...['2026-03-02T10:00:00+0130', '2026-03-02T10:00:00+01', '2026-03-02T10:00:00+99:99', '2026-03-02T1x:00:00Z'],
]
const TEXTS = [
  '"a"',
  '"cpu"',
  '""',
  '"a\\"b"',
  '"\\u0061"',
  '"é"',
  '"a\tb"',
  '"\\x"',
  '"a',
  `"${'x'.repeat(70)}"`,
  '"12"',
]

const space = fc.constantFrom('', '', '', ' ', '\n ', '\t', '\r', '\f')
const scalar = fc.oneof(
  fc.constantFrom(...NUMBERS, '1772445600', '1772445600000', ...TEXTS, 'true', 'false', 'null', 'nul', 'True', ''),
  fc.constantFrom(...TIMES).map((time) => JSON.stringify(time)),
  fc.double().map((value) => String(value)),
  fc.double().map((value) => value.toFixed(9)),
)
const key = fc.constantFrom(
  ...['tags', 'host', 'name', 'at', 'n', 'v', 'by', 'dc', 'm', 'load'],
  ...['tags.host', 'tags.load', 'manifest', '__proto__', 'other', 'na\\u006de', 'stringValue'],
)
const { value: json } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(fc.tuple(space, key, space, tie('value'), space), { maxLength: 5 }).map(objectOf),
    fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(' ,')}]`),
  ),
}))

function objectOf(members: readonly (readonly [string, string, string, string, string])[]): string {
  return `{${members.map(([a, name, b, value, c]) => `${a}"${name}"${b}:${a}${value}${c}`).join(',')}}`
}

/** A record that has what the mappings want, with some members replaced, added, and in another order. */
const record = fc
  .tuple(
    fc.record(
      {
        tags: fc.oneof(fc.constant('{"host":"a","load":3}'), json),
        name: fc.oneof(fc.constant('"cpu"'), json),
        at: fc.oneof(
          fc.constant('1772445600.25'),
          fc.constant('1772445600000'),
          fc.constantFrom(...TIMES).map((time) => `"${time}"`),
          json,
        ),
        n: fc.oneof(fc.constant('7'), json),
        v: fc.oneof(fc.constant('1.5'), fc.constantFrom(...NUMBERS), json),
      },
      { requiredKeys: [] },
    ),
    fc.array(fc.tuple(key, json), { maxLength: 2 }),
    fc.array(space, { minLength: 3, maxLength: 3 }),
    fc.nat(),
  )
  .map(([wanted, more, [before = '', between = '', after = ''], turn]) => {
    const members = [...Object.entries(wanted), ...more].map(([name, value]) => `"${name}":${between}${value}`)
    const by = members.length === 0 ? 0 : turn % members.length
    return `${before}{${[...members.slice(by), ...members.slice(0, by)].join(`${between},`)}}${after}`
  })

/** The text with one character removed, replaced or added. */
const damaged = fc
  .tuple(record, fc.nat(), fc.nat(2), fc.constantFrom(...'{}[]",:\\ 0-.e\n'))
  .map(([text, position, much, character]) => {
    const at = position % (text.length + 1)
    return text.slice(0, at) + (much === 0 ? '' : character) + text.slice(at + (much === 1 ? 0 : 1))
  })

describe.each(Object.entries(FIELDS))('records of the mapping %s', (_, fields) => {
  it('are scanned to what JSON.parse gives, whatever the text', () => {
    // A new decoder per text: after many texts of unusual form, a decoder scans no more.
    const usual = options(fields)
    fc.assert(
      fc.property(fc.oneof(record, damaged, json), (text) => {
        const bytes = Buffer.from(`,${text}"}`)
        const scanned = createJsonDecoder(usual).scan(bytes, 1, bytes.length - 2, {})
        // `toStrictEqual` distinguishes 0 and -0.
        if (scanned !== null) expect(scanned).toStrictEqual(createJsonDecoder(usual).decodeText(text))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the scanner', () => {
  const nested = options(FIELDS['nested'] as Fields)
  const scan = (text: string, decode = nested): unknown => {
    const bytes = Buffer.from(text)
    return createJsonDecoder(decode).scan(bytes, 0, bytes.length, {})
  }
  const usual = '{"tags":{"host":"a","x":[1,{"y":[]}]},"name":"cpu","at":1772445600.25,"n":7,"v":-1.5e0,"z":{"q":null}}'

  it('reads the usual forms', () => {
    const point = { vmId: 'a', producer: '', metric: 'cpu', timestamp: 1_772_445_600_250, seq: 7, value: -1.5 }
    expect(scan(usual)).toStrictEqual({ kind: 'point', point })
    expect(scan(` ${usual.replaceAll(',', ' ,\r\n').replaceAll(':', '\t: ')}\r`)).toStrictEqual({
      kind: 'point',
      point,
    })
    expect(scan(usual.replace('-1.5e0', 'null'))).toMatchObject({ kind: 'no-reading' })
    expect(scan(usual.replace('-1.5e0', '-0'))).toMatchObject({ point: { value: -0 } })
    const iso = options(FIELDS['iso'] as Fields)
    expect(scan('{"tags":{"host":"a"},"dc":"b","name":"cpu","at":"2026-03-02 10:00:00.5","v":1}', iso)).toMatchObject({
      point: { vmId: 'a/b', timestamp: Date.UTC(2026, 2, 2, 9, 0, 0, 500) },
    })
    expect(scan(usual, options(FIELDS['overlapping'] as Fields))).toBeNull()
  })

  it.each([
    ['an escape in a wanted text', usual.replace('"a"', '"\\u0061"')],
    ['an escape in a key', usual.replace('"name"', '"na\\u006de"')],
    ['an escape in another text', usual.replace('null', '"\\n"')],
    ['a text that is not ASCII', usual.replace('"a"', '"é"')],
    ['a wanted key twice', usual.replace('"z"', '"v":2,"z"')],
    ['an object on the way twice', usual.replace('"z"', '"tags":{},"z"')],
    ['a key that is the text of a path', usual.replace('"z"', '"tags.host":"b","z"')],
    ['a manifest', usual.replace('"z"', '"manifest":{},"z"')],
    ['an object as a wanted value', usual.replace('-1.5e0', '{"doubleValue":1}')],
    ['a list of pairs on the way', usual.replace('{"host":"a",', '[{"key":"host","value":"a"}],"t":{')],
    ['text after the object', `${usual} 1`],
    ['a missing brace', usual.slice(0, -1)],
    ['a leading zero', usual.replace('"n":7', '"n":07')],
  ])('leaves %s to JSON.parse', (_, text) => {
    expect(scan(text)).toBeNull()
  })

  it('is given up where most records are of an unusual form, and where few are it is not', () => {
    const bytes = Buffer.from(usual)
    const unusual = Buffer.from(usual.replace('"a"', '"é"'))
    const kept = createJsonDecoder(nested)
    const givenUp = createJsonDecoder(nested)
    for (let i = 0; i < 200; i++) {
      expect(kept.scan(bytes, 0, bytes.length, {})).not.toBeNull()
      for (const decoder of [kept, givenUp]) decoder.scan(unusual, 0, unusual.length, {})
    }
    expect(kept.scan(bytes, 0, bytes.length, {})).not.toBeNull()
    expect(givenUp.scan(bytes, 0, bytes.length, {})).toBeNull()
    expect(givenUp.decode(bytes)).toMatchObject({ kind: 'point' })
  })
})
