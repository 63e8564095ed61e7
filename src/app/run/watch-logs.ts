/** Looks every few seconds where the logs of the input begin and end, for those who want to know the lag. */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { Log } from '../../telemetry/log.ts'
import type { LogRange } from '../../telemetry/pipeline-metrics.ts'

type Ranges = ReadonlyMap<number, LogRange>

/** Lag and its age are as exact as this; one request a look, for all partitions. */
const LOOK_EVERY_MS = 5_000

/** Until the signal aborts. A broker that does not answer is asked again at the next look; meanwhile nothing is told. */
export async function watchLogs(
  look: () => Promise<Ranges>,
  tell: (ranges: Ranges) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      tell(await look())
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      log.warn({ reason: messageOf(error) }, 'the ends of the log are not known; looking again')
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}
