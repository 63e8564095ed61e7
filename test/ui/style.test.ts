import { expect, test } from 'vitest'
import { clip, createStyle, visibleLength, wantsColour } from '../../src/ui/style.ts'

test.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [true, { TERM: 'xterm-256color' }, true],
])('terminal %s with %j: colours %s', (isTty, env, expected) => {
  expect(wantsColour(isTty, env)).toBe(expected)
})

test('a style without colours leaves text as it is', () => {
  for (const paint of Object.values(createStyle(false)))
    expect((paint as (text: string) => string)('text')).toBe('text')
})

test('colours do not count as columns', () => {
  expect(createStyle(true).red('late')).toBe('\x1b[31mlate\x1b[39m')
  expect(visibleLength(createStyle(true).red('late'))).toBe(4)
  expect(visibleLength('▁▂')).toBe(2)
})

test.each([
  ['short', 5, 'short'],
  ['longer', 5, 'long…'],
  [createStyle(true).bold('short'), 5, '\x1b[1mshort\x1b[22m'],
  [createStyle(true).bold('longer'), 5, 'long…'],
  ['longer', 0, '…'],
])('%j is cut to %d columns', (text, columns, expected) => {
  expect(clip(text, columns)).toBe(expected)
})
