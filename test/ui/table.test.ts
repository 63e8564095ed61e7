import { expect, test } from 'vitest'
import { createStyle } from '../../src/ui/style.ts'
import { renderTable } from '../../src/ui/table.ts'

const COLUMNS = [{ title: 'metric' }, { title: 'count', align: 'right' as const }]

test('columns are as wide as their widest cell, and no line ends in blanks', () => {
  const lines = renderTable(COLUMNS, [['cpu', '1,052'], ['memory_used', '7'], ['disk']])
  expect(lines).toEqual(['metric       count', 'cpu          1,052', 'memory_used      7', 'disk'])
})

test('a table without rows has only its titles', () => {
  expect(renderTable(COLUMNS, [])).toEqual(['metric  count'])
})

test('coloured cells are aligned like plain ones', () => {
  const { red } = createStyle(true)
  expect(renderTable(COLUMNS, [[red('cpu'), '1']])[1]).toBe(`${red('cpu')}         1`)
})
