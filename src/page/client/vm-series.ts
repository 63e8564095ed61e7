/** The results of a VM as columns for a chart: one entry per window, the open window last. Pure. */
import type { Json } from '../../core/json.ts'
import type { VmAnswer } from '../answers.ts'

/** Members of a metric's summary that the page shows. Another aggregator has others, so each may be missing. */
export interface MetricFigures {
  readonly count: number | null
  readonly mean: number | null
  readonly min: number | null
  readonly max: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface VmSeries {
  readonly times: readonly number[]
  readonly p50: readonly (number | null)[]
  readonly p95: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  /** The p50 of windows with a revision above 1, else `null`. */
  readonly revised: readonly (number | null)[]
  /** The p50 of open windows, else `null`. */
  readonly provisional: readonly (number | null)[]
}

/** The summary of a metric in what an aggregator made; `null` if it is none. */
export function summaryOf(metrics: Json, metric: string): MetricFigures | null {
  const of = memberOf(metrics, metric)
  if (of === null) return null
  const figure = (name: string): number | null => {
    const value = memberOf(of, name)
    return typeof value === 'number' ? value : null
  }
  return {
    ...{ count: figure('count'), mean: figure('mean'), min: figure('min'), max: figure('max') },
    ...{ p50: figure('p50'), p95: figure('p95'), p99: figure('p99') },
  }
}

/** Names of the metrics in results and open windows, sorted. */
export function metricsOfVm({ results, open }: VmAnswer): string[] {
  const names = new Set<string>()
  for (const metrics of [...results.map(({ result }) => result.metrics), ...open.map((one) => one.metrics)]) {
    if (typeof metrics === 'object' && metrics !== null && !Array.isArray(metrics)) {
      for (const name of Object.keys(metrics)) names.add(name)
    }
  }
  return [...names].sort()
}

export function vmSeries({ results, open }: VmAnswer, metric: string): VmSeries {
  const closed = results.map(({ result }) => ({
    at: result.windowStart,
    summary: summaryOf(result.metrics, metric),
    isRevised: result.revision > 1,
    isOpen: false,
  }))
  const provisional = open.map(({ windowStart, metrics }) => ({
    at: windowStart,
    summary: summaryOf(metrics, metric),
    isRevised: false,
    isOpen: true,
  }))
  const all = [...closed, ...provisional].sort((a, b) => a.at - b.at)
  return {
    times: all.map(({ at }) => at),
    p50: all.map(({ summary }) => summary?.p50 ?? null),
    p95: all.map(({ summary }) => summary?.p95 ?? null),
    p99: all.map(({ summary }) => summary?.p99 ?? null),
    revised: all.map(({ summary, isRevised }) => (isRevised ? (summary?.p50 ?? null) : null)),
    provisional: all.map(({ summary, isOpen }) => (isOpen ? (summary?.p50 ?? null) : null)),
  }
}

/** Own members only: a metric may be called `constructor`. */
function memberOf(value: Json, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.hasOwn(value, name) ? ((value as { readonly [key: string]: Json })[name] ?? null) : null
}
