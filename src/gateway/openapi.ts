/**
 * The OpenAPI document that the gateway serves. It is written by hand, because bodies are checked item by item and not
 * against a schema. A test compares it with the routes, and all responses that tests receive with it.
 */
import { MAX_ID_CHARS, MAX_PRODUCER_CHARS } from '../core/shape.ts'
import { PROBLEM_MEDIA_TYPE } from './problem.ts'

export interface OpenApiFacts {
  /** `null`: no token is required. */
  readonly clients: readonly unknown[] | null
  readonly maxBodyBytes: number
  readonly maxItems: number
  readonly hasQueries: boolean
}

const VERSION = '1.0.0'

export function openApiDocument(facts: OpenApiFacts): object {
  const needsToken = facts.clients !== null
  return {
    openapi: '3.1.0',
    info: {
      title: 'Windrow gateway',
      version: VERSION,
      description:
        'Accepts points, manifests and metrics of monitoring tools over HTTP and acknowledges them once Kafka has stored them on all in-sync replicas. ' +
        'A request that is sent again counts once, since (vmId, producer, seq) identifies a point, or its time where it has no seq.',
    },
    paths: {
      '/v1/points': { post: ingest('points', 'Point', facts) },
      '/v1/manifests': { post: ingest('manifests', 'Manifest', facts) },
      '/v1/metrics': { post: pushed('metrics', 'metrics of OTLP/HTTP', OTLP_BODY, OTLP_RESPONSE, facts) },
      '/v1/write': { post: pushed('write', 'samples of remote write 1.0', REMOTE_WRITE_BODY, NO_CONTENT, facts) },
      ...(facts.hasQueries ? queryPaths(needsToken) : {}),
      '/livez': { get: plain('health', 'Liveness of the process.', 'Live', { 200: 'The process is alive.' }) },
      '/readyz': {
        get: plain('readiness', 'Whether Kafka accepts writes to every partition now.', 'Readiness', {
          200: 'The gateway is ready.',
          503: 'The gateway is not ready, with the reason.',
        }),
      },
      '/openapi.json': { get: plain('openapi', 'This document.', 'Document', { 200: 'The document.' }) },
    },
    components: {
      schemas: SCHEMAS,
      ...(needsToken ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  }
}

const ref = (schema: string): object => ({ $ref: `#/components/schemas/${schema}` })
const json = (schema: string): object => ({ 'application/json': { schema: ref(schema) } })
const problem = (description: string, headers?: object): object => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: { [PROBLEM_MEDIA_TYPE]: { schema: ref('Problem') } },
})
const RETRY_AFTER = {
  'Retry-After': { description: 'Seconds after which to retry.', schema: { type: 'integer', minimum: 1 } },
}

function ingest(what: string, item: string, { clients, maxBodyBytes, maxItems }: OpenApiFacts): object {
  const avro = { schema: { type: 'string', format: 'binary', description: 'Records in Avro single-object encoding.' } }
  const lines = { schema: { type: 'string', description: 'One JSON object per line.' } }
  return {
    operationId: `post-${what}`,
    summary: `Stores ${what}: either the whole request or nothing.`,
    description: `At most ${maxItems} items and ${maxBodyBytes} bytes, both compressed and decompressed. Content-Encoding may be gzip.`,
    ...secured(clients !== null),
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: { type: 'array', items: ref(item), maxItems } },
        ...Object.fromEntries(
          ['application/x-ndjson', 'application/ndjson', 'application/jsonl'].map((t) => [t, lines]),
        ),
        ...Object.fromEntries(['avro/binary', 'application/avro'].map((t) => [t, avro])),
      },
    },
    responses: {
      200: { description: 'Kafka has stored the whole request.', content: json('Taken') },
      400: problem('The body is invalid; `items` lists every bad item. Nothing was stored.'),
      ...refusals(clients !== null),
    },
  }
}

function refusals(needsToken: boolean): object {
  return {
    ...(needsToken ? { 401: problem('The token is missing or unknown.') } : {}),
    408: problem('The request arrived too slowly.'),
    413: problem('Too many bytes or items. Nothing was stored.'),
    415: problem('The media type, character set or content coding is not supported.'),
    429: problem('This client exceeds its rate limit.', RETRY_AFTER),
    431: problem('The headers are too large.'),
    503: problem('Backpressure, no acknowledgement in time, or the gateway is shutting down.', RETRY_AFTER),
  }
}

const protobuf = (description: string): object => ({
  'application/x-protobuf': { schema: { type: 'string', format: 'binary', description } },
})
const OTLP_BODY = {
  ...protobuf('An ExportMetricsServiceRequest. Content-Encoding may be gzip.'),
  'application/json': { schema: { type: 'object', description: 'The same in JSON.' } },
}
const OTLP_RESPONSE = {
  200: {
    description: 'Kafka has stored all usable data points; partialSuccess has the number of the others.',
    content: { ...protobuf('An ExportMetricsServiceResponse.'), 'application/json': { schema: { type: 'object' } } },
  },
}
const REMOTE_WRITE_BODY = protobuf('A prometheus.WriteRequest. Content-Encoding must be snappy.')
const NO_CONTENT = { 204: { description: 'Kafka has stored all samples.' } }

function pushed(name: string, what: string, content: object, success: object, facts: OpenApiFacts): object {
  const { clients, maxBodyBytes, maxItems } = facts
  return {
    operationId: `post-${name}`,
    summary: `Stores ${what} as points without a seq.`,
    description: `At most ${maxItems} data points and ${maxBodyBytes} bytes, both compressed and decompressed.`,
    ...secured(clients !== null),
    requestBody: { required: true, content },
    responses: {
      ...success,
      400: problem(
        'The body is invalid, or `items` lists unusable data points. The detail says whether others are stored.',
      ),
      ...refusals(clients !== null),
    },
  }
}

