/** Fetches the offsets of the input's logs every few seconds, from which telemetry computes the lag. */
import { messageOf, WindrowError } from '../../errors/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { Log } from '../../telemetry/log.ts'
import type { LogOffsets } from '../../telemetry/pipeline-metrics.ts'
import type { LogTelemetry } from '../../telemetry/telemetry.ts'

/** Lag and its age are accurate to this interval. Each poll is one request for all partitions. */
const POLL_EVERY_MS = 5_000

/** Polls until the signal aborts. If a broker does not answer, nothing is recorded until a later poll succeeds. */
export async function watchLogs(
  fetchOffsets: () => Promise<ReadonlyMap<number, LogOffsets>>,
  telemetry: LogTelemetry,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      telemetry.recordLogOffsets(await fetchOffsets())
    } catch (error) {
      if (!(error instanceof WindrowError)) throw error
      log.warn({ reason: messageOf(error) }, 'the offsets of the log could not be fetched; retrying')
    }
    await clock.sleep(POLL_EVERY_MS, signal)
  }
}
