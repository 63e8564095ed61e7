/** The clock of this machine. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../ports/index.ts'

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (ms, signal) => {
    // An abort ends the pause, it does not fail it: who asked for the pause looks at the signal.
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
  },
}
