/**
 * OTLP metrics in protobuf (opentelemetry/proto/collector/metrics/v1/metrics_service.proto): reads the request, writes the
 * response. Field numbers are those of the .proto files; fields that no reading needs are skipped.
 */
import { ProtoReader, ProtoWriter } from '../adapters/bytes/protobuf.ts'
import { utf8Of } from './utf8-of.ts'
import { NO_POINT, type OtlpMetric, type OtlpPoint } from './otlp.ts'
import type { ReadingAttributes } from './reading.ts'

/** Pure. Throws a RangeError if the bytes are no `ExportMetricsServiceRequest`. */
export function readOtlpProtobuf(body: Buffer): OtlpMetric[] {
  const metrics: OtlpMetric[] = []
  const request = new ProtoReader(body)
  while (request.next()) if (request.field === 1) readResourceMetrics(request.message(), metrics)
  return metrics
}

/** An `ExportMetricsServiceResponse`. */
export function otlpProtobufResponse(rejected: number, message: string): Buffer {
  if (rejected === 0) return Buffer.alloc(0)
  const partial = new ProtoWriter().uint53(1, rejected).string(2, message).finish()
  return new ProtoWriter().message(1, partial).finish()
}

function readResourceMetrics(message: ProtoReader, metrics: OtlpMetric[]): void {
  let source: ReadingAttributes = new Map()
  const scopes: ProtoReader[] = []
  while (message.next()) {
    if (message.field === 1) source = readAttributes(message.message(), 1)
    else if (message.field === 2) scopes.push(message.message())
  }
  for (const scope of scopes) {
    while (scope.next()) if (scope.field === 2) metrics.push(readMetric(scope.message(), source))
  }
}

/** Kinds of metrics, by the number of their field. */
const KINDS: Readonly<Record<number, OtlpMetric['kind']>> = {
  ...{ 5: 'gauge', 7: 'sum', 9: 'histogram', 10: 'exponential histogram', 11: 'summary' },
}

function readMetric(message: ProtoReader, source: ReadingAttributes): OtlpMetric {
  let name = ''
  let kind: OtlpMetric['kind'] = 'metric without data'
  let temporality = 0
  const points: OtlpPoint[] = []
  while (message.next()) {
    if (message.field === 1) name = utf8Of(message.bytes())
    const found = KINDS[message.field]
    if (found === undefined) continue
    kind = found
    const isRead = kind === 'gauge' || kind === 'sum'
    const data = message.message()
    while (data.next()) {
      if (data.field === 1) points.push(isRead ? readPoint(data.message()) : NO_POINT)
      else if (data.field === 2 && kind === 'sum') temporality = data.int32()
    }
  }
  return { source, name, kind, temporality, points }
}

function readPoint(message: ProtoReader): OtlpPoint {
  const attributes = new Map<string, string>()
  let timeUnixNano = 0n
  let value: number | null = null
  let flags = 0
  while (message.next()) {
    if (message.field === 7) readKeyValue(message.message(), attributes)
    else if (message.field === 3) timeUnixNano = message.fixed64()
    else if (message.field === 4) value = message.double()
    else if (message.field === 6) value = message.sfixed64()
    else if (message.field === 8) flags = message.int32()
  }
  return { attributes, timeUnixNano, value, flags }
}

function readAttributes(message: ProtoReader, field: number): Map<string, string> {
  const attributes = new Map<string, string>()
  while (message.next()) if (message.field === field) readKeyValue(message.message(), attributes)
  return attributes
}

function readKeyValue(message: ProtoReader, into: Map<string, string>): void {
  let key = ''
  let value: unknown = ''
  while (message.next()) {
    if (message.field === 1) key = utf8Of(message.bytes())
    else if (message.field === 2) value = readAnyValue(message.message())
  }
  into.set(key, typeof value === 'string' ? value : JSON.stringify(value))
}

function readAnyValue(message: ProtoReader): unknown {
  let value: unknown = ''
  while (message.next()) {
    if (message.field === 1) value = utf8Of(message.bytes())
    else if (message.field === 2) value = message.int32() !== 0
    else if (message.field === 3) value = message.int64()
    else if (message.field === 4) value = message.double()
    else if (message.field === 5) value = readArray(message.message())
    else if (message.field === 6) value = Object.fromEntries(readAttributes(message.message(), 1))
    else if (message.field === 7) value = message.bytes().toString('base64')
  }
  return value
}

function readArray(message: ProtoReader): unknown[] {
  const values: unknown[] = []
  while (message.next()) if (message.field === 1) values.push(readAnyValue(message.message()))
  return values
}
