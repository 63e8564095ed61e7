/** The figures of results in tables, for sinks that write columns. */
import type { VmWindowResult } from '../core/close-vm-window.ts'

/** The figures of the built-in aggregator, in the order of its results. */
export const SUMMARY_FIGURES = [
  ...['count', 'sum', 'min', 'max', 'mean', 'stddev', 'first', 'last'],
  ...['p25', 'p50', 'p75', 'p95', 'p99'],
] as const

export type ResultOfLine = VmWindowResult & { readonly aggregator: string | null }

/** A published line with the members that results of version 0.1.0, which may still be unpublished, lack. */
export function resultOfLine(line: string): ResultOfLine {
  return { conflicts: 0, aggregator: null, ...(JSON.parse(line) as object) } as unknown as ResultOfLine
}

/** The metrics of a result with what the aggregator says of each; empty if its result is not an object. */
export function metricsOf({ metrics }: VmWindowResult): readonly (readonly [metric: string, value: unknown])[] {
  return isRecord(metrics) ? Object.entries(metrics) : []
}

/** `null` if the value has no such figure, or one that is not a number. */
export function figureOf(value: unknown, figure: string): number | null {
  if (!isRecord(value) || !Object.hasOwn(value, figure)) return null
  const number = value[figure]
  return typeof number === 'number' ? number : null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Characters that tables cannot store, and the mark of ids that are written with escapes. */
const NOT_STORABLE = /[\0\u2400]|\p{Surrogate}/u

/**
 * PostgreSQL stores no NUL, and UTF-8 has no half a surrogate pair. A text with one is written as ␀ and then with JSON's
 * escapes; so is a text with ␀, so that different texts stay different.
 */
export function storable(text: string): string {
  return NOT_STORABLE.test(text) ? `\u2400${JSON.stringify(text).slice(1, -1)}` : text
}
