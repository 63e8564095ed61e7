/** How an activity reports its errors to the workflow. */
import { WindrowError } from '../../errors/index.ts'
import type { ActivityResult } from '../plan.ts'

/**
 * Turns a WindrowError into an answer. Any other error is a bug: it is thrown, and the workflow fails visibly. A closed
 * client is thrown too: this process is shutting down, which says nothing about the commit, so it is no answer.
 */
export async function answering<T>(act: () => Promise<T>): Promise<ActivityResult<T>> {
  try {
    return { ok: true, value: await act() }
  } catch (error) {
    if (!(error instanceof WindrowError) || error.code === 'CLIENT_CLOSED') throw error
    const { code, message, remedy } = error
    return { ok: false, code, message, remedy, isRetryable: error.disposition !== 'fatal' }
  }
}
