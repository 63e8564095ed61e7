/** Invalid settings or usage. All problems are reported at once, and the command line exits with code 2. */
import { WindrowError } from './windrow-error.ts'

/** One invalid setting: where it was given, what is wrong with it, and how to fix it. */
export interface ConfigurationProblem {
  /** A flag (`--window`), an environment variable or a place in a file (`windrow.yaml: window`). */
  readonly place: string
  readonly problem: string
  readonly remedy: string
}

export class ConfigurationError extends WindrowError {
  readonly problems: readonly ConfigurationProblem[]

  constructor(problems: readonly ConfigurationProblem[]) {
    super(problems.map((p) => `${p.place}: ${p.problem}. ${p.remedy}`).join('\n'), { code: 'CONFIGURATION' })
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}
