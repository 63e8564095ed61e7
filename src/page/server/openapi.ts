/**
 * The OpenAPI document of the page's API. Written by hand; a test compares it with the routes of the server, and the answers with
 * its schemas. The types with every field are in src/page/answers.ts.
 */
const PROBLEM_TYPE = 'application/problem+json'

const integer = { type: 'integer' }
const text = { type: 'string' }
const time = { type: 'integer', description: 'Milliseconds since 1970.' }
const list = (items: object): object => ({ type: 'array', items })
const orNull = (schema: object): object => ({ anyOf: [schema, { type: 'null' }] })
const object = (properties: Readonly<Record<string, object>>, description?: string): object => ({
  type: 'object',
  ...(description === undefined ? {} : { description }),
  required: Object.keys(properties),
  properties,
})
const ref = (schema: string): object => ({ $ref: `#/components/schemas/${schema}` })

const snapshot = { type: 'string', description: 'Id of the snapshot. Answers with the same id agree with each other.' }
const ranges = list({ type: 'array', items: integer, minItems: 2, maxItems: 2 })
const columns = list(integer)
const anything = {}

const SCHEMAS = {
  Problem: object({ status: integer, code: text, detail: text, remedy: text }),
  Job: object({
    ...{ snapshot, takenAtMs: time, boot: text, version: text, job: text, aggregator: text },
    ...{ windowMs: integer, windows: text, graceMs: integer, deadlineMs: orNull(integer), partitions: integer },
    ...{ topic: orNull(text), results: text, deadLetters: text },
    process: { enum: ['running', 'idle', 'unknown'] },
    canAct: { type: 'boolean' },
    index: object({
      ...{
        state: { enum: ['loading', 'ready', 'unreadable', 'elsewhere'] },
        problem: orNull(text),
        done: integer,
        total: integer,
      },
      ...{ vmWindows: integer, oldest: orNull(integer), isTruncated: { type: 'boolean' } },
    }),
    metrics: list(text),
  }),
  Status: {
    type: 'object',
    description: 'As printed by windrow status --json.',
    required: ['job', 'counts', 'partitions'],
  },
  Window: object({
    ...{ partition: integer, windowStart: time, windowEnd: time, vmWindows: integer, byReason: { type: 'object' } },
    reason: { enum: ['complete', 'grace', 'deadline', 'forced', 'quarantined'] },
    ...{ expected: orNull(integer), received: integer, missing: integer, duplicates: integer, conflicts: integer },
    ...{ noReadings: integer, revised: integer, complete: { type: 'boolean' } },
  }),
  Windows: object({ snapshot, windows: list(ref('Window')), more: integer }),
  Heat: object({
    ...{ snapshot, by: text, totalRows: integer },
    rows: list(object({ key: text, label: text, vms: integer, partition: orNull(integer) })),
    windows: list(object({ start: time, end: time })),
    reason: { type: 'string', description: 'One character per cell, row by row: . none, c g d f q closed, o open.' },
    ...{ total: columns, complete: columns, expected: list(orNull(integer)), received: columns, missing: columns },
    revised: columns,
  }),
  Waiting: object({
    ...{ vmId: text, producer: text, state: { enum: ['silent', 'unannounced', 'missing', 'conflict', 'complete'] } },
    ...{ expected: orNull(integer), received: integer, missing: ranges, missingCount: integer },
  }),
  OpenWindow: object({
    ...{ partition: integer, start: time, end: time, vmWindows: integer, waitedFor: integer, complete: integer },
    ...{ expected: orNull(integer), received: integer, missing: integer, duplicates: integer, conflicts: integer },
    ...{ noReadings: integer, graceEndsMs: time, deadlineMs: orNull(integer) },
    waitsFor: object({ total: integer, first: list(ref('Waiting')) }),
  }),
  Open: object({ snapshot, windows: list(ref('OpenWindow')) }),
  WholeWindow: object({
    ...{ snapshot, partition: integer, start: time, end: time, previous: time },
    ...{ state: { enum: ['open', 'closing', 'closed'] } },
    ...{ trigger: orNull(text), forced: anything, open: orNull(ref('OpenWindow')), closed: orNull(ref('Window')) },
    records: anything,
    vms: object({ total: integer, items: list({ type: 'object' }), next: orNull(text) }),
    certified: anything,
    workflows: object({ items: list({ type: 'object' }), note: orNull(text) }),
  }),
  Vms: object({
    ...{ snapshot, total: integer, next: orNull(text) },
    vms: list(object({ vmId: text, partition: integer, newest: orNull(integer), reason: orNull(text) })),
  }),
  VmResults: object({
    ...{ snapshot, vmId: text, partitions: list(integer), more: integer, priorState: anything },
    results: list(object({ partition: integer, result: { type: 'object', description: 'As published.' } })),
    open: list({ type: 'object', required: ['provisional', 'windowStart', 'received', 'metrics'] }),
  }),
  Series: object({
    ...{ atMs: list(time), recordsPerSecond: list(orNull(integer)), lag: list(orNull(integer)) },
    ...{ closeMs: list(orNull(integer)), closed: columns },
  }),
  Letters: object({
    ...{ snapshot, byReason: { type: 'object' }, total: integer, next: orNull(text), isTruncated: { type: 'boolean' } },
    items: list({
      type: 'object',
      required: ['id', 'reason', 'detail', 'remedy', 'place', 'text', 'isRetried', 'retry'],
    }),
  }),
  Order: {
    type: 'object',
    required: ['why'],
    properties: {
      who: { type: 'string', description: 'Recorded together with the name of the token.' },
      why: { type: 'string', minLength: 1, maxLength: 500 },
      line: { type: 'string', description: 'Retry only: the repaired record, as a line of input.' },
    },
  },
  Retried: object({ id: text, sent: { type: 'boolean' }, to: text }),
  Closed: object({ request: text, partition: integer, outcome: text, windows: list(time) }),
}

