/** The tables in reliability.md show the stored figures of real runs. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KINDS } from '../faults/kinds.ts'
import { ROOT } from '../support/built.ts'
import { pageAt } from './pages.ts'

interface Script {
  readonly tableOf: (name: string) => string
  readonly figuresIn: (text: string) => { name: string; body: string }[]
}

const { text } = pageAt('docs/internals/reliability.md')

test('the tables show docs/internals/reliability/*.json; `npm run docs:reliability` writes them', async () => {
  const { tableOf, figuresIn } = (await import(join(ROOT, 'scripts/docs-reliability.mjs'))) as Script
  const figures = figuresIn(text)
  expect(figures.map(({ name }) => name)).toEqual(['runs', 'controls', 'takeover'])
  for (const { name, body } of figures) expect(body).toBe(tableOf(name))
})

test('every kind of fault is described', () => {
  expect(KINDS.filter(({ name }) => !text.includes(`\`${name}\``)).map(({ name }) => name)).toEqual([])
})
