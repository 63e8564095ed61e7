/**
 * The dashboard files that Grafana loads from a folder. The tests check them without Grafana, which is not a dependency of
 * this suite.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { metricsIn, selectorsIn } from './expressions.ts'

const FOLDER = new URL('../../observability/grafana/dashboards/', import.meta.url)
const FILES = readdirSync(FOLDER)

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly description: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource: { readonly type: string; readonly uid: string }
  readonly fieldConfig: { readonly defaults: { readonly unit: string } }
  readonly targets: readonly { readonly refId: string; readonly expr: string }[]
}
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

test('the files match the output of `npm run dashboards`', async () => {
  const script = new URL('../../scripts/dashboards.mjs', import.meta.url).href
  const { dashboards } = (await import(script)) as { readonly dashboards: () => (readonly [string, string])[] }
  const written = Object.fromEntries(FILES.map((file) => [file, readFileSync(new URL(file, FOLDER), 'utf8')]))
  expect(written).toEqual(Object.fromEntries(dashboards()))
})

describe.each(FILES)('%s', (file) => {
  const { uid, title, schemaVersion, panels, templating } = JSON.parse(
    readFileSync(new URL(file, FOLDER), 'utf8'),
  ) as Dashboard

  it('has everything that Grafana needs to load it: unique id, title, schema version and valid panels', () => {
    expect(uid).toMatch(/^windrow-[a-z-]{1,32}$/)
    expect(title).toMatch(/^Windrow: /)
    expect(schemaVersion).toBeGreaterThanOrEqual(36)
    for (const panel of panels) {
      expect(panel).toMatchObject({ type: 'timeseries', datasource: { type: 'prometheus', uid: '${datasource}' } })
      expect(panel.title).not.toBe('')
      expect(panel.description).toMatch(/\.$/)
      expect(panel.fieldConfig.defaults.unit).not.toBe('')
      expect(panel.targets.map(({ refId }) => refId)).toEqual(['A', 'B', 'C'].slice(0, panel.targets.length))
    }
  })

  it('has panels that do not overlap and stay within the 24 columns', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24)
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`)
    })
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })

  it('uses only variables that it declares', () => {
    const declared = new Set(templating.list.map(({ name }) => name))
    const used = [...JSON.stringify(panels).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    for (const name of new Set(used)) expect(declared.has(name) || name === '__rate_interval', name).toBe(true)
  })
})

test('every metric of Windrow appears on a dashboard', () => {
  const shown = new Set(FILES.flatMap((file) => expressionsIn(file).flatMap(metricsIn)))
  const rules = readFileSync(new URL('../../observability/prometheus/recording.yml', import.meta.url), 'utf8')
  const all: readonly MetricDefinition[] = Object.values(METRICS)
  const missing = all.map(prometheusName).filter((name) => {
    const forms = [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]
    return !forms.some((form) => shown.has(form) || new RegExp(`\\b${form}\\b`).test(rules))
  })
  expect(missing).toEqual([])
})

function expressionsIn(file: string): string[] {
  const { panels } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Dashboard
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
}

describe('the selectors of an expression', () => {
  it.each([
    ['up', ['up']],
    ['sum by (job, le) (rate(a_bucket{job=~"$job",x="y or z"}[5m])) > 0', ['a_bucket{job=~"$job",x="y or z"}']],
    ['a:b - on (job) max by (job) (c) and d == 1 or 0 * e', ['a:b', 'c', 'd', 'e']],
    ['histogram_quantile(0.95, sum by (le) (rate(h_bucket[$__rate_interval])))', ['h_bucket']],
  ])('%s', (expression, expected) => {
    expect(selectorsIn(expression)).toEqual(expected)
  })
})