type Parameter = readonly [name: string, description: string, schema?: object]

const FROM_TO: readonly Parameter[] = [
  ['from', 'First start of a window, included.', time],
  ['to', 'First start that is not included.', time],
]
const PARTITION: Parameter = ['partition', 'Only this partition.', integer]
const LIMIT: Parameter = ['limit', 'At most so many.', integer]
const AFTER: Parameter = ['after', '`next` of the answer before.']

interface Described {
  readonly summary: string
  readonly schema: keyof typeof SCHEMAS
  readonly query?: readonly Parameter[]
  readonly missing?: string
}

const READS: Readonly<Record<string, Described>> = {
  '/v1/job': { summary: 'The job, and how much of its results was read.', schema: 'Job' },
  '/v1/status': { summary: 'What windrow status --json prints.', schema: 'Status' },
  '/v1/windows': {
    summary: 'Closed windows with their completeness, newest first.',
    schema: 'Windows',
    query: [...FROM_TO, PARTITION, LIMIT],
  },
  '/v1/windows/{partition}/{start}': {
    summary: 'One window: who holds it back, counts, certificate and chain, workflows.',
    schema: 'WholeWindow',
    query: [AFTER, LIMIT, ['all', 'Also VMs that are complete.', { type: 'boolean' }]],
    missing: 'The job has no such window.',
  },
  '/v1/heat': {
    summary: 'Completeness of partitions, groups of VMs or VMs in each window, as columns.',
    schema: 'Heat',
    query: [
      ['by', 'What a row is.', { enum: ['partition', 'group', 'vm'] }],
      ['groups', 'Rows of by=group.', integer],
      ...[...FROM_TO, PARTITION, AFTER, LIMIT],
      ['windows', 'At most so many windows, the newest.', integer],
    ],
  },
  '/v1/open': { summary: 'Open windows and what each waits for.', schema: 'Open', query: [LIMIT] },
  '/v1/vms': { summary: 'Ids of VMs.', schema: 'Vms', query: [['prefix', 'Beginning of the id.'], AFTER, LIMIT] },
  '/v1/vms/{id}/windows': {
    summary: 'The results of a VM, oldest first, and provisional values of its open windows.',
    schema: 'VmResults',
    query: [...FROM_TO, LIMIT, ['id', 'Replaces the id of the path, for the ids . and .. that no path can contain.']],
    missing: 'No such VM.',
  },
  '/v1/series': {
    summary: 'Throughput, lag and close latency over time, as sampled by this process.',
    schema: 'Series',
  },
  '/v1/dead-letters': {
    summary: 'Dead letters with bytes, place and remedy, newest first.',
    schema: 'Letters',
    query: [['reason', 'Only this reason; may be repeated.'], PARTITION, AFTER, LIMIT],
  },
}

