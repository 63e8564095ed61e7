/**
 * `--aggregator` from end to end: `run`, `verify` and `replay` with the counter rate of example 05, as a user starts them,
 * and the errors of a module that cannot be used.
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadAggregator } from '../../src/app/load-aggregator.ts'
import { ConfigurationError } from '../../src/errors/index.ts'
import type { VerifyReport } from '../../src/verify/report.ts'
import { ensureBuilt, ROOT } from '../support/built.ts'
import { resultsIn, start, summaryOf, windrow } from '../support/windrow-process.ts'

const MODULE = join(ROOT, 'examples/05-counter-rate/counter-rate.mjs')
const MINUTE = 60_000
/** Three windows of one counter that grows by 60 each 10 s, and restarts in the third window. One point comes late, and files are read as they are. */
const VALUES = [...Array.from({ length: 12 }, (_, i) => i * 60), ...Array.from({ length: 6 }, (_, i) => i * 60)]
const LINES = VALUES.map((value, seq) => ({ vmId: 'vm-1', metric: 'requests', timestamp: seq * 10_000, seq, value }))
const LATE = 4

let folder: string
const at = (name: string): string => join(folder, name)
const settings = ['--window', '1m', '--grace', '0s', '--expect-every', '10s', '--partitions', '1', '--order', 'time']
const flags = (...more: readonly string[]): string[] => [
  ...['--input', at('points.ndjson'), '--data-dir', at('data'), ...settings, '--json'],
  ...more,
]

