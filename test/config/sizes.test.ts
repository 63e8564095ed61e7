import { expect, test } from 'vitest'
import { parseSize, sizeText } from '../../src/config/sizes.ts'

test.each([
  [0, '0B'],
  [1, '1B'],
  [1536, '1536B'],
  [65_536, '64KiB'],
  [1024 ** 2, '1MiB'],
  [3 * 1024 ** 3, '3GiB'],
])('%i bytes are formatted as %s and parsed back', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
  expect(parseSize(text)).toBe(bytes)
})

test.each(['', '64', '64kB', '64KB', '1MB', '1.5MiB', '-1B', '1 MiB', '99999999999999GiB'])(
  '"%s" is not a size',
  (text) => {
    expect(parseSize(text)).toBeNull()
  },
)
