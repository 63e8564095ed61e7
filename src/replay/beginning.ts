/** Determines where a replay begins in a partition: at the job's first record, if it still exists. Pure. */
import type { Certificate } from '../core/certificate.ts'
import { WindrowError } from '../errors/index.ts'

/**
 * `first` is the first existing certificate of the partition, or `null` if none is replayed. `logStart` is the offset of the
 * first existing record. Throws DATA_LOSS if the log begins later than the job did: the replay would silently compute
 * different results.
 */
export function beginningOf(first: Certificate | null, logStart: number, topic: string | null): number {
  if (first === null) return logStart
  const where = `partition ${first.partition}${topic === null ? '' : ` of ${topic}`}`
  if (first.sequence > 1) {
    throw dataLoss(`the first certificate of ${where} that is there is number ${first.sequence}`)
  }
  const needed = first.offsets.first
  if (logStart <= needed) return needed
  throw dataLoss(`${where} begins at offset ${logStart} by now, and the job began at ${needed}`)
}

function dataLoss(problem: string): WindrowError {
  return new WindrowError(`${problem}: a replay needs all records since the job's first`, {
    code: 'DATA_LOSS',
    remedy: 'Retention removed them. windrow verify checks what is still there; it can begin at a later certificate.',
  })
}