function queryPaths(needsToken: boolean): object {
  const responses = (description: string, schema: string): object => ({
    200: { description, content: json(schema) },
    ...(needsToken ? { 401: problem('The token is missing or unknown.') } : {}),
    503: problem('The results have not been read yet, or cannot be read.', RETRY_AFTER),
  })
  return {
    '/v1/vms/{id}': {
      get: {
        operationId: 'get-vm',
        summary: 'The latest result of a VM, including its state.',
        ...secured(needsToken),
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: {
          ...responses('The result.', 'Result'),
          404: problem('No recent result of this VM.'),
          409: problem('The records of the VM arrive in several partitions; `results` has the latest result of each.'),
        },
      },
    },
    '/v1/windows': {
      get: {
        operationId: 'get-windows',
        summary: 'Recent partition windows with their completeness, newest first.',
        ...secured(needsToken),
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 1000, default: 50 } },
        ],
        responses: { ...responses('The windows.', 'Windows'), 400: problem('The limit is invalid.') },
      },
    },
    '/v1/certificates/{partition}/{window}': {
      get: {
        operationId: 'get-certificate',
        summary: 'The certificate of a closed window; `window` is its start in milliseconds since 1970.',
        ...secured(needsToken),
        parameters: ['partition', 'window'].map((name) => ({
          ...{ name, in: 'path', required: true, schema: { type: 'integer' } },
        })),
        responses: {
          ...responses('The certificate.', 'Certificate'),
          400: problem('A parameter is not a whole number.'),
          404: problem('No recent certificate of this window.'),
        },
      },
    },
  }
}

function secured(needsToken: boolean): object {
  return needsToken ? { security: [{ token: [] }] } : {}
}

function plain(
  operationId: string,
  summary: string,
  schema: string,
  descriptions: Readonly<Record<number, string>>,
): object {
  const responses = Object.entries(descriptions).map(([status, description]) => [
    status,
    { description, content: json(schema) },
  ])
  return { operationId, summary, responses: Object.fromEntries(responses) as object }
}

const id = (description: string, minLength: number, maxLength: number): object => ({
  type: 'string',
  description,
  minLength,
  maxLength,
})
const MAX_INTEGER = Number.MAX_SAFE_INTEGER
const ms = { type: 'integer', minimum: -8.64e15, maximum: 8.64e15, description: 'Milliseconds since 1970.' }
const count = { type: 'integer', minimum: 0, maximum: MAX_INTEGER }

const SCHEMAS = {
  Point: {
    type: 'object',
    required: ['vmId', 'metric', 'timestamp', 'seq', 'value'],
    properties: {
      vmId: id('The VM.', 1, MAX_ID_CHARS),
      producer: id('The producer that numbers the points; needed if a VM has several.', 0, MAX_PRODUCER_CHARS),
      metric: id('The metric that was measured.', 1, MAX_ID_CHARS),
      timestamp: ms,
      seq: { ...count, description: 'Sequence number of the point for its VM and producer: 0, 1, 2…' },
      value: { type: 'number' },
    },
  },
  Manifest: {
    type: 'object',
    required: ['vmId', 'windowStart', 'firstSeq', 'count'],
    properties: {
      vmId: id('The VM.', 1, MAX_ID_CHARS),
      producer: id('The producer whose points are promised.', 0, MAX_PRODUCER_CHARS),
      windowStart: ms,
      firstSeq: count,
      count,
      last: { type: 'boolean', description: 'The producer stops after this window.' },
    },
  },
  Taken: { type: 'object', required: ['taken'], properties: { taken: count }, additionalProperties: false },
  Problem: {
    type: 'object',
    required: ['status', 'code', 'detail', 'remedy'],
    properties: {
      status: { type: 'integer' },
      code: { type: 'string' },
      detail: { type: 'string' },
      remedy: { type: 'string' },
      items: {
        type: 'array',
        items: {
          type: 'object',
          required: ['index', 'code', 'reason'],
          properties: { index: count, code: { type: 'string' }, reason: { type: 'string' } },
          additionalProperties: false,
        },
      },
      results: {
        type: 'array',
        items: {
          type: 'object',
          required: ['partition', 'result'],
          properties: { partition: count, result: ref('Result') },
          additionalProperties: false,
        },
      },
    },
    additionalProperties: false,
  },
  Live: { type: 'object', required: ['status'], properties: { status: { const: 'live' } } },
  Readiness: {
    type: 'object',
    required: ['ready'],
    properties: { ready: { type: 'boolean' }, code: { type: 'string' }, reason: { type: 'string' } },
    additionalProperties: false,
  },
  Document: { type: 'object', required: ['openapi'] },
  Result: { type: 'object', required: ['vmId', 'windowStart', 'revision', 'reason', 'received', 'metrics', 'state'] },
  Certificate: { type: 'object', required: ['partition', 'sequence', 'window', 'points', 'results', 'digest'] },
  Windows: {
    type: 'object',
    required: ['windows'],
    properties: {
      windows: {
        type: 'array',
        items: {
          type: 'object',
          required: [
            'partition',
            'windowStart',
            'windowEnd',
            'vmWindows',
            'byReason',
            'received',
            'missing',
            'complete',
          ],
        },
      },
    },
  },
}
