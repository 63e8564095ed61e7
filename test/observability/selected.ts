/** All selectors that dashboards, recording rules and alerts send to Prometheus. */
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { selectorsIn } from './expressions.ts'

const FOLDER = new URL('../../observability/', import.meta.url)

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly expr: string }[] }[]
}

/** Each expression of a panel, with Grafana's variables replaced as Grafana does with everything chosen. */
export function panelExpressions(): string[] {
  const folder = new URL('grafana/dashboards/', FOLDER)
  return readdirSync(folder).flatMap((file) => {
    const { panels } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Dashboard
    return panels.flatMap(({ targets }) => targets.map(({ expr }) => chosen(expr)))
  })
}

const chosen = (expression: string): string => expression.replaceAll('$job', '.*').replaceAll('$__rate_interval', '1m')

function rules() {
  return ['recording.yml', 'alerts.yml'].flatMap((file) => {
    const { groups } = parse(readFileSync(new URL(`prometheus/${file}`, FOLDER), 'utf8')) as Rules
    return groups.flatMap((group) => group.rules)
  })
}

export function ruleExpressions(): string[] {
  return rules().map(({ expr }) => expr)
}

/** The expression of an alert. */
export function ruleOf(alert: string): string {
  const rule = rules().find((one) => one.alert === alert)
  if (rule === undefined) throw new Error(`there is no alert ${alert}`)
  return rule.expr
}

/** Every selector of a panel, a recording rule or an alert, once. */
export function allSelectors(): string[] {
  return [...new Set([...panelExpressions(), ...ruleExpressions()].flatMap(selectorsIn))].sort()
}
