/** The progress of a run: redrawn lines, and a line for each resumed partition and each warning. */
import type { RunEvent, RunObserver, RunProgress } from '../app/types.ts'
import { assertNever } from '../errors/index.ts'
import { formatCount } from './format.ts'
import { LiveBlock, type Screen } from './live-block.ts'
import { liveLines, plainLine, type WindowClosed } from './progress-lines.ts'
import type { Style } from './style.ts'

/** The throughput chart has one column per second. */
const RATE_EVERY_MS = 1_000
const RATES_KEPT = 24

export interface RunDisplay extends RunObserver {
  /** Draws the final state. Later output is below it. */
  end(): void
}

/** When `signal` aborts, the caller prints a message, so the drawn lines are kept and the display continues below it. */
export function createRunDisplay(screen: Screen, style: Style, nowMs: () => number, signal?: AbortSignal): RunDisplay {
  const rates: number[] = []
  let latest: RunProgress | null = null
  let lastClosed: WindowClosed | null = null
  let rateAtMs = -Infinity
  const look = {
    lines: () => (latest === null ? [] : liveLines(latest, rates, lastClosed, style)),
    plainLine: () => (latest === null ? '' : plainLine(latest)),
  }
  const block = new LiveBlock(screen, look, nowMs)
  signal?.addEventListener('abort', () => block.leave(), { once: true })

  return {
    progress(snapshot) {
      latest = snapshot
      const now = nowMs()
      if (now - rateAtMs >= RATE_EVERY_MS) {
        rates.push(snapshot.pointsPerSecond)
        if (rates.length > RATES_KEPT) rates.shift()
        rateAtMs = now
      }
      block.changed()
    },
    event(event: RunEvent) {
      switch (event.kind) {
        case 'window-closed':
          lastClosed = event
          return
        case 'resumed':
          return block.say(
            `partition ${event.partition}: resumes at offset ${formatCount(event.resumeOffset)}, after commit ${event.commit}`,
          )
        case 'warning':
          return block.say(`${style.yellow('warning')}: ${event.message}\n  remedy: ${event.remedy}`)
        default:
          return assertNever(event)
      }
    },
    end() {
      if (latest !== null) block.draw()
    },
  }
}
