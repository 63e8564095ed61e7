/** The error responses of the page's API (RFC 9457), and the error that becomes one. */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { ProblemAnswer } from '../answers.ts'

export class PageProblem extends Error {
  readonly answer: ProblemAnswer

  constructor(answer: ProblemAnswer) {
    super(answer.detail)
    this.name = 'PageProblem'
    this.answer = answer
  }
}

export function badParameter(name: string, given: unknown, remedy: string): PageProblem {
  return new PageProblem({ status: 400, code: 'BAD_PARAMETER', detail: `${name} is ${JSON.stringify(given)}`, remedy })
}

export function notFound(code: string, detail: string, remedy: string): PageProblem {
  return new PageProblem({ status: 404, code, detail, remedy })
}

/** The answer to anything that was thrown while a request was handled. */
export function answerTo(error: unknown, orderStatus: number): ProblemAnswer {
  if (error instanceof PageProblem) return error.answer
  if (error instanceof WindrowError) {
    const { code, remedy } = error
    return { status: orderStatus, code, detail: messageOf(error), remedy }
  }
  const { statusCode = 500, message } = error as { readonly statusCode?: number; readonly message?: string }
  if (statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, code: 'BAD_REQUEST', detail: message ?? 'bad request', remedy: 'See /openapi.json.' }
  }
  return {
    status: 500,
    code: 'FAULT',
    detail: 'this request failed unexpectedly',
    remedy: 'Send it again. If the error persists, report it with the output of windrow ui.',
  }
}
