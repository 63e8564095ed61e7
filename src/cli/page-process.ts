/**
 * The process that serves the page of `run --ui` and `demo --ui`. It is the job's child, so that indexing results and answering
 * pages is no work of the job's own process. It ends when the job's process ends, however that happens.
 */
import type { Config } from '../config/settings.ts'
import { messageOf } from '../errors/index.ts'
import { servePage } from '../page/serve.ts'
import { STOP_SIGNALS } from './process-signals.ts'
import { packageVersion } from './program.ts'

/** Messages from the process of the job. The first one is `serve`. */
export type ToPageProcess =
  | { readonly kind: 'serve'; readonly config: Config; readonly port: number }
  /** Nothing holds the job's state any more, so this process may open it. */
  | { readonly kind: 'job-ended' }

/** Messages to the process of the job: the calls of a PageObserver, and why nothing is served. */
export type FromPageProcess = {
  readonly kind: 'listening' | 'results-missing' | 'ordered' | 'fault' | 'failed'
  readonly text: string
}

const ended = new AbortController()
let isJobRunning = true

// A terminal sends Ctrl-C to both processes. The page is served until the job's process has ended in its own time.
for (const signal of STOP_SIGNALS) process.on(signal, () => undefined)
process.on('disconnect', () => ended.abort())
process.on('message', (message: ToPageProcess) => {
  if (message.kind === 'job-ended') isJobRunning = false
  else void serve(message.config, message.port)
})

async function serve(config: Config, port: number): Promise<void> {
  const request = {
    ...{ config, port, host: '127.0.0.1', clients: null, version: packageVersion() },
    isOwnRun: () => isJobRunning,
  }
  const observer = {
    listening: (url: string) => send('listening', url),
    resultsMissing: (text: string) => send('results-missing', text),
    ordered: (text: string) => send('ordered', text),
    fault: (error: unknown) => send('fault', messageOf(error)),
  }
  try {
    await servePage(request, observer, ended.signal)
  } catch (error) {
    send('failed', messageOf(error))
  }
  if (process.connected) process.disconnect()
}

function send(kind: FromPageProcess['kind'], text: string): void {
  // The job's process may end at any moment. Then no process reads the text.
  if (process.connected) process.send?.({ kind, text } satisfies FromPageProcess, () => undefined)
}
