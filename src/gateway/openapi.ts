/**
 * The OpenAPI document that the gateway serves. Written by hand, since bodies are judged item by item and not by a
 * schema; a test holds it against the routes, and every answer that tests see against it.
 */
import { MAX_ID_CHARS, MAX_PRODUCER_CHARS } from '../core/shape.ts'
import { PROBLEM_MEDIA_TYPE } from './problem.ts'

export interface OpenApiFacts {
  /** `null`: nobody needs a token. */
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
        'Takes points and manifests over HTTP and answers once Kafka has stored them on all in-sync replicas. ' +
        'A request that is sent again counts once, since (vmId, producer, seq) identifies a point.',
    },
    paths: {
      '/v1/points': { post: ingest('points', 'Point', facts) },
      '/v1/manifests': { post: ingest('manifests', 'Manifest', facts) },
      ...(facts.hasQueries ? queryPaths(needsToken) : {}),
      '/livez': { get: plain('health', 'The process turns.', 'Live', { 200: 'It does.' }) },
      '/readyz': {
        get: plain('readiness', 'Whether every partition can be written to now, asked of Kafka.', 'Readiness', {
          200: 'Yes.',
          503: 'No, and why.',
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
  'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer', minimum: 1 } },
}

function ingest(what: string, item: string, { clients, maxBodyBytes, maxItems }: OpenApiFacts): object {
  const avro = { schema: { type: 'string', format: 'binary', description: 'Records in Avro single-object encoding.' } }
  const lines = { schema: { type: 'string', description: 'One JSON object a line.' } }
  return {
    operationId: `post-${what}`,
    summary: `Takes ${what}; all of a request or nothing.`,
    description: `At most ${maxItems} items and ${maxBodyBytes} bytes, packed or unpacked. Content-Encoding may be gzip.`,
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
      200: { description: 'Kafka has stored all of it.', content: json('Taken') },
      400: problem('Something is wrong with the body; `items` names every item that is. Nothing was taken.'),
      ...(clients === null ? {} : { 401: problem('There is no token, or it is not known.') }),
      408: problem('The request came too slowly.'),
      413: problem('Too many bytes or items. Nothing was taken.'),
      415: problem('A media type, character set or coding that is not read.'),
      429: problem('This client sends more than its rate allows.', RETRY_AFTER),
      431: problem('The headers are too large.'),
      503: problem('Back-pressure, no acknowledgement in time, or the end of this gateway.', RETRY_AFTER),
    },
  }
}

function queryPaths(needsToken: boolean): object {
  const answers = (description: string, schema: string): object => ({
    200: { description, content: json(schema) },
    ...(needsToken ? { 401: problem('There is no token, or it is not known.') } : {}),
    503: problem('The results are not read yet, or cannot be.', RETRY_AFTER),
  })
  return {
    '/v1/vms/{id}': {
      get: {
        operationId: 'get-vm',
        summary: 'The latest result of a VM, its state in it.',
        ...secured(needsToken),
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        responses: { ...answers('The result.', 'Result'), 404: problem('No recent result of this VM.') },
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
        responses: { ...answers('The windows.', 'Windows'), 400: problem('The limit is none.') },
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
          ...answers('The certificate.', 'Certificate'),
          400: problem('Not whole numbers.'),
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
  answers: Readonly<Record<number, string>>,
): object {
  const responses = Object.entries(answers).map(([status, description]) => [
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
      producer: id('Who numbers the points, where a VM has several.', 0, MAX_PRODUCER_CHARS),
      metric: id('What was measured.', 1, MAX_ID_CHARS),
      timestamp: ms,
      seq: { ...count, description: 'Numbers the points of a VM and producer: 0, 1, 2…' },
      value: { type: 'number' },
    },
  },
  Manifest: {
    type: 'object',
    required: ['vmId', 'windowStart', 'firstSeq', 'count'],
    properties: {
      vmId: id('The VM.', 1, MAX_ID_CHARS),
      producer: id('Whose points are promised.', 0, MAX_PRODUCER_CHARS),
      windowStart: ms,
      firstSeq: count,
      count,
      last: { type: 'boolean', description: 'The producer leaves after this window.' },
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
