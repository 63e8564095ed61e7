/**
 * Windrow as a library.
 *
 *   import { run, readResults } from 'windrow'
 *
 *   await run({ settings: { input: 'points.ndjson', window: '5m', results: 'out.ndjson' } })
 *   for await (const result of readResults('out.ndjson')) console.log(result.vmId, result.metrics['cpu']?.mean)
 *
 * Documented in docs/aggregators.md (own aggregators), docs/reference/results.md (fields of a result) and docs/reference/settings.md
 * (settings). What is not exported here is internal and may change in any version.
 */
export { run } from './library/run.ts'
export type { RunOptions, RunSummary } from './library/run.ts'
export type { Settings } from './library/settings.ts'
export type { JobSummary, RunEvent, RunObserver, RunProgress } from './app/types.ts'

export { readResults } from './library/results.ts'
export type {
  CloseReason,
  ProducerResult,
  ResultOf,
  ResultTypeOf,
  SeqRangeList,
  StateTypeOf,
  VmWindowResult,
} from './library/results.ts'

export { defineAggregator } from './core/define-aggregator.ts'
export { perMetric } from './core/per-metric.ts'
export { rate } from './core/rate.ts'
export type { MetricRate, MetricRateState } from './core/rate.ts'
export { createSummary, summary } from './core/summary.ts'
export type { Aggregator, AggregatorDefinition, AnyAggregator } from './core/aggregator.ts'
export type { ByMetric, MetricAccumulators } from './core/per-metric.ts'
export type { MetricSummary, MetricSummaryState, Summary, SummaryAccumulator, SummaryOptions } from './core/summary.ts'

export type { DataPoint, DurationMs, EpochMs, WindowManifest } from './core/point.ts'
export type { TimeWindow } from './core/window-policy.ts'
export type { Json } from './core/json.ts'

export { ConfigurationError, WindrowError } from './errors/index.ts'
export type { ConfigurationProblem, Disposition } from './errors/index.ts'
