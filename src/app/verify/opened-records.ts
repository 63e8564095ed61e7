/** The records that a job has read, opened again for `windrow verify`: from files or from a topic. */
import type { VerifySources } from '../../verify/verify.ts'

export interface OpenedRecords extends Pick<VerifySources, 'records' | 'logRanges'> {
  /** The broker stamps every record with its own clock (LogAppendTime). */
  readonly hasBrokerClock: boolean
  close(): Promise<void>
}
