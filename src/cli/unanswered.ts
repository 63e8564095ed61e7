/** How a command ends that asked the owners of partitions (app/ask.ts) and has no answer of some. */
import { WindrowError } from '../errors/index.ts'

export interface Asked {
  readonly partition: number
  readonly outcome: string
}

/** Those of this outcome, for a message; '' when there are none. */
export function partitionsThat(outcome: string, asked: readonly Asked[]): string {
  return asked
    .filter((one) => one.outcome === outcome)
    .map((one) => one.partition)
    .join(', ')
}

/** `null`: all have answered, or were left. `where`: why there was no owner, if that is known. */
export function unanswered(
  asked: readonly Asked[],
  where: string | null,
  underWay: { readonly code: string; readonly remedy: string },
): WindrowError | null {
  const ownerless = partitionsThat('no-owner', asked)
  if (ownerless !== '') {
    return new WindrowError(`partitions without an owner: ${ownerless}${where === null ? '' : `; ${where}`}`, {
      code: 'NO_OWNER',
      remedy: 'Start the job, or give --leave to leave the request for its next owner; wait longer with --wait.',
    })
  }
  const begun = partitionsThat('under-way', asked)
  if (begun === '') return null
  return new WindrowError(`partitions that have begun and not answered yet: ${begun}`, underWay)
}
