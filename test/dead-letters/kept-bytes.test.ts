/** What is shown of a dead letter's bytes. */
import { expect, test } from 'vitest'
import { keptBytes, readableBytes } from '../../src/dead-letters/kept-bytes.ts'

const shown = (bytes: Uint8Array, isWhole = true): string => readableBytes({ bytes: Buffer.from(bytes), isWhole })

test.each([
  ['text stays text', Buffer.from('{"ü":1}\n'), true, '{"ü":1}\n'],
  ['a character that was cut off is left out', Buffer.from('aü').subarray(0, 2), false, 'a'],
  ['the same in a whole record is not UTF-8', Buffer.from('aü').subarray(0, 2), true, '0000  61 c3'],
  ['other bytes are shown in hexadecimal', Buffer.from([0xc3, 0x01, 0xff]), true, '0000  c3 01 ff'],
  ['what would steer a terminal too', Buffer.from('\x1b[2J'), true, '0000  1b 5b 32 4a'],
  ['nothing is nothing', Buffer.alloc(0), true, ''],
])('%s', (_, bytes, isWhole, expected) => {
  expect(shown(bytes, isWhole)).toBe(expected)
})

test('hexadecimal has sixteen bytes a line, each line with its place', () => {
  expect(shown(Buffer.alloc(17)).split('\n')).toEqual([`0000  ${'00 '.repeat(15)}00`, '0010  00'])
})

test('a record is whole when as many bytes are kept as it had', () => {
  const record = { partition: 0, offset: 0, place: { file: 'f', line: 1 }, digest: '', bytes: 'YWI=' }
  expect(keptBytes({ ...record, size: 2 })).toEqual({ bytes: Buffer.from('ab'), isWhole: true })
  expect(keptBytes({ ...record, size: 3 }).isWhole).toBe(false)
})
