/**
 * Readings that monitoring tools push (otlp.ts, remote-write.ts), and the points that they become. A reading names its source
 * by attributes, and its series by a metric with attributes. It has no seq: its identity is (VM, producer, metric, timestamp).
 */
import { toNoReading, toPoint } from '../adapters/json/decode.ts'
import type { Decoded } from '../core/point.ts'

export type ReadingAttributes = ReadonlyMap<string, string>

export interface Reading {
  /** Attributes of the source, which all of its series share; empty where the protocol does not keep them apart. */
  readonly source: ReadingAttributes
  readonly metric: string
  readonly attributes: ReadingAttributes
  readonly timestampMs: number
  /** NaN: the sender says that there was no value. */
  readonly value: number
}

/** What one data point of a request is. */
export type ReadingResult =
  { readonly kind: 'reading'; readonly reading: Reading } | { readonly kind: 'unusable'; readonly reason: string }

/** Which attributes name the VM and the producer. */
export interface SourceNames {
  /** The first one that a reading has is its VM. */
  readonly vmAttributes: readonly string[]
  /** Those that a reading has are its producer, joined in this order. */
  readonly producerAttributes: readonly string[]
}

/** The point of a reading, or why it is none. */
export function readingToPoint(reading: Reading, { vmAttributes, producerAttributes }: SourceNames): Decoded {
  const { source, attributes, metric, timestampMs: timestamp, value } = reading
  const valueOf = (name: string): string | undefined => source.get(name) ?? attributes.get(name)
  const vmAttribute = vmAttributes.find((name) => (valueOf(name) ?? '') !== '')
  if (vmAttribute === undefined) {
    const detail = `none of the attributes ${vmAttributes.join(', ')} names the VM; the setting vmAttributes lists them`
    return { kind: 'undecodable', code: 'invalid', detail }
  }
  const parts = producerAttributes.filter((name) => name !== vmAttribute && (valueOf(name) ?? '') !== '')
  // What names the source is in the VM and the producer already.
  const isOfSource = (name: string): boolean => name === vmAttribute || parts.includes(name)
  const point = {
    vmId: valueOf(vmAttribute) as string,
    producer: parts.map(valueOf).join('/'),
    metric: seriesName(metric, attributes, isOfSource),
    timestamp,
    seq: null,
    value,
  }
  return Number.isNaN(value) ? toNoReading(point) : toPoint(point)
}

/** The metric with its attributes, as Prometheus writes a series: `name{a="1",b="2"}`. */
function seriesName(metric: string, attributes: ReadingAttributes, isLeftOut: (name: string) => boolean): string {
  const named = [...attributes].filter(([name, value]) => !isLeftOut(name) && value !== '')
  if (named.length === 0) return metric
  named.sort(([a], [b]) => (a < b ? -1 : 1))
  return `${metric}{${named.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}}`
}
