/**
 * Opens a data folder that another process may hold for a moment: a run that starts or ends, or a command that reads the
 * state of an idle job. Only a run that serves has announced its sidecar; everybody else is about to release the folder or
 * to announce.
 */
import { readEndpoint, startEmbeddedSidecar } from '../embedded/index.ts'
import type { EmbeddedSidecar, EmbeddedSidecarOptions } from '../embedded/index.ts'
import { WindrowError } from '../errors/index.ts'
import { monotonicClock } from '../retry/clock.ts'
import { retry } from '../retry/retry.ts'

/**
 * Starts the embedded sidecar of a folder. While another process holds the folder and no run serves it, tries again for up
 * to `withinMs`. Rejects with DATA_DIR_IN_USE, and with the signal's reason when it aborts.
 */
export function openDataFolder(
  options: EmbeddedSidecarOptions,
  withinMs: number,
  signal: AbortSignal,
): Promise<EmbeddedSidecar> {
  const isRetryable = async (error: unknown): Promise<boolean> =>
    isInUse(error) && (await readEndpoint(options.dataDir)) === null
  const control = { clock: monotonicClock, signal, isRetryable }
  return retry({ baseMs: 20, capMs: 200, budgetMs: withinMs }, control, () => startEmbeddedSidecar(options))
}

export function isInUse(error: unknown): error is WindrowError {
  return error instanceof WindrowError && error.code === 'DATA_DIR_IN_USE'
}
