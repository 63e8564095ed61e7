import { expect, test } from 'vitest'
import { bar, sparkline } from '../../src/ui/charts.ts'

test.each([
  [[], ''],
  [[0, 1, 2, 3, 4, 5, 6, 7], '▁▂▃▄▅▆▇█'],
  [[100, 0, 50], '█▁▅'],
  [[5, 5, 5], '▄▄▄'],
  [[-7, 0], '▁█'],
  [[1, NaN, 2], '▁ █'],
  [[NaN, Infinity], '  '],
])('the values %j are drawn as "%s"', (values, line) => {
  expect(sparkline(values)).toBe(line)
})

test.each([
  [0, 10, '░░░░'],
  [5, 10, '██░░'],
  [10, 10, '████'],
  [11, 10, '████'],
  [0, 0, '░░░░'],
])('%d of %d fills the bar %s', (done, total, line) => {
  expect(bar(done, total, 4)).toBe(line)
})

test('a bar is full only at the end, and empty only at the start', () => {
  expect(bar(1, 1000, 4)).toBe('█░░░')
  expect(bar(999, 1000, 4)).toBe('███░')
})