beforeAll(() => {
  ensureBuilt()
  folder = mkdtempSync(join(tmpdir(), 'windrow-aggregator-'))
  const [late] = LINES.splice(LATE, 1)
  LINES.splice(15, 0, late!)
  writeFileSync(at('points.ndjson'), LINES.map((line) => `${JSON.stringify(line)}\n`).join(''))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function verify(...more: readonly string[]): Promise<{ code: number | null; report: VerifyReport }> {
  const { code, stdout, stderr } = await start(['verify', ...flags(...more)]).ended
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as VerifyReport }
}

describe('a counter’s rate per second of its window', () => {
  test('is published by run: from the window and from the prior state', async () => {
    const summary = summaryOf(await windrow(['run', ...flags('--aggregator', MODULE)]))
    expect(summary.aggregator).toBe('counter-rate@1')
    const latest = new Map(resultsIn(at('data/results.ndjson')).map((result) => [result.windowStart, result]))
    const rates = [...latest.values()].map(({ metrics }) => (metrics as { requests: object }).requests)
    expect(rates).toEqual([
      { value: 300, increase: 300, perSecond: 5 },
      { value: 660, increase: 360, perSecond: 6 },
      { value: 300, increase: 300, perSecond: 5 },
    ])
    expect([...latest.values()].map(({ aggregator, revision }) => [aggregator, revision])).toEqual([
      ['counter-rate@1', 2],
      ['counter-rate@1', 1],
      ['counter-rate@1', 1],
    ])
  })

  test('is recomputed by verify with the module of the environment variable', async () => {
    const { stdout } = await windrow(['verify', ...flags()], { WINDROW_AGGREGATOR: MODULE })
    const report = JSON.parse(stdout) as VerifyReport
    expect(report).toMatchObject({ differenceCount: 0, notes: [], compared: { vmWindows: { compared: 4, equal: 4 } } })
  })

  test('that was changed after it was published is found by verify', async () => {
    const results = at('changed.ndjson')
    const text = readFileSync(at('data/results.ndjson'), 'utf8')
    writeFileSync(results, text.replace('"perSecond":6', '"perSecond":7'))
    copyFileSync(at('data/results.certificates.ndjson'), at('changed.certificates.ndjson'))
    const given = ['--results', results, '--certificates', at('changed.certificates.ndjson')]
    const { code, report } = await verify('--aggregator', MODULE, ...given)
    expect(code).toBe(1)
    expect(report.differences).toContainEqual(
      expect.objectContaining({
        field: 'metrics',
        window: MINUTE,
        expected: { requests: { value: 660, increase: 360, perSecond: 6 } },
        found: { requests: { value: 660, increase: 360, perSecond: 7 } },
      }),
    )
  })

  test('is not compared by verify without the module, and the report says so', async () => {
    const { code, report } = await verify()
    expect(code).toBe(0)
    expect(report.notes).toEqual([expect.stringContaining('the aggregator counter-rate@1')])
  })

  test('is the same in a replay', async () => {
    const { stdout } = await windrow(['replay', ...flags('--aggregator', MODULE, '--dry-run')])
    expect(JSON.parse(stdout)).toMatchObject({ difference: { equal: 3, differing: 0, onlyLive: 0, onlyReplay: 0 } })
  })

  test('of another version is refused, since the job is bound to the aggregator', async () => {
    writeFileSync(at('other.mjs'), PLAIN.replace("'plain'", "'counter-rate', version: 2"))
    const { code, stderr } = await start(['run', ...flags('--aggregator', at('other.mjs'))]).ended
    expect(code).not.toBe(0)
    expect(stderr).toContain('aggregator was "counter-rate@1" and is now "counter-rate@2"')
  })

  test('is verified as another aggregator: each result differs', async () => {
    writeFileSync(at('plain.mjs'), PLAIN)
    const { code, report } = await verify('--aggregator', at('plain.mjs'))
    expect(code).toBe(1)
    expect(report.differences).toContainEqual(
      expect.objectContaining({ field: 'aggregator', expected: 'plain@1', found: 'counter-rate@1' }),
    )
  })
})

describe('the built-in rate', () => {
  const given = (): string[] => {
    const outputs = ['--results', at('rates.ndjson'), '--certificates', at('rates.certificates.ndjson')]
    return flags('--aggregator', 'rate', '--job', 'rates', ...outputs)
  }

  test('is published by run, and recomputed by verify, which finds a change', async () => {
    expect(summaryOf(await windrow(['run', ...given()])).aggregator).toBe('rate@1')
    const latest = new Map(resultsIn(at('rates.ndjson')).map((result) => [result.windowStart, result]))
    expect([...latest.values()].map(({ metrics }) => (metrics as { requests: object }).requests)).toEqual([
      { count: 6, last: 300, increase: 300, perSecond: 6, restarts: 0 },
      { count: 6, last: 660, increase: 360, perSecond: 6, restarts: 0 },
      { count: 6, last: 300, increase: 300, perSecond: 5, restarts: 1 },
    ])
    const { stdout } = await windrow(['verify', ...given()])
    expect(JSON.parse(stdout)).toMatchObject({ differenceCount: 0, notes: [] })
    writeFileSync(
      at('rates.ndjson'),
      readFileSync(at('rates.ndjson'), 'utf8').replace('"increase":360', '"increase":361'),
    )
    const changed = await start(['verify', ...given()]).ended
    expect(changed.code).toBe(1)
    expect((JSON.parse(changed.stdout) as VerifyReport).differences).toContainEqual(
      expect.objectContaining({ field: 'metrics', window: MINUTE }),
    )
  })
})

const PLAIN = `export default {
  name: 'plain', create: () => ({ n: 0 }), add: ({ n }) => ({ n: n + 1 }), merge: (a, b) => ({ n: a.n + b.n }),
  result: ({ n }) => n,
}`

describe('a module', () => {
  test('may export a plain definition, so that it needs no import', async () => {
    writeFileSync(at('plain.mjs'), PLAIN)
    const aggregator = await loadAggregator(at('plain.mjs'))
    expect(aggregator).toMatchObject({ name: 'plain', version: 1, maxBytesPerMetric: null })
    expect(aggregator.advance(null, { n: 1 }, { start: 0, end: 1 })).toBeNull()
  })

  test.each([
    ['no file', null, /there is no file .*no-file\.mjs/],
    ['a syntax error', 'export default {', /cannot be loaded: /],
    ['an error when it is loaded', 'throw new Error("boom")', /cannot be loaded: boom/],
    ['no such export', 'export const mine = {}', /exports no aggregator/],
    ['an export that is no object', 'export default () => 1', /exports a function/],
    ['members missing', 'export default { name: "x", create: () => 0 }', /has no valid add, merge, result$/],
    ['an invalid name', PLAIN.replace('plain', 'Plain!'), /the name of an aggregator is "Plain!"/],
    ['the name of the built-in aggregator', PLAIN.replace('plain', 'summary'), /the name summary is reserved/],
    ['the name of the other one', PLAIN.replace('plain', 'rate'), /the name rate is reserved/],
    ['half a codec', PLAIN.replace('result:', 'encode: (acc) => acc, result:'), /has no decode/],
  ])('with %s is a configuration error', async (title, source, message) => {
    const path = at(`${title.replaceAll(' ', '-')}.mjs`)
    if (source !== null) writeFileSync(path, source)
    const error: unknown = await loadAggregator(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConfigurationError)
    const [problem] = (error as ConfigurationError).problems
    expect(problem).toMatchObject({ place: '--aggregator', problem: expect.stringMatching(message) as string })
    expect(problem?.remedy).not.toBe('')
  })

  test('in TypeScript is loaded if Node.js supports it, and otherwise the error has a remedy', async () => {
    const path = at('typed.ts')
    writeFileSync(path, PLAIN.replace('({ n })', '({ n }: { n: number })'))
    const args = ['run', ...flags('--aggregator', path, '--job', 'typed', '--results', at('typed.ndjson'))]
    const { code, stderr } = await start([...args, '--data-dir', at('typed')]).ended
    if ((process.features as { typescript?: string | false }).typescript) expect(code).toBe(0)
    else expect(stderr).toMatch(/cannot load the TypeScript module[^]*Compile the module to JavaScript/)
  })
})
