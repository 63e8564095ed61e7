/** When to stop: signals, and a standard output that nobody reads any more. */
import type { EventEmitter } from 'node:events'

/** No person presses twice so quickly; npm, passing on what came from the terminal too, does. */
const ECHO_MS = 400

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const

type Emitter = Pick<EventEmitter, 'on'>

/**
 * The first SIGINT or SIGTERM calls `stop`, which asks for an orderly end; the second one ends the process at once, for
 * when that end does not come. State is safe either way. Under npm one Ctrl-C arrives twice, which counts once.
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
 * Ends the process as the signal would have ended it, for a shell 130 or 143. `process.exit` takes native code apart that is still
 * at work in the thread of the embedded sidecar, and now and then ended with SIGABRT instead.
 */
export function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** A closed pipe (`windrow … | head`) is no error of ours: further text goes nowhere, and `onClosed` is told. */
export function onClosedPipe(stream: Emitter, onClosed: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    onClosed()
  })
}
