/** Compares the exported series of a process with the table of attributes. */
import { expect } from 'vitest'
import { ATTRIBUTES, prometheusLabel, type AttributeName } from '../../src/telemetry/attributes.ts'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { seriesIn } from './exposition.ts'

const ALL: readonly MetricDefinition[] = Object.values(METRICS)

/** Fails if a series has other attributes than its metric, or values that are not listed. Returns all labels found. */
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
