import { WindrowError } from '../../errors/index.ts'
import type { ActivityResult } from '../plan.ts'

/** Turns typed errors into answers; anything else is a fault and fails the workflow, to be seen as one. */
export async function answering<T>(act: () => Promise<T>): Promise<ActivityResult<T>> {
  try {
    return { ok: true, value: await act() }
  } catch (error) {
    if (!(error instanceof WindrowError)) throw error
    const { code, message, remedy } = error
    return { ok: false, code, message, remedy, isRetryable: error.disposition !== 'fatal' }
  }
}
