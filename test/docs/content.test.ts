/** Fields, code and program output in the documentation match the program. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { summary } from '../../src/core/summary.ts'
import { benchmarkTable } from '../../src/dev/size/benchmark.ts'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { perSuite } from '../support/seeds.ts'
import { fences, pageAt } from './pages.ts'

const POINT = { vmId: 'a', producer: '', metric: 'cpu', timestamp: 0, seq: 0, value: 1 }

interface Drawings {
  readonly windowBlocksOf: (text: string) => { readonly body: string }[]
  readonly drawWindows: (block: { readonly body: string }) => string
}

interface Blocks {
  readonly PAGES: readonly string[]
  readonly blocksOf: (text: string) => { args: string; body: string }[]
  readonly bodyOf: (args: string) => string
}

/** The demo in README.md closes 800 VM windows; demo.test.ts runs smaller ones in each suite. */
const LONG = perSuite({ unit: /^demo /, simulation: /^no command$/ })

beforeAll(ensureBuilt)

test('results.md describes every field of results, dead letters, metrics and states', () => {
  const fieldsOf = (schema: string): string[] => {
    const { fields } = JSON.parse(readFileSync(join(ROOT, 'schemas', schema), 'utf8')) as { fields: { name: string }[] }
    return fields.map((field) => field.name)
  }
  const acc = summary.add(summary.create(), POINT)
  const window = { start: 0, end: 1 }
  const metrics = summary.result(acc, { window, prior: null })['cpu'] ?? {}
  const state = summary.advance(null, acc, window)?.['cpu'] ?? {}
  const computed = [...Object.keys(metrics), ...Object.keys(state)].filter((name) => !/^p(50|75|95)$/.test(name))
  const fields = [...fieldsOf('vm-window-result.avsc'), ...fieldsOf('dead-letter.avsc'), ...computed]
  expect(fields.length).toBeGreaterThan(30)
  expect(fields.filter((name) => !pageAt('docs/reference/results.md').text.includes(`\`${name}\``))).toEqual([])
})

test('results.md lists every reason of a dead letter', () => {
  const types = ['fate.ts', 'point.ts'].map((name) => readFileSync(join(ROOT, 'src/core', name), 'utf8')).join('')
  const unions = [...types.matchAll(/export type (?:DeadLetterReason|DecodeProblem) =([^]*?)\n\n/g)].map(
    ([, union]) => union,
  )
  const reasons = unions.join('').match(/(?<=')[^'\s]+(?=')/g) ?? []
  expect(reasons.length).toBeGreaterThan(12)
  expect(reasons.filter((reason) => !pageAt('docs/reference/results.md').text.includes(`\`${reason}\``))).toEqual([])
})

test('the aggregator in aggregators.md is that of example 01', () => {
  const [code = ''] = fences(pageAt('docs/aggregators.md').text, 'ts')
  expect(readFileSync(join(ROOT, 'examples/01-own-aggregator/main.ts'), 'utf8')).toContain(code)
})

test('the lines of input in README.md are a point and a manifest', async () => {
  const { createJsonDecoder } = await import('../../src/adapters/json/decode.ts')
  const [lines = ''] = fences(pageAt('README.md').text, 'json')
  const kinds = lines
    .trimEnd()
    .split('\n')
    .map((line) => createJsonDecoder().decodeText(line).kind)
  expect(kinds).toEqual(['point', 'manifest'])
})

test('the output in the documents matches the program; `npm run docs:output` writes it', async () => {
  const { PAGES, blocksOf, bodyOf } = (await import(join(ROOT, 'scripts/docs-output.mjs'))) as Blocks
  const withoutTimes = (body: string): string => body.replace(/in [\d.]+ m?s \([\d.]+[kM]?\/s\)/, 'in TIME')
  for (const page of PAGES) {
    const blocks = blocksOf(pageAt(page).text)
    expect(blocks.length, page).toBeGreaterThan(0)
    const compared = blocks.filter(({ args }) => !LONG.test(args))
    for (const { args, body } of compared) expect(withoutTimes(body), page).toBe(withoutTimes(bodyOf(args)))
  }
})

test('the drawings of windows in concepts.md are what `npm run docs:windows` draws', async () => {
  const { windowBlocksOf, drawWindows } = (await import(join(ROOT, 'scripts/docs-windows.mjs'))) as Drawings
  const blocks = windowBlocksOf(pageAt('docs/concepts.md').text)
  expect(blocks.length).toBeGreaterThan(0)
  for (const block of blocks) expect(block.body).toBe(drawWindows(block))
})

test('the error of the sizing model in scale.md is what `npm run bench -- size-error` prints', () => {
  expect(pageAt('docs/operating/scale.md').text).toContain(benchmarkTable())
})
