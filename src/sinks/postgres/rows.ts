/** The rows of a batch: what a commit publishes, as values of the tables' columns. */
import type { Certificate } from '../../core/certificate.ts'
import type { VmWindowResult } from '../../core/close-vm-window.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { SUMMARY_ID } from '../../core/summary.ts'
import { SUMMARY_FIGURES } from './columns.ts'
import { figureOf, metricsOf, type FigureColumn } from './figures.ts'

/** One value per column. Texts are as PostgreSQL reads them. */
export type TableRow = readonly (string | number | null)[]

/** A batch's place: all its rows have the partition and the commit. */
export interface BatchPlace {
  readonly partition: number
  readonly commit: number
}

export function resultRow(
  line: string,
  result: VmWindowResult,
  ordinal: number,
  { partition, commit }: BatchPlace,
  columns: readonly FigureColumn[],
): TableRow {
  const { vmId, windowStart, windowEnd, revision, reason, expected, received, duplicates, missingCount } = result
  // Results of version 0.1.0, which may still be unpublished, count no conflicts.
  const { conflicts = 0, aggregator = null } = result as Partial<VmWindowResult>
  const metrics = new Map(columns.length === 0 ? [] : metricsOf(result))
  return [
    ...[storable(vmId), timestampText(windowStart), timestampText(windowEnd), revision, reason, expected],
    ...[received, duplicates, conflicts, missingCount, aggregator, line, partition, commit, ordinal],
    ...columns.map(({ metric, figure }) => figureOf(metrics.get(metric), figure)),
  ]
}

/** One row per metric. */
export function metricRows(result: VmWindowResult, partition: number): readonly TableRow[] {
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

/** Characters that `text` cannot store, and the mark of ids that are written with escapes. */
const NOT_STORABLE = /[\0\u2400]|\p{Surrogate}/u

/**
 * PostgreSQL stores neither NUL nor half a surrogate pair. A text with one is written as ␀ and then with JSON's escapes; so
 * is a text with ␀, so that different texts stay different.
 */
export function storable(text: string): string {
  return NOT_STORABLE.test(text) ? `\u2400${JSON.stringify(text).slice(1, -1)}` : text
}

/** ISO 8601 as PostgreSQL reads it: years above 9999 without a sign, years before 1 as BC. */
export function timestampText(ms: number): string {
  const text = new Date(ms).toISOString()
  const year = new Date(ms).getUTCFullYear()
  if (year >= 1 && year <= 9999) return text
  const afterYear = text.slice(-20)
  return year > 9999 ? `${year}${afterYear}` : `${String(1 - year).padStart(4, '0')}${afterYear} BC`
}
