/** Decides when to shut down: on signals, and when the reader of standard output has closed it. */
import type { EventEmitter } from 'node:events'

/** A second signal within this time is an echo: npm forwards the signal that the terminal has already sent. */
const ECHO_MS = 400

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const

type Emitter = Pick<EventEmitter, 'on'>

/**
 * The first SIGINT or SIGTERM calls `stop`, which begins an orderly shutdown. The second one ends the process immediately,
 * in case the shutdown hangs. State is safe either way. Under npm, one Ctrl-C arrives twice and counts once.
 */
export function onStopSignals(
  process: Emitter,
  stop: () => void,
  endBy: (signal: NodeJS.Signals) => void,
  isUnderNpm: boolean,
  nowMs: () => number = () => performance.now(),
): void {
  let stoppingSinceMs: number | null = null
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      if (stoppingSinceMs === null) {
        stoppingSinceMs = nowMs()
        stop()
      } else if (!isUnderNpm || nowMs() - stoppingSinceMs >= ECHO_MS) {
        endBy(name)
      }
    })
  }
}

/**
 * Ends the process with the signal itself, so that a shell sees exit code 130 or 143. `process.exit` would destroy native
 * code that the thread of the embedded sidecar is still running, which sometimes ended in SIGABRT.
 */
export function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** A closed pipe (`windrow … | head`) is not an error: further output is dropped, and `onClosed` is called. */
export function onClosedPipe(stream: Emitter, onClosed: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    onClosed()
  })
}
