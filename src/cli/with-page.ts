/** Serves the page from the process that runs the job: `run --ui` and `demo --ui`. */
import type { Config } from '../config/settings.ts'
import { messageOf } from '../errors/index.ts'
import type { CliContext } from './command.ts'
import { packageVersion } from './program.ts'
import { observerOn } from './ui.ts'

/**
 * Runs the job and serves its page meanwhile. A page that fails, for example because its port is in use, does not end the job.
 * `run` calls `jobEnded` once nothing holds the job's state any more. `keepsOpen`: the page stays after the job, until the signal aborts; otherwise it ends with the job.
 */
export async function withPage<T>(
  config: Config,
  port: number,
  keepsOpen: boolean,
  context: Pick<CliContext, 'stderr' | 'signal'>,
  run: (jobEnded: () => void) => Promise<T>,
): Promise<T> {
  const { servePage } = await import('../page/serve.ts')
  const { stderr, signal } = context
  const ended = new AbortController()
  let isRunning = true
  const request = {
    ...{ config, port, host: '127.0.0.1', clients: null, version: packageVersion() },
    isOwnRun: () => isRunning,
  }
  const page = servePage(request, observerOn(context, config.job), AbortSignal.any([signal, ended.signal])).catch(
    (error: unknown) => void stderr.write(`the page is not served: ${messageOf(error)}\n`),
  )
  try {
    const done = await run(() => (isRunning = false))
    isRunning = false
    if (keepsOpen) await page
    return done
  } finally {
    ended.abort()
    await page
  }
}
