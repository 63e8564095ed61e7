/** Questions about results. What is answered is what a `read_committed` reader of the results topic has seen. */
import type { FastifyInstance } from 'fastify'
import { ProblemError } from './problem.ts'
import type { ResultsView } from './results-view.ts'

/** Where the results come from, as far as questions care. */
export interface ResultsSource {
  readonly view: ResultsView
  readonly topic: string
  /** `null`: read to its end, and followed from there. */
  problem(): { readonly code: string; readonly detail: string } | null
}

const DEFAULT_WINDOWS = 50
const MAX_WINDOWS = 1_000
const LOADING_SECONDS = 2

export function addQueryRoutes(app: FastifyInstance, results: ResultsSource): void {
  const view = (): ResultsView => {
    const problem = results.problem()
    if (problem === null) return results.view
    throw new ProblemError({
      status: 503,
      ...problem,
      remedy: `Results are read from the topic ${results.topic}; try again, or look at GET /readyz and the log.`,
      retryAfterSeconds: LOADING_SECONDS,
    })
  }

  app.get<{ Params: { id: string } }>('/v1/vms/:id', (request) => {
    const { id } = request.params
    const result = view().latestOf(id)
    if (result === null) throw notFound('NO_SUCH_VM', `there is no recent result of the VM ${JSON.stringify(id)}`)
    return result
  })

  app.get<{ Querystring: { limit?: unknown } }>('/v1/windows', (request) => {
    const limit = limitOf(request.query.limit)
    return { windows: view().windows(limit) }
  })
}

function limitOf(given: unknown): number {
  if (given === undefined) return DEFAULT_WINDOWS
  const limit = typeof given === 'string' && /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (limit >= 1 && limit <= MAX_WINDOWS) return limit
  throw new ProblemError({
    status: 400,
    code: 'BAD_LIMIT',
    detail: `limit is ${JSON.stringify(given)}`,
    remedy: `Give a whole number from 1 to ${MAX_WINDOWS}, or none.`,
  })
}

function notFound(code: string, detail: string): ProblemError {
  return new ProblemError({ status: 404, code, detail, remedy: 'Ask again when its window has closed.' })
}
