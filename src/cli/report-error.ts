/** Formats an error for the command line: code, message, remedy, and the stack only for debugging. Pure. */
import { inspect } from 'node:util'
import { ConfigurationError, messageOf, WindrowError } from '../errors/index.ts'
import type { ExitCode } from './command.ts'

/** Code of mistakes in the command line itself, such as an unknown flag. */
export const USAGE = 'USAGE'

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof ConfigurationError || (error instanceof WindrowError && error.code === USAGE) ? 2 : 1
}

/** Lines for standard error, each with its line end. */
export function errorText(error: unknown, isDebug: boolean): string {
  const lines = error instanceof ConfigurationError ? configurationLines(error) : errorLines(error)
  if (isDebug) lines.push(inspect(error))
  return lines.map((line) => `${line}\n`).join('')
}

function configurationLines({ code, problems }: ConfigurationError): string[] {
  const [first] = problems
  if (problems.length === 1 && first !== undefined) {
    return [`windrow: ${code}: ${first.place}: ${first.problem}`, `  remedy: ${first.remedy}`]
  }
  return [
    `windrow: ${code}: ${problems.length} problems`,
    ...problems.flatMap((p) => [`  ${p.place}: ${p.problem}`, `    remedy: ${p.remedy}`]),
  ]
}

function errorLines(error: unknown): string[] {
  if (!(error instanceof WindrowError)) {
    return [`windrow: UNEXPECTED: ${messageOf(error)}`, '  remedy: Set WINDROW_DEBUG=1 to see the stack trace.']
  }
  const cause = error.cause === undefined ? [] : [`  cause: ${messageOf(error.cause)}`]
  return [`windrow: ${error.code}: ${error.message}`, ...cause, `  remedy: ${error.remedy}`]
}
