/** The instruments of the tables of metrics, made from an OpenTelemetry meter; histograms are counted by our own (histograms.ts). */
import type { Counter, Meter, Observable } from '@opentelemetry/api'
import type { AttributeName } from './attributes.ts'
import type { Histograms } from './histograms.ts'
import type { MetricDefinition } from './metric-definition.ts'
import type { CounterKey, GaugeKey, HistogramKey, MetricKey } from './metrics.ts'

export type Attributes = { readonly [Name in AttributeName]?: string | number }

/** Says the value of a gauge; a gauge that is not said has no series. */
export type SetGauge = (key: GaugeKey, value: number, attributes?: Attributes) => void

export interface Instruments {
  add(key: CounterKey, value: number, attributes?: Attributes): void
  record(key: HistogramKey, value: number, attributes?: Attributes): void
  /** `read` is called whenever somebody asks for the metrics. */
  onRead(read: (set: SetGauge) => void): void
}

/** Those of `table` alone: a process has no series of what it never does. */
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
    onRead: (read) =>
      meter.addBatchObservableCallback(
        (result) => read((key, value, attributes) => result.observe(gauges.get(key) as Observable, value, attributes)),
        [...gauges.values()],
      ),
  }
}
