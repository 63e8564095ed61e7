/** What a metric is, and words for the usual kinds of them. The tables are in metrics.ts and gateway-metrics.ts. */
import type { AttributeName } from './attributes.ts'

export interface MetricDefinition {
  readonly name: string
  /** A counter only rises; a gauge is read when somebody asks; a histogram counts durations or sizes by how large they are. */
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** UCUM, as OpenTelemetry asks: `s`, `By`, `1` for a share, `{record}` for things that are counted. */
  readonly unit: string
  readonly help: string
  readonly attributes: readonly AttributeName[]
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[]
  /** Files have none: their ends are not known, and the wall clock has no say in them. */
  readonly topicsOnly?: true
}

const DURATIONS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

export const counter = (name: string, unit: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'counter', unit, help, attributes }) as const
export const gauge = (name: string, unit: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'gauge', unit, help, attributes }) as const
export const seconds = (name: string, help: string, ...attributes: AttributeName[]) =>
  ({ name, kind: 'histogram', unit: 's', help, attributes, buckets: DURATIONS_S }) as const

/** The name under which Prometheus gets a metric: dots become underscores, counters end in `_total`. */
export function prometheusName({ name, kind }: MetricDefinition): string {
  return `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`
}
