/** Rules and alerts, checked with promtool: they are well formed, and each alert fires when it should and only then. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { prometheusName, type MetricDefinition } from '../../src/telemetry/metric-definition.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { metricsIn } from './expressions.ts'

const FOLDER = fileURLToPath(new URL('../../observability/prometheus/', import.meta.url))
const read = (name: string): string => readFileSync(`${FOLDER}${name}`, 'utf8')

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly annotations?: { readonly summary: string; readonly runbook_url: string }
}

const rulesOf = (name: string): Rule[] =>
  (parse(read(name)) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules)
const ALERTS = rulesOf('alerts.yml')
const RECORDS = rulesOf('recording.yml')

/** Throws with promtool's output if it fails. */
const promtool = (...args: string[]): string => execFileSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' })

describe('promtool', () => {
  it('finds rules and alerts well formed', () => {
    expect(promtool('check', 'rules', 'recording.yml', 'alerts.yml')).toContain(`${ALERTS.length} rules found`)
  })

  it('finds the configuration for containers well formed', () => {
    expect(promtool('check', 'config', '--syntax-only', 'prometheus.yml')).toContain('SUCCESS')
  })

  it('confirms that each alert fires when it should and only then', () => {
    expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS')
  })
})

test('each alert has a test in which it fires and one in which it is silent', () => {
  interface Case {
    readonly alertname: string
    readonly exp_alerts?: readonly unknown[]
  }
  const { tests } = parse(read('alerts.test.yml')) as { tests: { alert_rule_test: Case[] }[] }
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  const names = ALERTS.map(({ alert }) => alert ?? '').sort()
  const withAlerts = (has: boolean) =>
    cases.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === has).map(({ alertname }) => alertname)
  expect(withAlerts(true).sort()).toEqual(names)
  expect(withAlerts(false).sort()).toEqual(names)
})

test('each alert has a section in the runbooks, and each section an alert', () => {
  const runbooks = readFileSync(new URL('../../docs/operating/alerts.md', import.meta.url), 'utf8')
  const entries = [...runbooks.matchAll(/^## (Windrow\w+)$/gm)].map(([, name]) => name)
  expect(entries.sort()).toEqual(ALERTS.map(({ alert }) => alert).sort())
  for (const { alert = '', annotations } of ALERTS)
    expect(annotations?.runbook_url).toBe(`docs/operating/alerts.md#${alert.toLowerCase()}`)
})

test("rules select Windrow's metrics by names that exist", () => {
  const all: readonly MetricDefinition[] = Object.values(METRICS)
  const known = new Set(all.map(prometheusName))
  const recorded = new Set(RECORDS.map(({ record }) => record))
  for (const { expr } of [...ALERTS, ...RECORDS]) {
    for (const name of metricsIn(expr)) {
      const base = name.replace(/_(bucket|count|sum)$/, '')
      expect(known.has(name) || known.has(base) || recorded.has(name) || name === 'up', name).toBe(true)
    }
  }
})
