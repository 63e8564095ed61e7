/** Serves the page of a job while it runs, from a child process: `run --ui` and `demo --ui`. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/settings.ts'
import type { CliContext } from './command.ts'
import type { FromPageProcess, ToPageProcess } from './page-process.ts'
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
  const page = startPage(config, port, context)
  const closed = new Promise<void>((resolve) => {
    // Not 'close', which Node does not emit after this process has disconnected.
    page.once('exit', () => resolve())
    // It was not started.
    page.once('error', () => resolve())
  })
  try {
    const done = await run(() => send(page, { kind: 'job-ended' }))
    send(page, { kind: 'job-ended' })
    if (keepsOpen) await Promise.race([closed, aborted(context.signal)])
    return done
  } finally {
    // The child serves until it is disconnected.
    if (page.connected) page.disconnect()
    await closed
  }
}

function startPage(config: Config, port: number, { stderr }: Pick<CliContext, 'stderr'>): ChildProcess {
  const page = fork(fileURLToPath(new URL('page-process.js', import.meta.url)), {
    // Settings have types that JSON lacks.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const observer = observerOn({ stderr }, config.job)
  const actions: Record<FromPageProcess['kind'], (text: string) => void> = {
    listening: (url) => observer.listening(url),
    ordered: (text) => observer.ordered(text),
    'results-missing': (text) => observer.resultsMissing(text),
    fault: (text) => void stderr.write(`a request of the page failed unexpectedly: ${text}\n`),
    failed: (text) => void stderr.write(`the page is not served: ${text}\n`),
  }
  page.on('message', ({ kind, text }: FromPageProcess) => actions[kind](text))
  page.on('error', ({ message }) => actions.failed(message))
  // It ends with 0 after the job, and after it has reported why nothing is served.
  page.once('exit', (code, signal) => {
    if (code !== 0) actions.failed(`its process ended with ${signal ?? code}. windrow ui serves it again`)
  })
  send(page, { kind: 'serve', config, port })
  return page
}

function send(page: ChildProcess, message: ToPageProcess): void {
  // A page that is not served any more needs no message; the callback takes the error of one that ends meanwhile.
  if (page.connected) page.send(message, () => undefined)
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}
