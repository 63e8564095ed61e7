/** Queries for results. They return what a `read_committed` reader of the job's topics has read. */
import type { FastifyInstance } from 'fastify'
import type { CertificatesView } from './certificates-view.ts'
import { SPLIT_REMEDY } from '../core/split-vm.ts'
import { ProblemError, type PartitionResult, type ProblemCode } from './problem.ts'
import type { ResultsView } from './results-view.ts'

/** A topic that the gateway follows, and the view that it maintains from it. */
export interface FollowedTopic<View> {
  readonly view: View
  readonly topic: string
  /** Why the view cannot be queried; `null` once the topic has been read to its end and is followed from there. */
  readonly problem: () => { readonly code: ProblemCode; readonly detail: string } | null
}

/** The topics that the job publishes to, as far as queries need them. */
export interface PublishedViews {
  readonly results: FollowedTopic<ResultsView>
  readonly certificates: FollowedTopic<CertificatesView>
}

const DEFAULT_WINDOWS = 50
const MAX_WINDOWS = 1_000
const LOADING_SECONDS = 2

export function addQueryRoutes(app: FastifyInstance, { results, certificates }: PublishedViews): void {
  app.get<{ Params: { id: string } }>('/v1/vms/:id', (request) => {
    const { id } = request.params
    const found = viewOf(results).latestInEach(id)
    if (found.length > 1) throw inTwoPartitions(id, found)
    const result = found[0]?.result
    if (result === undefined) throw notFound('NO_SUCH_VM', `there is no recent result of the VM ${JSON.stringify(id)}`)
    return result
  })

  app.get<{ Querystring: { limit?: unknown } }>('/v1/windows', (request) => {
    const { limit } = request.query
    const most = limit === undefined ? DEFAULT_WINDOWS : whole('limit', limit, 1, MAX_WINDOWS)
    const certified = (partition: number, start: number): number | null =>
      certificates.view.of(partition, start)?.vmWindows ?? null
    return { windows: viewOf(results).windows(most, certified) }
  })

  app.get<{ Params: { partition: string; window: string } }>('/v1/certificates/:partition/:window', (request) => {
    const partition = whole('partition', request.params.partition, 0, 100_000)
    const start = whole('window', request.params.window, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const certificate = viewOf(certificates).of(partition, start)
    if (certificate !== null) return certificate
    throw notFound('NO_SUCH_CERTIFICATE', `there is no recent certificate of partition ${partition}, window ${start}`)
  })
}

function viewOf<View>({ view, topic, problem }: FollowedTopic<View>): View {
  const wrong = problem()
  if (wrong === null) return view
  throw new ProblemError({
    status: 503,
    ...wrong,
    remedy: `The response is built from the topic ${topic}. Retry; if the problem persists, check the topic and the log of the gateway.`,
    retryAfterSeconds: LOADING_SECONDS,
  })
}

function whole(name: string, given: unknown, min: number, max: number): number {
  const value = typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN
  if (value >= min && value <= max) return value
  throw new ProblemError({
    status: 400,
    code: 'BAD_PARAMETER',
    detail: `${name} is ${JSON.stringify(given)}`,
    remedy: `Give a whole number from ${min} to ${max}.`,
  })
}

/** The answer has all results and picks none: each lacks the points of the other partitions. */
function inTwoPartitions(id: string, results: readonly PartitionResult[]): ProblemError {
  const where = results.map(({ partition }) => partition).sort((a, b) => a - b)
  return new ProblemError({
    status: 409,
    code: 'VM_IN_TWO_PARTITIONS',
    detail: `the records of the VM ${JSON.stringify(id)} arrive in the partitions ${where.join(' and ')}: its producers use different partitioners or keys`,
    remedy: SPLIT_REMEDY,
    results,
  })
}

function notFound(code: ProblemCode, detail: string): ProblemError {
  return new ProblemError({ status: 404, code, detail, remedy: 'Retry after the window has closed.' })
}
