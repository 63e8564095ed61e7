/** Bytes in stored rows, as base64. */
import { expect, test } from 'vitest'
import { base64Of, bytesOfBase64 } from '../../src/core/base64.ts'

test('bytes of any length have the base64 that the platform gives them, and come back', () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + length * 59) % 256)
    const text = base64Of(bytes)
    expect(text).toBe(btoa(String.fromCharCode(...bytes)))
    expect(bytesOfBase64(text)).toEqual(bytes)
  }
})

test('a part of a larger array is that part alone', () => {
  expect(base64Of(Uint8Array.from([9, 1, 2, 3, 9]).subarray(1, 4))).toBe(btoa('\u0001\u0002\u0003'))
})

test.each(['?', 'AA=A', 'A'])('%j is no base64 and is refused', (text) => {
  expect(() => bytesOfBase64(text)).toThrow()
})
