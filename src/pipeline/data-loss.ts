/** The ledger's offset must be in the log: a hole below it, or a log that ends before it, is lost data and never skipped. */
import { WindrowError } from '../errors/index.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** Why a log that begins at `start`, and whose next record gets offset `end`, cannot be read on; `null` when it can. */
export function dataLossIn(
  { start, end }: { readonly start: number; readonly end: number },
  { job, partition, resumeOffset }: Pick<Ledger, 'job' | 'partition' | 'resumeOffset'>,
): WindrowError | null {
  if (resumeOffset >= start && resumeOffset <= end) return null
  return new WindrowError(
    `partition ${partition} of job ${job} must go on at offset ${resumeOffset}, but the log holds ${start} to ${end}`,
    {
      code: 'DATA_LOSS',
      remedy:
        'Records were deleted before they were read, or the log was made anew: restore it, or begin under another job name.',
    },
  )
}
