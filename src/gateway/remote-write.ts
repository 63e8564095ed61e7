/**
 * Reads requests of Prometheus' remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec/): a `WriteRequest` in
 * protobuf, compressed with snappy in its block format. Native histograms are not read; each is reported as unusable.
 */
import { ProtoReader } from '../adapters/bytes/protobuf.ts'
import { utf8Of } from './utf8-of.ts'
import type { ReadingResult } from './reading.ts'

/** Pure. Throws a RangeError if the bytes are no `WriteRequest`. */
export function readRemoteWrite(body: Buffer): ReadingResult[] {
  const results: ReadingResult[] = []
  const request = new ProtoReader(body)
  while (request.next()) if (request.field === 1) readSeries(request.message(), results)
  return results
}

function readSeries(series: ProtoReader, results: ReadingResult[]): void {
  const labels = new Map<string, string>()
  const samples: { readonly value: number; readonly timestampMs: number }[] = []
  let histograms = 0
  while (series.next()) {
    if (series.field === 1) {
      const [name, value] = readLabel(series.message())
      labels.set(name, value)
    } else if (series.field === 2) samples.push(readSample(series.message()))
    else if (series.field === 4) histograms++
  }
  const metric = labels.get('__name__') ?? ''
  labels.delete('__name__')
  const source = new Map<string, string>()
  for (const { value, timestampMs } of samples) {
    // The value that Prometheus writes when a series ends is a NaN too: there was no reading.
    results.push({ kind: 'reading', reading: { source, metric, attributes: labels, timestampMs, value } })
  }
  for (let i = 0; i < histograms; i++) {
    results.push({ kind: 'unusable', reason: `${metric} is a native histogram; only samples are read` })
  }
}

function readLabel(label: ProtoReader): [name: string, value: string] {
  let name = ''
  let value = ''
  while (label.next()) {
    if (label.field === 1) name = utf8Of(label.bytes())
    else if (label.field === 2) value = utf8Of(label.bytes())
  }
  return [name, value]
}

function readSample(sample: ProtoReader): { value: number; timestampMs: number } {
  let value = 0
  let timestampMs = 0
  while (sample.next()) {
    if (sample.field === 1) value = sample.double()
    else if (sample.field === 2) timestampMs = sample.int64()
  }
  return { value, timestampMs }
}
