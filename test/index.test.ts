/** The library as a program uses it: what it computes, how it refuses, and the types that it promises. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import * as windrow from '../src/index.ts'
import { ConfigurationError, defineAggregator, perMetric, readResults, run } from '../src/index.ts'
import type {
  ByMetric,
  CloseReason,
  MetricSummary,
  MetricSummaryState,
  ResultOf,
  ResultTypeOf,
  RunEvent,
  RunSummary,
  Settings,
  StateTypeOf,
  Summary,
} from '../src/index.ts'
import { ensureBuilt } from './support/built.ts'
import { samplePoints } from './support/sample-points.ts'

/** Highest value, and the highest of all windows as state. */
const peak = perMetric(
  defineAggregator<{ max: number }, { ever: number }, { max: number }>({
    name: 'peak',
    create: () => ({ max: -1 }),
    add: (acc, point) => ({ max: Math.max(acc.max, point.value) }),
    merge: (a, b) => ({ max: Math.max(a.max, b.max) }),
    result: (acc) => acc,
    advance: (prior, acc) => ({ ever: Math.max(prior?.ever ?? 0, acc.max) }),
  }),
)

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('a run', () => {
  let folder: string
  let settings: Settings
  beforeAll(ensureBuilt)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'windrow-library-'))
    writeFileSync(join(folder, 'points.ndjson'), samplePoints())
    settings = {
      input: join(folder, 'points.ndjson'),
      dataDir: join(folder, 'data'),
      results: join(folder, 'out.ndjson'),
    }
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('runs in a program that is given on the command line of Node', () => {
    const library = new URL('../dist/index.js', import.meta.url).href
    const program = `import { run } from ${JSON.stringify(library)}
      console.log((await run({ settings: ${JSON.stringify(settings)} })).points.accepted)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(Number(output)).toBeGreaterThan(0)
  })

  test('without an aggregator computes the summary, and its results read back typed', async () => {
    const total = await run({ settings })
    expect(total.points).toEqual({ consumed: 117, accepted: 108, duplicate: 0, conflict: 0, late: 0, rejected: 0 })
    expect(total.metrics['cpu']).toMatchObject({ count: 108, sum: 1890, min: 0, max: 35 })
    const results = await collect(readResults(join(folder, 'out.ndjson')))
    expect(results).toHaveLength(9)
    expect(results.every((one) => one.reason === 'complete' && one.metrics['cpu']?.count === 12)).toBe(true)
  })

  test('with an own aggregator computes that, and carries its state from window to window', async () => {
    const total = await run({ settings, aggregator: peak })
    expect(total.metrics).toEqual({ cpu: { max: 35 } })
    const results = await collect(readResults<typeof peak>(join(folder, 'out.ndjson')))
    const web1 = results.filter((one) => one.vmId === 'web-1')
    expect(web1.map((one) => one.metrics['cpu']?.max)).toEqual([11, 23, 35])
    expect(web1.map((one) => one.state?.['cpu']?.ever)).toEqual([11, 23, 35])
  })

  test('is refused to an aggregator that the job did not begin with', async () => {
    await run({ settings })
    await expect(run({ settings, aggregator: peak })).rejects.toMatchObject({
      code: 'JOB_CHANGED',
      message: expect.stringContaining('"summary@1" and is now "peak@1"') as string,
    })
  })

  test('an observer receives events and progress', async () => {
    const events: RunEvent[] = []
    let published = 0
    await run({
      settings: { ...settings, partitions: 1 },
      observer: { event: (event) => events.push(event), progress: (snapshot) => (published = snapshot.published) },
    })
    expect(events.filter((event) => event.kind === 'window-closed')).toHaveLength(3)
    expect(published).toBe(9)
  })

  test('stopped by its signal leaves a job that the next run completes', async () => {
    const stop = new AbortController()
    const observer = { event: (event: RunEvent) => event.kind === 'window-closed' && stop.abort() }
    await run({
      settings: { ...settings, partitions: 1 },
      observer: { event: (e) => void observer.event(e) },
      signal: stop.signal,
    })
    const total = await run({ settings: { ...settings, partitions: 1 } })
    expect(total.points.accepted).toBe(108)
    const keys = (await collect(readResults(join(folder, 'out.ndjson')))).map((one) => `${one.vmId}@${one.windowStart}`)
    expect(new Set(keys).size).toBe(9)
    expect(keys).toHaveLength(9)
  })

  test('quotes every wrong setting at once, by its name, and touches nothing', async () => {
    const wrong = { ...settings, window: '60', grce: '5m', partitions: 0 }
    const refused = await run({ settings: wrong }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ConfigurationError)
    expect((refused as ConfigurationError).problems).toEqual([
      { place: 'settings.grce', problem: 'there is no setting "grce"', remedy: 'Did you mean grace?' },
      expect.objectContaining({ place: 'settings.partitions', problem: '0 is below 1' }),
      expect.objectContaining({ place: 'settings.window', problem: '"60" has no unit' }),
    ])
    expect(readdirSync(folder)).toEqual(['points.ndjson'])
  })
})

test('the library exports these values and no others', () => {
  expect(Object.keys(windrow).sort()).toEqual([
    'ConfigurationError',
    'WindrowError',
    'createSummary',
    'defineAggregator',
    'perMetric',
    'rate',
    'readResults',
    'run',
    'summary',
  ])
})

describe('types', () => {
  test('results and states follow from the aggregator', () => {
    expectTypeOf<ResultTypeOf<Summary>>().toEqualTypeOf<ByMetric<MetricSummary>>()
    expectTypeOf<StateTypeOf<Summary>>().toEqualTypeOf<ByMetric<MetricSummaryState>>()
    expectTypeOf<ResultTypeOf<typeof peak>>().toEqualTypeOf<ByMetric<{ max: number }>>()
    expectTypeOf<RunSummary<typeof peak>['metrics']>().toEqualTypeOf<ByMetric<{ max: number }>>()
    expectTypeOf<RunSummary['metrics']>().toEqualTypeOf<ByMetric<MetricSummary>>()
  })

  test('the reason of a result narrows its type', () => {
    const read = (result: ResultOf): void => {
      expectTypeOf(result.reason).toEqualTypeOf<CloseReason>()
      expectTypeOf(result.metrics['cpu']?.mean).toEqualTypeOf<number | undefined>()
      if (result.reason === 'quarantined') expectTypeOf(result.error).toEqualTypeOf<string>()
      else expectTypeOf(result.metrics).toEqualTypeOf<ByMetric<MetricSummary>>()
    }
    expectTypeOf(read).toBeFunction()
  })

  test('settings are those of the configuration file', () => {
    expectTypeOf<Settings['window']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<Settings['input']>().toEqualTypeOf<string | readonly string[] | undefined>()
    expectTypeOf<Settings['expectEvery']>().toEqualTypeOf<string | null | undefined>()
    expectTypeOf<Settings['sidecar']>().toEqualTypeOf<'embedded' | 'dapr' | undefined>()
    expectTypeOf<Settings['partitions']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Settings>().not.toHaveProperty('windowMs')
    // @ts-expect-error -- a number has no unit
    expectTypeOf({ window: 60 }).toExtend<Settings>()
  })

  test('an accumulator that is no JSON needs a codec', () => {
    const define = () =>
      // @ts-expect-error -- encode and decode are missing
      defineAggregator<Map<string, number>>({
        name: 'counts',
        create: () => new Map(),
        add: (acc) => acc,
        merge: (a) => a,
        result: (acc) => acc.size,
      })
    expectTypeOf(define).toBeFunction()
  })
})
