/**
 * OTLP metrics in JSON: the same messages in the JSON form of protobuf, with the exceptions of the OTLP specification. 64-bit
 * numbers may be texts. Unknown members are ignored.
 */
import { NO_POINT, type OtlpMetric, type OtlpPoint } from './otlp.ts'
import type { ReadingAttributes } from './reading.ts'

type Members = Readonly<Record<string, unknown>>

/** Pure. Throws a RangeError that names the member if the text is no `ExportMetricsServiceRequest`. */
export function readOtlpJson(text: string): OtlpMetric[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new RangeError(`not JSON: ${(error as Error).message}`)
  }
  return listIn(objectOf(parsed, 'the request'), 'resourceMetrics').flatMap((resourceMetrics) => {
    const source = attributesIn(objectOf(resourceMetrics['resource'] ?? {}, 'resource'))
    const metrics = listIn(resourceMetrics, 'scopeMetrics').flatMap((scope) => listIn(scope, 'metrics'))
    return metrics.map((metric) => metricOf(metric, source))
  })
}

/** An `ExportMetricsServiceResponse`. */
export function otlpJsonResponse(rejected: number, message: string): object {
  return rejected === 0 ? {} : { partialSuccess: { rejectedDataPoints: String(rejected), errorMessage: message } }
}

const KINDS = [
  ...[['gauge', 'gauge'] as const, ['sum', 'sum'] as const, ['histogram', 'histogram'] as const],
  ...[['exponentialHistogram', 'exponential histogram'] as const, ['summary', 'summary'] as const],
]

function metricOf(metric: Members, source: ReadingAttributes): OtlpMetric {
  const { name } = metric
  if (typeof name !== 'string') throw new RangeError('a metric has no name')
  const [member, kind] = KINDS.find(([one]) => metric[one] !== undefined) ?? ['', 'metric without data' as const]
  const data = objectOf(metric[member] ?? {}, `the data of ${name}`)
  const isRead = kind === 'gauge' || kind === 'sum'
  const points = listIn(data, 'dataPoints').map((point) => (isRead ? pointOf(point) : NO_POINT))
  return { source, name, kind, temporality: temporalityOf(data['aggregationTemporality']), points }
}

/** A number, or its name in the .proto file. */
function temporalityOf(value: unknown): number {
  if (typeof value === 'string') return /_DELTA$/.test(value) ? 1 : /_CUMULATIVE$/.test(value) ? 2 : 0
  return typeof value === 'number' ? value : 0
}

function pointOf(point: Members): OtlpPoint {
  const { timeUnixNano = '0', asDouble, asInt, flags } = point
  const value = asDouble ?? asInt ?? null
  return {
    attributes: attributesIn(point),
    timeUnixNano: nanosOf(timeUnixNano),
    value: value === null ? null : numberOf(value),
    flags: typeof flags === 'number' ? flags : 0,
  }
}

function nanosOf(value: unknown): bigint {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value)
  throw new RangeError(`timeUnixNano is ${JSON.stringify(value)}, expected a whole number`)
}

/** Infinity is refused as a value later. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value)
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value)
  throw new RangeError(`a value is ${JSON.stringify(value)}, expected a number`)
}

function attributesIn(of: Members): ReadingAttributes {
  const attributes = new Map<string, string>()
  for (const { key, value } of listIn(of, 'attributes')) {
    if (typeof key !== 'string') throw new RangeError('an attribute has no key')
    const plain = plainOf(value)
    attributes.set(key, typeof plain === 'string' ? plain : JSON.stringify(plain))
  }
  return attributes
}

/** The value of an `AnyValue`. */
function plainOf(value: unknown): unknown {
  const any = objectOf(value ?? {}, 'the value of an attribute')
  if (any['intValue'] !== undefined) return numberOf(any['intValue'])
  if (any['arrayValue'] !== undefined) {
    return listIn(objectOf(any['arrayValue'], 'arrayValue'), 'values').map(plainOf)
  }
  if (any['kvlistValue'] !== undefined) {
    const members = listIn(objectOf(any['kvlistValue'], 'kvlistValue'), 'values')
    return Object.fromEntries(members.map(({ key, value: member }) => [String(key), plainOf(member)]))
  }
  return any['stringValue'] ?? any['boolValue'] ?? any['doubleValue'] ?? any['bytesValue'] ?? ''
}

function objectOf(value: unknown, what: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError(`${what} is no object`)
  return value as Members
}

/** A member that is a list of objects; empty if it is absent. */
function listIn(of: Members, member: string): Members[] {
  const value = of[member] ?? []
  if (!Array.isArray(value)) throw new RangeError(`${member} is no list`)
  return value.map((one) => objectOf(one, `an element of ${member}`))
}
