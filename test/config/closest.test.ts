import { expect, test } from 'vitest'
import { closest } from '../../src/config/closest.ts'

const WORDS = ['window', 'grace', 'deadline', 'job', 'maxInFlight', 'amendWindows']

test.each([
  ['windw', 'window', 'a letter left out'],
  ['windoow', 'window', 'a letter too many'],
  ['widnow', 'window', 'neighbours swapped'],
  ['grade', 'grace', 'a letter replaced'],
  ['Window', 'window', 'another case'],
  ['max_in_flight', 'maxInFlight', 'another way to join words'],
  ['jbo', 'job', 'a short word with one slip'],
])('"%s" suggests "%s": %s', (word, meant) => {
  expect(closest(word, WORDS)).toBe(meant)
})

test.each(['x', 'bo', 'throughput', 'winter', ''])('nothing is suggested for "%s"', (word) => {
  expect(closest(word, WORDS)).toBeNull()
})

test('of several near words the nearest is suggested', () => {
  expect(closest('brokes', ['broken', 'brokers', 'tokens'])).toBe('broken')
  expect(closest('brokrs', ['broken', 'brokers', 'tokens'])).toBe('brokers')
})
