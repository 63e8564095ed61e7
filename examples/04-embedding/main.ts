/** Windrow inside your own program: progress, an orderly shutdown, and errors with remedies. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError, run, WindrowError } from 'windrow'
import type { Settings } from 'windrow'

const stop = new AbortController()
// What has been read is committed and published; the next run with the same data folder resumes there.
process.once('SIGTERM', () => stop.abort())

const dataDir = mkdtempSync(join(tmpdir(), 'windrow-'))
await attempt({ input: '../points.ndjson', window: '1h', grace: '5 minutes', dataDir })
await attempt({ input: '../points.ndjson', window: '1h', grace: '5m', partitions: 1, dataDir })

async function attempt(settings: Settings): Promise<void> {
  try {
    const { points, windows, metrics } = await run({
      settings,
      signal: stop.signal,
      observer: {
        event: (event) => {
          if (event.kind === 'window-closed') console.log(`window ${event.window.start} closed: ${event.reason}`)
          if (event.kind === 'warning') console.log(`${event.message}. ${event.remedy}`)
        },
      },
    })
    console.log(`${points.accepted} points in ${windows.closed} windows, mean ${metrics['cpu']?.mean.toFixed(2)}`)
  } catch (error) {
    if (error instanceof ConfigurationError) {
      for (const { place, problem, remedy } of error.problems) console.log(`${place}: ${problem}. ${remedy}`)
    } else if (error instanceof WindrowError) {
      console.log(`${error.code}: ${error.message}. ${error.remedy}`)
    } else {
      throw error
    }
  }
}
