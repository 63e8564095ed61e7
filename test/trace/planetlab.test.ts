/**
 * A real day: 1,052 VMs, 302,976 readings (PlanetLab, 3 March 2011; Beloglazov and Buyya, CCPE 2012). Every VM window must
 * equal the exact answer, in every format, whatever is sent twice or out of order; and what is lost must be named.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobSummary } from '../../src/app/types.ts'
import type { VmWindowResult } from '../../src/core/close-vm-window.ts'
import { RELATIVE_ACCURACY } from '../../src/core/quantile-sketch.ts'
import { resultsIn, summaryOf, windrow } from '../support/windrow-process.ts'
import { assertDataIsThere, expand, oracle, write, type Format } from './planetlab-day.ts'

const POINTS = 302_976
const WINDOWS = [
  { name: '1d', ms: 86_400_000 },
  { name: '1h', ms: 3_600_000 },
]
const DISTURBANCE = ['--dup', '0.05', '--reorder', '10']

let folder: string
beforeAll(() => {
  assertDataIsThere()
  folder = mkdtempSync(join(tmpdir(), 'windrow-trace-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function runDay(
  format: Format,
  lines: readonly string[],
  window: string,
): Promise<{ summary: JobSummary; results: VmWindowResult[] }> {
  const home = mkdtempSync(join(folder, `${format}-${window}-`))
  const input = await write(home, format, lines)
  const results = join(home, 'results.ndjson')
  const args = [
    'run',
    '--input',
    input,
    '--window',
    window,
    '--data-dir',
    join(home, 'data'),
    '--results',
    results,
    '--json',
  ]
  const summary = summaryOf(await windrow(args))
  return { summary, results: resultsIn(results) }
}

describe.each(WINDOWS)('the PlanetLab day in windows of $name', ({ name, ms }) => {
  const cases = (['ndjson', 'csv', 'avro'] as const).flatMap((format) => [
    { format, how: 'clean', args: [] as string[] },
    { format, how: 'with copies and disorder', args: DISTURBANCE },
  ])

  it.each(cases)('equals the exact answer, given as $format, $how', async ({ format, args }) => {
    const lines = expand(['--window-ms', String(ms), ...args])
    const copies = lines.filter((line) => !line.startsWith('{"manifest"')).length - POINTS
    const { summary, results } = await runDay(format, lines, name)

    const expected = oracle(ms)
    expect(results).toHaveLength(expected.size)
    for (const result of results) {
      const { count, sum, min, max } = expected.get(`${result.vmId}@${result.windowStart}`) ?? {}
      expect(result).toMatchObject({
        reason: 'complete',
        expected: count,
        received: count,
        missing: [],
        metrics: { cpu: { count, sum, min, max } },
      })
    }
    expect(results.reduce((sum, one) => sum + one.duplicates, 0)).toBe(copies)
    expect(summary.points).toEqual({
      consumed: lines.length,
      accepted: POINTS,
      duplicate: copies,
      conflict: 0,
      late: 0,
      rejected: 0,
    })
    expect(summary.manifests).toBe(expected.size)
    expect(summary.vmWindows).toBe(expected.size)
    expect(Object.keys(summary.windows.byReason)).toEqual(['complete'])

    // The table of the paper: mean 12.31, standard deviation 17.09, quartiles 2, 6 and 15.
    const cpu = summary.metrics['cpu'] as {
      count: number
      mean: number
      stddev: number
      p25: number
      p50: number
      p75: number
    }
    expect(cpu.count).toBe(POINTS)
    expect(cpu.mean.toFixed(2)).toBe('12.31')
    expect(cpu.stddev.toFixed(2)).toBe('17.09')
    for (const [quantile, value] of [
      [cpu.p25, 2],
      [cpu.p50, 6],
      [cpu.p75, 15],
    ] as const) {
      expect(Math.abs(quantile - value)).toBeLessThanOrEqual(RELATIVE_ACCURACY * value)
    }
  })

  it('names exactly what was lost', async () => {
    const lines = expand(['--window-ms', String(ms), '--drop', '0.001'])
    const { summary, results } = await runDay('ndjson', lines, name)

    const seen = new Set<string>()
    const promised = new Map<string, { first: number; count: number }>()
    for (const line of lines) {
      const { manifest, vmId, seq } = JSON.parse(line) as {
        vmId: string
        seq: number
        manifest?: { vmId: string; windowStart: number; firstSeq: number; count: number }
      }
      if (manifest)
        promised.set(`${manifest.vmId}@${manifest.windowStart}`, { first: manifest.firstSeq, count: manifest.count })
      else seen.add(`${vmId}#${seq}`)
    }
    let lost = 0
    for (const result of results) {
      const { first, count } = promised.get(`${result.vmId}@${result.windowStart}`) ?? { first: 0, count: 0 }
      const missing: number[] = []
      for (let seq = first; seq < first + count; seq++) if (!seen.has(`${result.vmId}#${seq}`)) missing.push(seq)
      lost += missing.length
      const named = result.missing.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
      expect(named).toEqual(missing)
      expect(result.reason === 'complete').toBe(missing.length === 0)
    }
    expect(lost).toBeGreaterThan(200)
    expect(summary.points.accepted).toBe(POINTS - lost)
  })
})
