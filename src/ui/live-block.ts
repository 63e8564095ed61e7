/**
 * Shows progress while a command runs: lines redrawn in place on a terminal, otherwise a plain line every few seconds.
 * It draws when the caller reports a change. Without a timer, it can neither outlive the work nor keep the process alive.
 *
 * Files of this folder:
 * live-block.ts          this file: redraws lines in place
 * run-display.ts, produce-display.ts   the progress of `run` and `produce`; progress-lines.ts: the lines of a run
 * summary.ts             the summary of a run; gateway-summary.ts: that of a gateway
 * status-text.ts, verify-text.ts, replay-text.ts, close-text.ts, dead-letters-text.ts, inspect-text.ts   the output of these commands
 * table.ts, charts.ts, format.ts, style.ts   tables, one-line charts, numbers and times, colours
 */
import { clip } from './style.ts'

/** Fast enough to look smooth, at a negligible cost. */
const REDRAW_EVERY_MS = 100
const PLAIN_LINE_EVERY_MS = 5_000
/** Used for a terminal that reports a width of 0. */
const USUAL_COLUMNS = 80

export interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Renders the current state of the work. */
export interface Look {
  /** For a terminal; cut to its width when drawn. */
  lines(): readonly string[]
  /** For logs and pipes. */
  plainLine(): string
}

export class LiveBlock {
  readonly #screen: Screen
  readonly #look: Look
  readonly #nowMs: () => number
  readonly #isLive: boolean
  #drawnLines = 0
  #drawnAtMs: number

  constructor(screen: Screen, look: Look, nowMs: () => number) {
    this.#screen = screen
    this.#look = look
    this.#nowMs = nowMs
    this.#isLive = screen.isTTY === true
    this.#drawnAtMs = this.#isLive ? -Infinity : nowMs()
  }

  /** Draws, unless the last drawing is too recent. */
  changed(): void {
    const everyMs = this.#isLive ? REDRAW_EVERY_MS : PLAIN_LINE_EVERY_MS
    if (this.#nowMs() - this.#drawnAtMs >= everyMs) this.draw()
  }

  draw(): void {
    this.#drawnAtMs = this.#nowMs()
    if (!this.#isLive) {
      this.#screen.write(`${this.#look.plainLine()}\n`)
      return
    }
    const columns = this.#screen.columns || USUAL_COLUMNS
    const lines = this.#look.lines()
    this.#screen.write(this.#erase() + lines.map((line) => `${clip(line, columns)}\n`).join(''))
    this.#drawnLines = lines.length
  }

  /** Writes a text above the redrawn lines. It stays on the screen. */
  say(text: string): void {
    const wasDrawn = this.#drawnLines > 0
    this.#screen.write(`${this.#erase()}${text}\n`)
    if (wasDrawn) this.draw()
  }

  /** Keeps the lines on the screen. The next drawing is below them. */
  leave(): void {
    this.#drawnLines = 0
  }

  /** Moves to the first drawn line and clears everything below. `\r` first, because an echoed ^C moves the cursor. */
  #erase(): string {
    const text = this.#drawnLines === 0 ? '' : `\r\x1b[${this.#drawnLines}A\x1b[0J`
    this.#drawnLines = 0
    return text
  }
}
