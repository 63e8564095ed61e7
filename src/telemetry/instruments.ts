/** Instruments for a table of metrics. Counters and gauges are OpenTelemetry's; histograms are our own (histograms.ts). */
import type { Counter, Meter, Observable } from '@opentelemetry/api'
import type { Attributes } from './attributes.ts'
import type { Histograms } from './histograms.ts'
import type { MetricDefinition } from './metric-definition.ts'
import type { CounterKey, GaugeKey, HistogramKey, MetricKey } from './metrics.ts'

/** Sets a gauge. Gauges that are not set in a collection produce no series. */
export type SetGauge = (key: GaugeKey, value: number, attributes?: Attributes) => void

export interface Instruments {
  add(key: CounterKey, value: number, attributes?: Attributes): void
  record(key: HistogramKey, value: number, attributes?: Attributes): void
  /** Registers `collect`, which is called to set the gauges whenever the metrics are collected. */
  onCollect(collect: (set: SetGauge) => void): void
}

/** Creates the instruments of `table` only, so that a process exports no series of things that it never does. */
export function createInstruments(
  meter: Meter,
  table: Readonly<Partial<Record<MetricKey, MetricDefinition>>>,
  histograms: Histograms,
): Instruments {
  const counters = new Map<MetricKey, Counter>()
  const gauges = new Map<MetricKey, Observable>()
  for (const [key, definition] of Object.entries(table) as [MetricKey, MetricDefinition][]) {
    const { name, kind, unit, help } = definition
    const options = { unit, description: help }
    if (kind === 'counter') counters.set(key, meter.createCounter(name, options))
    else if (kind === 'gauge') gauges.set(key, meter.createObservableGauge(name, options))
  }
  return {
    add: (key, value, attributes) => counters.get(key)?.add(value, attributes),
    record: (key, value, attributes) => histograms.record(key, value, attributes),
    onCollect: (collect) =>
      meter.addBatchObservableCallback(
        (result) =>
          collect((key, value, attributes) => result.observe(gauges.get(key) as Observable, value, attributes)),
        [...gauges.values()],
      ),
  }
}
