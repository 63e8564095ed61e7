/** Sends samples by remote write, and isolates those that the receiver refuses for good. */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { RemoteSample } from './samples.ts'
import { encodeWriteRequest } from './write-request.ts'

/** A sample that the receiver will not take, whenever it is sent. */
export interface RefusedSample {
  readonly sample: RemoteSample
  /** The answer of the receiver. */
  readonly reason: string
}

const TIMEOUT_MS = 30_000
const MAX_SHOWN_CHARS = 300
/** Statuses below 500 with which the same request may succeed later: timeout, too early, too many requests. */
const PASSING = new Set([408, 425, 429])
/** With 500, versions of Prometheus before 2.49 refuse samples that are older than `out_of_order_time_window`. */
const REFUSING = new Set([400, 409, 500])
/** The reasons of Prometheus, Thanos, Mimir and Cortex: another value for the time, or a time that is too old or too new. */
const REFUSED_FOR_ITS_TIME =
  /out.of.order|out.of.bounds|too.old|too.far.in.the.(?:past|future)|duplicate.(?:sample|timestamp)/i

/**
 * Resolves to the samples that were refused; the receiver has stored all others. Prometheus rolls back a whole request for one
 * sample, so a refused request is sent again in halves until the refused samples are alone.
 * PROMETHEUS_UNAVAILABLE is retryable; PROMETHEUS_REFUSED is not.
 */
export async function writeSamples(url: string, samples: readonly RemoteSample[]): Promise<readonly RefusedSample[]> {
  const reason = await send(url, samples)
  if (reason === null) return []
  const [only] = samples
  if (only !== undefined && samples.length === 1) return [{ sample: only, reason }]
  const half = samples.length >>> 1
  const refused = await writeSamples(url, samples.slice(0, half))
  return [...refused, ...(await writeSamples(url, samples.slice(half)))]
}

/** `null` if the samples are stored; otherwise why at least one of them is refused for its time. */
async function send(url: string, samples: readonly RemoteSample[]): Promise<string | null> {
  const doing = `writing ${samples.length} samples to ${url}`
  let status: number
  let answer: string
  try {
    const response = await fetch(url, {
      ...{ method: 'POST', body: new Uint8Array(encodeWriteRequest(samples)), redirect: 'manual' },
      headers: {
        ...{ 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
        ...{ 'x-prometheus-remote-write-version': '0.1.0', 'user-agent': 'windrow' },
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    status = response.status
    answer = (await response.text()).trim().slice(0, MAX_SHOWN_CHARS)
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? `: ${messageOf(error.cause)}` : ''
    throw new WindrowError(`${doing}: ${messageOf(error)}${cause}`, { code: 'PROMETHEUS_UNAVAILABLE', cause: error })
  }
  if (status >= 200 && status < 300) return null
  if (REFUSING.has(status) && REFUSED_FOR_ITS_TIME.test(answer)) return answer
  const code = status >= 500 || PASSING.has(status) ? 'PROMETHEUS_UNAVAILABLE' : 'PROMETHEUS_REFUSED'
  throw new WindrowError(`${doing}: HTTP ${status} ${answer}`, { code })
}
