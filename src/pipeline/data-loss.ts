/** Detects lost records: the log must contain the offset at which the ledger resumes. A gap is an error and never skipped. */
import { WindrowError } from '../errors/index.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** The error for a log that holds the offsets from `start` up to `end` (exclusive); `null` if the log can be resumed. */
export function dataLossIn(
  { start, end }: { readonly start: number; readonly end: number },
  { job, partition, resumeOffset }: Pick<Ledger, 'job' | 'partition' | 'resumeOffset'>,
): WindrowError | null {
  if (resumeOffset >= start && resumeOffset <= end) return null
  return new WindrowError(
    `partition ${partition} of job ${job} must resume at offset ${resumeOffset}, but the log holds ${start} to ${end}`,
    { code: 'DATA_LOSS' },
  )
}
