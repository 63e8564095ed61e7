/**
 * The one error class of Windrow. Two questions are answered by its fields: which case is it (`code`, stable, for
 * machines) and what can the reader do about it (`remedy`). A message names the offending value.
 */

/** What the caller may do after an error: nothing else than stop, try the same again, or give the partition up. */
export type Disposition = 'fatal' | 'retryable' | 'lost'

export interface WindrowErrorOptions {
  /** Stable upper-case code, for example `DATA_LOSS`. */
  readonly code: string
  /** What a person can do about it, as a sentence. */
  readonly remedy: string
  /** @default 'fatal' */
  readonly disposition?: Disposition
  readonly cause?: unknown
}

export class WindrowError extends Error {
  readonly code: string
  readonly remedy: string
  readonly disposition: Disposition

  constructor(message: string, options: WindrowErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'WindrowError'
    this.code = options.code
    this.remedy = options.remedy
    this.disposition = options.disposition ?? 'fatal'
  }
}

/** One wrong setting: where it was given, what is wrong with it, and how to mend it. */
export interface ConfigurationProblem {
  /** A flag (`--window`), an environment variable or a place in a file (`windrow.yaml: window`). */
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

/** Bad usage or configuration: all problems at once; the command line ends with exit code 2. */
export class ConfigurationError extends WindrowError {
  readonly problems: readonly ConfigurationProblem[]

  constructor(problems: readonly ConfigurationProblem[]) {
    super(problems.map((p) => `${p.place}: ${p.problem}. ${p.remedy}`).join('\n'), {
      code: 'CONFIGURATION',
      remedy: 'Mend every place that is named, then start again.',
    })
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Closes a `switch` over a union: does not compile while an arm is missing. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`)
}
