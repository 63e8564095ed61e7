/** The table of metrics, its reference, and what a running process really exports: all three say the same. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { ATTRIBUTES, prometheusLabel, type AttributeName } from '../../src/telemetry/attributes.ts'
import { metricsReference } from '../../src/telemetry/metrics-reference.ts'
import { METRICS, prometheusName, type MetricDefinition } from '../../src/telemetry/metrics.ts'
import { runObserved } from './run-observed.ts'

const ALL: readonly MetricDefinition[] = Object.values(METRICS)

test('docs/metrics.md is what the table says; `npm run docs:metrics` writes it', () => {
  const written = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  expect(written).toBe(metricsReference())
})

describe('by the conventions of OpenTelemetry', () => {
  it.each(ALL.map((metric) => [metric.name, metric] as const))('%s has a name, a unit and help', (_, metric) => {
    expect(metric.name).toMatch(/^(windrow|nodejs|process)(\.[a-z][a-z0-9_]*)+$/)
    // Units are in a field of their own and not in the name; what is counted stands in braces.
    expect(metric.unit).toMatch(/^(s|By|1|\{[a-z]+\})$/)
    expect(metric.name).not.toMatch(/seconds|bytes|total|count$/)
    expect(metric.help).toMatch(/^[A-Z0-9].*[^.]$/)
    expect(metric.kind === 'histogram').toBe(metric.buckets !== undefined)
  })

  it('no name is another one with more words in Prometheus', () => {
    const names = ALL.map(prometheusName)
    expect(new Set(names).size).toBe(names.length)
  })
})

/** One line of what Prometheus gets. */
interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

function seriesIn(text: string): Series[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [, name = '', labels = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? []
    return { name, labels: pairsIn(labels) }
  })
}

function pairsIn(labels: string): Record<string, string> {
  const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)]
  return Object.fromEntries(pairs.map(([, label = '', value = '']) => [label, value]))
}

describe('what a running process exports', () => {
  let text = ''
  beforeAll(async () => {
    text = (await runObserved()).scraped
  })

  it('is every metric of the table that a run on files has, with its help, unit and kind, and no other', () => {
    const told = new Map<string, { help?: string; unit?: string; kind?: string }>()
    for (const [, what, name, value] of text.matchAll(/^# (HELP|UNIT|TYPE) (\S+) (.*)$/gm)) {
      const one = told.get(name as string) ?? {}
      told.set(name as string, { ...one, [{ HELP: 'help', UNIT: 'unit', TYPE: 'kind' }[what as 'HELP']]: value })
    }
    told.delete('target_info')
    const expected = ALL.filter(({ topicsOnly }) => topicsOnly !== true)
    const table = new Map(expected.map((metric) => [prometheusName(metric), metric]))
    expect([...told.keys()].sort()).toEqual([...table.keys()].sort())
    for (const [name, { help, unit, kind }] of table) {
      // The text format escapes nothing that stands in a help here.
      expect(told.get(name), name).toEqual({ help, unit, kind })
    }
  })

  it('has only the attributes of the table, with the values that they are said to have', () => {
    const byLabel = new Map(
      (Object.keys(ATTRIBUTES) as AttributeName[]).map((name) => [prometheusLabel(name), ATTRIBUTES[name].values]),
    )
    const byMetric = new Map(ALL.map((metric) => [prometheusName(metric), metric]))
    const seen = new Set<string>()
    for (const { name, labels } of seriesIn(text)) {
      if (name === 'target_info') continue
      const metric = byMetric.get(name) ?? byMetric.get(name.replace(/_(bucket|sum|count)$/, ''))
      const { le: _, windrow_job: job, ...own } = labels
      expect(job).toBe('windrow')
      expect(Object.keys(own).sort(), name).toEqual(metric?.attributes.map(prometheusLabel).sort())
      for (const [label, value] of Object.entries(own)) {
        seen.add(label)
        const values: readonly string[] | null | undefined = byLabel.get(label)
        if (values === null) expect(value, label).toMatch(/^\d{1,4}$/)
        else expect(values, label).toContain(value)
      }
    }
    expect(seen.size).toBe(byLabel.size)
  })

  it('names no VM, and so has a number of series that the number of VMs does not change', () => {
    expect(text).not.toContain('vm-0')
    expect(text).not.toMatch(/vm-\d/)
    expect(text).toMatch(/^windrow_vm_windows_closed_total\{windrow_reason="complete",.*\} [1-9]/m)
  })
})
