/**
 * Calls a method of another app through the sidecar (service invocation). Over HTTP: gRPC would lose the status and the body
 * of the answer. The body has a known length, since a sidecar never retries chunked ones.
 */
import { messageOf, WindrowError } from '../../errors/index.ts'

export interface SidecarHttp {
  readonly host: string
  readonly httpPort: number
  /** Dapr's API token, if the sidecar requires one. */
  readonly apiToken?: string
}

export interface Invocation {
  readonly app: string
  /** Path of the method. It contains no data: the sidecar decodes and normalizes it. */
  readonly method: string
  readonly body: Buffer
  /** The same for each attempt, so that the app can recognize repeated calls. */
  readonly idempotencyKey: string
  /** The sidecar has no limit of its own: without one, an app that hangs would hang the caller. */
  readonly timeoutMs: number
}

/** Statuses below 500 with which the same call may succeed later: timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429])
const MAX_SHOWN_CHARS = 300

/** Resolves if the app answers with success. SERVICE_FAILED is retryable; SERVICE_REFUSED is not. */
export async function invokeApp(sidecar: SidecarHttp, call: Invocation): Promise<void> {
  const { app, method, body, idempotencyKey, timeoutMs } = call
  const doing = `calling ${method} of the app ${app}`
  let status: number
  let answer: string
  try {
    const response = await fetch(`http://${sidecar.host}:${sidecar.httpPort}/v1.0/invoke/${app}/method/${method}`, {
      ...{ method: 'POST', body: new Uint8Array(body), redirect: 'manual' },
      headers: {
        'content-type': 'application/json',
        'idempotency-key': idempotencyKey,
        ...(sidecar.apiToken === undefined ? {} : { 'dapr-api-token': sidecar.apiToken }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    })
    status = response.status
    answer = await response.text()
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : ''
    throw new WindrowError(`${doing}: ${messageOf(error)}${cause}`, { code: 'SERVICE_FAILED', cause: error })
  }
  if (status >= 200 && status < 300) return
  const code = status >= 500 || PASSING.has(status) ? 'SERVICE_FAILED' : 'SERVICE_REFUSED'
  throw new WindrowError(`${doing}: HTTP ${status} ${answer.slice(0, MAX_SHOWN_CHARS)}`, { code })
}
