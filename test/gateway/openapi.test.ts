/** The OpenAPI document is valid, has exactly the routes of the server, and describes every response. */
import { Validator, type SpecData } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { WindrowError } from '../../src/errors/index.ts'
import { MEDIA_TYPES } from '../../src/gateway/media-type.ts'
import { RateLimit } from '../../src/gateway/rate-limit.ts'
import { ResultsView } from '../../src/gateway/results-view.ts'
import { AUTHORIZED, gatewayForTest, JSON_BODY, pointOf, publishedOf } from './support.ts'

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly security?: unknown
  readonly responses: Readonly<
    Record<
      string,
      { readonly headers?: object; readonly content: Readonly<Record<string, { readonly schema: object }>> }
    >
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: object; readonly securitySchemes?: object }
}

const published = publishedOf(new ResultsView({ maxVms: 1, maxWindows: 1 }))
const loading = {
  ...published,
  results: { ...published.results, problem: () => ({ code: 'LOADING' as const, detail: 'reading' }) },
}

async function documentOf(gateway: ReturnType<typeof gatewayForTest>): Promise<Document> {
  return (await gateway.app.inject('/openapi.json')).json()
}

test.each([
  ['with tokens and questions', gatewayForTest({ published })],
  ['without either', gatewayForTest({ clients: null })],
])('it is a valid document %s', async (_, gateway) => {
  const { valid, errors } = await new Validator().validate((await documentOf(gateway)) as unknown as SpecData)
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
})

test('the document has exactly the routes of the server', async () => {
  const gateway = gatewayForTest({ published })
  const { paths } = await documentOf(gateway)
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const wanted = ['GET /livez', 'GET /openapi.json', 'GET /readyz', 'GET /v1/vms/{id}', 'GET /v1/windows']
  wanted.splice(3, 0, 'GET /v1/certificates/{partition}/{window}')
  expect(documented.sort()).toEqual([
    ...wanted,
    'POST /v1/manifests',
    'POST /v1/metrics',
    'POST /v1/points',
    'POST /v1/write',
  ])
  for (const route of documented) {
    const [method = '', path = ''] = route.split(' ')
    expect({
      route,
      there: gateway.app.hasRoute({ method: method, url: path.replaceAll(/{(\w+)}/g, ':$1') }),
    }).toEqual({
      ...{ route, there: true },
    })
  }
})

test('the document lists the supported media types, and requires a token where the server does', async () => {
  const { paths } = await documentOf(gatewayForTest())
  const post = paths['/v1/points']?.['post']
  expect(Object.keys(post?.requestBody?.content ?? {}).sort()).toEqual([...MEDIA_TYPES].sort())
  expect(post?.security).toEqual([{ token: [] }])
  const open = await documentOf(gatewayForTest({ clients: null }))
  expect(open.paths['/v1/points']?.['post']?.security).toBeUndefined()
  expect(open.components.securitySchemes).toBeUndefined()
})

describe('every response is in the document, with its schema', () => {
  const point = JSON.stringify([pointOf(0)])
  const post = { method: 'POST' as const, url: '/v1/points', headers: JSON_BODY, payload: point }
  const failing = gatewayForTest({ published: loading })
  failing.log.failure = new WindrowError('gone', { code: 'KAFKA_UNREACHABLE', remedy: 'Wait.' })
  const limited = gatewayForTest({ rateLimit: new RateLimit(1) })
  limited.pass(0)
  const ok = gatewayForTest({ published })

  test.each([
    ['taken', ok, post, 200],
    ['bad items', ok, { ...post, payload: '[1]' }, 400],
    ['no token', ok, { ...post, headers: {} }, 401],
    ['too large', gatewayForTest({ maxBodyBytes: 10 }), post, 413],
    ['another type', ok, { ...post, headers: { ...AUTHORIZED, 'content-type': 'text/plain' } }, 415],
    ['burst', limited, { ...post, payload: JSON.stringify([0, 1, 2, 3].map((seq) => pointOf(seq))) }, 200],
    ['rate', limited, post, 429],
    ['not stored', failing, post, 503],
    ['manifests', ok, { ...post, url: '/v1/manifests', payload: '[]' }, 200],
    ['metrics', ok, { ...post, url: '/v1/metrics', payload: '{}' }, 200],
    ['no metrics', ok, { ...post, url: '/v1/metrics', payload: '[]' }, 400],
    ['no such VM', ok, { method: 'GET' as const, url: '/v1/vms/{id}', headers: AUTHORIZED }, 404],
    ['windows', ok, { method: 'GET' as const, url: '/v1/windows', headers: AUTHORIZED }, 200],
    ['no such certificate', ok, { method: 'GET' as const, url: '/v1/certificates/0/0', headers: AUTHORIZED }, 404],
    ['no number', ok, { method: 'GET' as const, url: '/v1/certificates/0/x', headers: AUTHORIZED }, 400],
    ['bad limit', ok, { method: 'GET' as const, url: '/v1/windows?limit=0', headers: AUTHORIZED }, 400],
    ['loading', failing, { method: 'GET' as const, url: '/v1/windows', headers: AUTHORIZED }, 503],
    ['live', ok, { method: 'GET' as const, url: '/livez' }, 200],
    ['ready', ok, { method: 'GET' as const, url: '/readyz' }, 200],
    ['not ready', failing, { method: 'GET' as const, url: '/readyz' }, 503],
  ])('%s', async (_, gateway, request, status) => {
    const document = await documentOf(gateway)
    const { statusCode, headers, body } = await gateway.app.inject(request)
    expect(statusCode).toBe(status)
    const path = (request.url.split('?')[0] as string).replace(/(certificates)\/.*/, '$1/{partition}/{window}')
    const response = document.paths[path]?.[request.method.toLowerCase()]?.responses[statusCode]
    expect(response, `${request.method} ${path} may answer ${statusCode}`).toBeDefined()
    const type = String(headers['content-type']).split(';')[0] as string
    const { schema } = response?.content[type] ?? {}
    expect(schema, `${type} is documented`).toBeDefined()
    const ajv = new Ajv2020({ strict: false })
    const validate = ajv.compile({ ...schema, components: document.components })
    validate(JSON.parse(body))
    expect(validate.errors ?? []).toEqual([])
    expect('retry-after' in headers).toBe(response?.headers !== undefined)
  })
})
