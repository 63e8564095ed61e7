/**
 * A newcomer's change: a sink in one folder (lines/) and one line that registers it. Jobs run on it alone, and next to
 * the files sink.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
// The texts of the settings list the sinks that are registered when they are loaded. The files of a worker share modules, so
// they are loaded here, before the sink of this test is registered.
import '../../src/config/settings.ts'
import { readResults, run, type Settings } from '../../src/index.ts'
import type { OutboxBatch } from '../../src/ports/index.ts'
import { registerSink } from '../../src/sinks/registry.ts'
import { ensureBuilt } from '../support/built.ts'
import { samplePoints } from '../support/sample-points.ts'
import { createLinesSink } from './lines/sink.ts'

let onAppended: (batch: OutboxBatch) => void
const removeSink = registerSink(createLinesSink((batch) => onAppended(batch)))
afterAll(removeSink)

describe('a job', () => {
  let folder: string
  let settings: Settings
  const at = (name: string): string => join(folder, name)
  /** The lines that the sink has stored, in order. */
  const linesIn = (name: string): string[] => readFileSync(at(name), 'utf8').trimEnd().split('\n')

  beforeAll(ensureBuilt)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'windrow-sinks-'))
    writeFileSync(at('points.ndjson'), samplePoints())
    settings = { input: at('points.ndjson'), dataDir: at('data'), partitions: 1, results: `lines:${at('out.lines')}` }
    onAppended = () => undefined
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('publishes every result and certificate to a sink that was registered', async () => {
    const summary = await run({ settings })
    expect(summary.vmWindows).toBe(9)
    expect(new Set(linesIn('out.lines')).size).toBe(9)
    expect(linesIn('out.lines')).toHaveLength(9)
    expect(linesIn('out.lines.certificates')).toHaveLength(summary.windows.closed)
  })

  it('repeats the commit that was stored before a crash and before its marker, and no other', async () => {
    const published: number[] = []
    onAppended = ({ marker }) => {
      published.push(marker.commit)
      if (published.length === 2) throw new Error('crashed before the marker was stored')
    }
    await expect(run({ settings })).rejects.toThrow('crashed before the marker was stored')
    const before = linesIn('out.lines')

    const summary = await run({ settings })
    expect(published.slice(0, 3)).toEqual([1, 2, 2])
    expect(new Set(published).size).toBe(published.length - 1)
    const lines = linesIn('out.lines')
    expect(lines.slice(0, before.length)).toEqual(before)
    expect(new Set(lines).size).toBe(summary.vmWindows)
    expect(lines.length).toBeGreaterThan(new Set(lines).size)
  })

  it('publishes to several sinks, each from its own marker: after a crash of one, only that one repeats a commit', async () => {
    const lines = [`lines:${at('a.lines')}`, `lines:${at('b.lines')}`]
    const several = { ...settings, results: [at('out.ndjson'), ...lines] }
    let batches = 0
    onAppended = () => {
      // Two sinks of this kind get each commit: the crash happens in one of them, in the second commit.
      if (++batches === 3) throw new Error('crashed before the marker was stored')
    }
    await expect(run({ settings: several })).rejects.toThrow('crashed before the marker was stored')

    const summary = await run({ settings: several })
    const results: string[] = []
    for await (const result of readResults(at('out.ndjson'))) results.push(JSON.stringify(result))
    expect(results).toHaveLength(summary.vmWindows)
    const stored = ['a.lines', 'b.lines'].map((name) => linesIn(name))
    for (const one of stored) expect([...new Set(one)].sort()).toEqual([...results].sort())
    const repeated = stored.map((one) => one.length - new Set(one).size)
    expect(Math.min(...repeated)).toBe(0)
    expect(Math.max(...repeated)).toBeGreaterThan(0)
  })

  it('refuses a sink that was added after the job had published: it lacks what was published before', async () => {
    await run({ settings: { ...settings, results: at('out.ndjson') } })
    const added = { ...settings, results: [at('out.ndjson'), `lines:${at('out.lines')}`] }
    await expect(run({ settings: added })).rejects.toMatchObject({
      code: 'RESULTS_BEHIND',
      message: expect.stringContaining(`lines in ${at('out.lines')}`) as string,
    })
  })
})
