import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type Json } from '../../src/core/json.ts'

describe('canonical JSON', () => {
  it.each<[Json, string]>([
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ Z: 1, a: 2, ä: 3 }, '{"Z":1,"a":2,"ä":3}'],
    [-0, '0'],
    [1e21, '1e+21'],
    [0.1 + 0.2, '0.30000000000000004'],
    ['line\nbreak "and" more', '"line\\nbreak \\"and\\" more"'],
    [JSON.parse('{"__proto__":1}') as Json, '{"__proto__":1}'],
  ])('writes %j as one line with sorted keys', (value, text) => {
    expect(canonicalJson(value)).toBe(text)
    expect(text).not.toContain('\n')
  })

  it.each([Number.NaN, Infinity, -Infinity])('refuses %d, which JSON.stringify would turn into null', (number) => {
    expect(() => canonicalJson({ deep: [number] })).toThrow(`JSON cannot carry the number ${number}`)
  })

  it.each([() => 1, Symbol('s'), 1n])('refuses what is no JSON: a %s', (value) => {
    expect(() => canonicalJson({ value } as unknown as Json)).toThrow(TypeError)
  })

  it('leaves undefined members out, as JSON.stringify does', () => {
    expect(canonicalJson({ a: undefined, b: 1 } as unknown as Json)).toBe('{"b":1}')
  })

  it('reads back to the same value, and to the same text whatever the order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = canonicalJson(value as Json)
        expect(canonicalJson(JSON.parse(text) as Json)).toBe(text)
        if (value === null || typeof value !== 'object' || Array.isArray(value)) return
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(reversed as Json)).toBe(text)
      }),
    )
  })
})