const content = (schema: string): object => ({ 'application/json': { schema: ref(schema) } })
const problem = (description: string): object => ({
  description,
  content: { [PROBLEM_TYPE]: { schema: ref('Problem') } },
})

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true, schema: name === 'id' ? text : integer },
  }))
}

function readPath(path: string, { summary, schema, query = [], missing }: Described): object {
  const parameters = [
    ...pathParameters(path),
    ...query.map(([name, description, type = text]) => ({ name, in: 'query', description, schema: type })),
    { name: 'If-None-Match', in: 'header', schema: text, description: 'ETag of an earlier answer.' },
  ]
  const found = missing === undefined ? 'The job does not exist.' : `${missing} Or the job does not exist.`
  return {
    get: {
      operationId: `get${path.replaceAll(/[^a-z]+/gi, '-').replace(/-$/, '')}`,
      ...{ summary, parameters },
      responses: {
        200: {
          description: 'The answer, of one snapshot.',
          content: content(schema),
          headers: { ETag: { schema: text } },
        },
        304: { description: 'Nothing has changed.' },
        400: problem('A parameter is invalid.'),
        404: problem(found),
        503: problem('The job cannot be read now.'),
      },
    },
  }
}

function orderPath(path: string, summary: string, schema: string): object {
  return {
    post: {
      operationId: `post${path.replaceAll(/[^a-z]+/gi, '-').replace(/-$/, '')}`,
      ...{ summary, parameters: pathParameters(path), security: [{ token: [] }] },
      requestBody: { required: true, content: content('Order') },
      responses: {
        200: { description: 'What came of it.', content: content(schema) },
        400: problem('The body or a parameter is invalid.'),
        401: problem('The token is missing or unknown.'),
        403: problem('The server was started without tokens.'),
        404: problem('There is nothing of this id, or the job does not exist.'),
        422: problem('It cannot be carried out; the code is that of the command line.'),
        503: problem('The job cannot be read now.'),
      },
    },
  }
}

const SECURITY = {
  token: { type: 'http', scheme: 'bearer' },
  password: { type: 'http', scheme: 'basic', description: 'Any name, and a token as the password. Reading only.' },
}

export function pageOpenApi(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Windrow page',
      version,
      description:
        'What a job has computed, what is missing, and why. All values of an answer belong to one snapshot: the ledgers as of one ' +
        'moment, and the results published by then.',
    },
    paths: {
      ...Object.fromEntries(Object.entries(READS).map(([path, described]) => [path, readPath(path, described)])),
      '/v1/events': {
        get: {
          operationId: 'get-v1-events',
          summary: 'Server-sent events: hello, closed, revised, snapshot, problem, reset.',
          parameters: [{ name: 'Last-Event-ID', in: 'header', schema: text, description: 'Resumes after this event.' }],
          responses: {
            200: { description: 'The stream.', content: { 'text/event-stream': { schema: text } } },
            503: problem('Too many streams are open.'),
          },
        },
      },
      '/v1/dead-letters/{id}/retry': orderPath('/v1/dead-letters/{id}/retry', 'Sends a dead letter again.', 'Retried'),
      '/v1/windows/{partition}/{start}/close': orderPath(
        '/v1/windows/{partition}/{start}/close',
        'Closes the open windows of a partition up to this one.',
        'Closed',
      ),
      '/openapi.json': {
        get: {
          operationId: 'get-openapi',
          summary: 'This document.',
          responses: {
            200: { description: 'The document.', content: { 'application/json': { schema: { type: 'object' } } } },
          },
        },
      },
    },
    // On a loopback address, reading needs none.
    security: [{}, { token: [] }, { password: [] }],
    components: { schemas: SCHEMAS, securitySchemes: SECURITY },
  }
}
