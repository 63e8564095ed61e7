/** Holds what a process exports to the table of attributes. */
import { expect } from 'vitest'
import { ATTRIBUTES, prometheusLabel, type AttributeName } from '../../src/telemetry/attributes.ts'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { seriesIn } from './exposition.ts'

const ALL: readonly MetricDefinition[] = Object.values(METRICS)

/** Fails where a series has other attributes than its metric, or other values than these; returns the labels that it saw. */
export function labelsOf(text: string): Set<string> {
  const names = Object.keys(ATTRIBUTES) as AttributeName[]
  const byLabel = new Map(names.map((name) => [prometheusLabel(name), ATTRIBUTES[name].values]))
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
  return seen
}
