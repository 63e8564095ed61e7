/**
 * Looks up schemas by id in a registry with Confluent's interface (`GET /schemas/ids/<id>`). The schema of an id never
 * changes, so callers cache schemas without a limit of time, and the answer "no such schema" only for a while.
 *
 * There are two kinds of failure. If the registry says that the schema does not exist, the record is undecodable. If the
 * registry is unavailable, nothing is known about the record, and the reader has to wait.
 */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { RetryPolicy } from '../../retry/policy.ts'
import { retry } from '../../retry/retry.ts'

export interface SchemaRegistryOptions {
  /** May contain `user:password@`. */
  readonly url: string
  /** Value of the Authorization header, for example `Bearer …`. */
  readonly authorization?: string
  readonly clock: Clock
}

export type SchemaAnswer =
  | { readonly kind: 'avro'; readonly schema: string }
  /** The schema does not exist, or Windrow cannot read it. */
  | { readonly kind: 'unusable'; readonly detail: string }

export interface SchemaRegistry {
  /** Throws a retryable error when the registry is unavailable, and a fatal one when it refuses the request. */
  lookUp(id: number): Promise<SchemaAnswer>
}

const REQUEST_TIMEOUT_MS = 10_000
const LOOK_UP_RETRY: RetryPolicy = { baseMs: 200, capMs: 1_600, maxAttempts: 5 }
const TOO_MANY_REQUESTS = 429
/** The error code of the registry. A 404 without it does not come from a schema registry. */
const SCHEMA_NOT_FOUND = '40403'

export function createSchemaRegistry(options: SchemaRegistryOptions): SchemaRegistry {
  const { base, headers } = addressOf(options)
  return {
    lookUp: (id) =>
      retry(LOOK_UP_RETRY, options, async () => {
        const answer = await ask(`${base}/schemas/ids/${id}`, headers)
        if (answer.kind === 'unavailable') throw unavailable(base, id, answer)
        return answer
      }),
  }
}

interface Unavailable {
  readonly kind: 'unavailable'
  readonly detail: string
  readonly cause?: unknown
}

async function ask(url: string, headers: Readonly<Record<string, string>>): Promise<SchemaAnswer | Unavailable> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
    const text = await response.text()
    if (response.ok) return schemaOf(text)
    if (response.status === 404 && text.includes(SCHEMA_NOT_FOUND)) {
      return { kind: 'unusable', detail: 'the registry has no such schema' }
    }
    if (response.status >= 500 || response.status === TOO_MANY_REQUESTS) {
      return { kind: 'unavailable', detail: `it answers ${response.status}` }
    }
    throw new WindrowError(`the schema registry answers ${response.status} to ${url}: ${text.slice(0, 200)}`, {
      code: 'SCHEMA_REGISTRY_REFUSED',
    })
  } catch (error) {
    if (error instanceof WindrowError) throw error
    return { kind: 'unavailable', detail: messageOf(error), cause: error }
  }
}

/** `{"schema": "<text>"[, "schemaType": "AVRO"][, "references": […]]}`; the type is left out for Avro. */
function schemaOf(text: string): SchemaAnswer {
  const body = JSON.parse(text) as {
    readonly schema?: unknown
    readonly schemaType?: unknown
    readonly references?: unknown
  }
  const { schema, schemaType = 'AVRO', references = [] } = body
  if (schemaType !== 'AVRO')
    return { kind: 'unusable', detail: `it is of type ${JSON.stringify(schemaType)}, not Avro` }
  if (!Array.isArray(references) || references.length > 0)
    return { kind: 'unusable', detail: 'it refers to other schemas' }
  if (typeof schema !== 'string') return { kind: 'unusable', detail: 'the registry gives no text for it' }
  return { kind: 'avro', schema }
}

function addressOf({ url, authorization }: SchemaRegistryOptions) {
  const { username, password, ...parsed } = readUrl(url)
  const basic = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const given = authorization ?? (username === '' ? undefined : `Basic ${Buffer.from(basic).toString('base64')}`)
  const headers = {
    accept: 'application/vnd.schemaregistry.v1+json',
    ...(given === undefined ? {} : { authorization: given }),
  }
  return { base: parsed.base, headers }
}

/** `fetch` refuses URLs with credentials, so they are removed from the URL. */
function readUrl(url: string) {
  const { protocol, host, pathname, username, password } = new URL(url)
  return { base: `${protocol}//${host}${pathname.replace(/\/+$/, '')}`, username, password }
}

function unavailable(base: string, id: number, { detail, cause }: Unavailable): WindrowError {
  return new WindrowError(`the schema registry at ${base} did not return schema ${id}: ${detail}`, {
    code: 'SCHEMA_REGISTRY_UNAVAILABLE',
    cause,
  })
}
