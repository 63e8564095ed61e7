/** The rows of a batch: what a commit publishes, as values of the tables' columns. */
import type { Certificate } from '../../core/certificate.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { SUMMARY_ID } from '../../core/summary.ts'
import { figureOf, metricsOf, storable, SUMMARY_FIGURES, type ResultOfLine } from '../figures.ts'
import type { FigureColumn } from './figures.ts'

/** One value per column. Texts are as PostgreSQL reads them. */
export type TableRow = readonly (string | number | null)[]

/** A batch's place: all its rows have the partition and the commit. */
export interface BatchPlace {
  readonly partition: number
  readonly commit: number
}

export function resultRow(
  line: string,
  result: ResultOfLine,
  ordinal: number,
  { partition, commit }: BatchPlace,
  columns: readonly FigureColumn[],
): TableRow {
  const { vmId, windowStart, windowEnd, revision, reason, expected, received, duplicates, missingCount } = result
  const { conflicts, aggregator } = result
  const metrics = new Map(columns.length === 0 ? [] : metricsOf(result))
  return [
    ...[storable(vmId), timestampText(windowStart), timestampText(windowEnd), revision, reason, expected],
    ...[received, duplicates, conflicts, missingCount, aggregator, line, partition, commit, ordinal],
    ...columns.map(({ metric, figure }) => figureOf(metrics.get(metric), figure)),
  ]
}

/** One row per metric. */
export function metricRows(result: ResultOfLine, partition: number): readonly TableRow[] {
  const { vmId, windowStart, revision } = result
  const isSummary = (result.aggregator ?? SUMMARY_ID) === SUMMARY_ID
  return metricsOf(result).map(([metric, value]) => [
    ...[storable(vmId), timestampText(windowStart), partition, storable(metric), revision],
    ...SUMMARY_FIGURES.map((figure) => (isSummary ? figureOf(value, figure) : null)),
    isSummary ? null : canonicalJson(value as Json),
  ])
}

export function rowOfDeadLetter(line: string, ordinal: number, { partition, commit }: BatchPlace): TableRow {
  const { reason, offset = null } = JSON.parse(line) as { readonly reason: string; readonly offset?: number }
  return [partition, commit, ordinal, reason, offset, line]
}

export function certificateRow(line: string): TableRow {
  const { partition, sequence, window, reason } = JSON.parse(line) as Certificate
  const times = window === null ? [null, null] : [timestampText(window.start), timestampText(window.end)]
  return [partition, sequence, ...times, reason, line]
}

/** ISO 8601 as PostgreSQL reads it: years above 9999 without a sign, years before 1 as BC. */
export function timestampText(ms: number): string {
  const text = new Date(ms).toISOString()
  const year = new Date(ms).getUTCFullYear()
  if (year >= 1 && year <= 9999) return text
  const afterYear = text.slice(-20)
  return year > 9999 ? `${year}${afterYear}` : `${String(1 - year).padStart(4, '0')}${afterYear} BC`
}
