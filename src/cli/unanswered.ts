/** The error of a command that sent requests to partition owners (app/ask.ts) and got no reply from some of them. */
import { WindrowError } from '../errors/index.ts'
import type { WindrowErrorOptions } from '../errors/index.ts'

export interface Asked {
  readonly partition: number
  readonly outcome: string
}

/** The partitions with this outcome, for a message; '' if there are none. */
export function partitionsThat(outcome: string, asked: readonly Asked[]): string {
  return asked
    .filter((one) => one.outcome === outcome)
    .map((one) => one.partition)
    .join(', ')
}

/** `null` if every owner replied or every request was left. `where`: why there was no owner, if known. */
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
  return new WindrowError(`partitions whose owner has begun and not replied yet: ${begun}`, underWay)
}
