/** The definition of a metric, and helpers for common kinds. The tables are in metrics.ts and gateway-metrics.ts. */
import type { AttributeName } from './attributes.ts'

export interface MetricDefinition {
  readonly name: string
  /** A counter only increases; a gauge is read at collection; a histogram counts durations or sizes in buckets. */
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** UCUM, as OpenTelemetry requires: `s`, `By`, `1` for a ratio, `{record}` for counted things. */
  readonly unit: string
  readonly help: string
  readonly attributes: readonly AttributeName[]
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[]
  /** Not exported for files: their end is unknown in advance, and they have no wall-clock deadline. */
  readonly topicsOnly?: true
}

const DURATIONS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

export const counter = (name: string, unit: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'counter', unit, help, attributes }) as const
export const gauge = (name: string, unit: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'gauge', unit, help, attributes }) as const
export const seconds = (name: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'histogram', unit: 's', help, attributes, buckets: DURATIONS_S }) as const

/** The metric's name in Prometheus: dots become underscores, counters get the suffix `_total`. */
export function prometheusName({ name, kind }: MetricDefinition): string {
  return `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`
}
