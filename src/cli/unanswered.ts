/** How a command ends that asked the owners of partitions (app/ask.ts) and has no answer of some. */
import { WindrowError } from '../errors/index.ts'
import type { WindrowErrorOptions } from '../errors/index.ts'

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
  underWay: WindrowErrorOptions,
): WindrowError | null {
  const ownerless = partitionsThat('no-owner', asked)
  if (ownerless !== '') {
    return new WindrowError(`partitions without an owner: ${ownerless}${where === null ? '' : `; ${where}`}`, {
      code: 'NO_OWNER',
    })
  }
  const begun = partitionsThat('under-way', asked)
  if (begun === '') return null
  return new WindrowError(`partitions that have begun and not answered yet: ${begun}`, underWay)
}
