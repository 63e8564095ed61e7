/**
 * Shows a run on a stream: on a terminal a few lines redrawn in place, elsewhere a plain line every few seconds. It draws
 * when it is told something, and keeps no timer, so it can neither outlive the run nor hold the process.
 */
import type { RunEvent, RunObserver, RunProgress } from '../app-types.ts'
import { assertNever } from '../errors.ts'
import { formatCount } from './format.ts'
import { liveLines, plainLine, type WindowClosed } from './progress-lines.ts'
import type { Style } from './style.ts'

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_EVERY_MS = 100
const PLAIN_LINE_EVERY_MS = 5_000
/** One column a second of throughput. */
const RATE_EVERY_MS = 1_000
const RATES_KEPT = 24
/** A terminal may not know its width, and then says 0. */
const DEFAULT_COLUMNS = 80

export interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface RunDisplay extends RunObserver {
  /** Draws the last state for good; what is written afterwards stands below it. */
  end(): void
}

/** Whoever asks to stop by `signal` has that said on the screen, so what is drawn then stays, and drawing goes on below. */
export function createRunDisplay(screen: Screen, style: Style, nowMs: () => number, signal?: AbortSignal): RunDisplay {
  const isLive = screen.isTTY === true
  const rates: number[] = []
  let latest: RunProgress | null = null
  let lastClosed: WindowClosed | null = null
  let drawnLines = 0
  let drawnAtMs = -Infinity
  let rateAtMs = -Infinity
  if (!isLive) drawnAtMs = nowMs()
  signal?.addEventListener('abort', () => (drawnLines = 0), { once: true })

  function draw(): void {
    if (latest === null) return
    drawnAtMs = nowMs()
    if (!isLive) {
      screen.write(`${plainLine(latest)}\n`)
      return
    }
    const lines = liveLines(latest, rates, lastClosed, screen.columns || DEFAULT_COLUMNS, style)
    screen.write(erase() + lines.join('\n') + '\n')
    drawnLines = lines.length
  }

  /** Back to the first drawn line, and all below it cleared; from its first column, which an echoed ^C has left. */
  function erase(): string {
    const text = drawnLines === 0 ? '' : `\r\x1b[${drawnLines}A\x1b[0J`
    drawnLines = 0
    return text
  }

  /** A line that stays, above the ones that are redrawn. */
  function say(line: string): void {
    screen.write(`${erase()}${line}\n`)
    if (isLive) draw()
  }

  return {
    progress(snapshot) {
      latest = snapshot
      const now = nowMs()
      if (now - rateAtMs >= RATE_EVERY_MS) {
        rates.push(snapshot.pointsPerSecond)
        if (rates.length > RATES_KEPT) rates.shift()
        rateAtMs = now
      }
      if (now - drawnAtMs >= (isLive ? REDRAW_EVERY_MS : PLAIN_LINE_EVERY_MS)) draw()
    },
    event(event: RunEvent) {
      switch (event.kind) {
        case 'window-closed':
          lastClosed = event
          return
        case 'resumed':
          return say(
            `partition ${event.partition}: goes on at ${formatCount(event.resumeOffset)}, after commit ${event.commit}`,
          )
        case 'warning':
          return say(`${style.yellow('warning')}: ${event.message}\n  remedy: ${event.remedy}`)
        default:
          return assertNever(event)
      }
    },
    end: draw,
  }
}
