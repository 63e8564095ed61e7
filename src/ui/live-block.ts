/**
 * What changes while a command works: on a terminal a few lines redrawn in place, elsewhere a plain line every few seconds.
 * It draws when it is told that something changed, and keeps no timer, so it can neither outlive the work nor hold the process.
 */
import { clip } from './style.ts'

/** Often enough to look alive, seldom enough to cost nothing. */
const REDRAW_EVERY_MS = 100
const PLAIN_LINE_EVERY_MS = 5_000
/** A terminal may not know its width, and then says 0. */
const USUAL_COLUMNS = 80

export interface Screen {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** The state of the work, as it is to be seen now. */
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

  /** Draws, unless that was done a moment ago. */
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

  /** Text that stays, above the lines that are redrawn. */
  say(text: string): void {
    const wasDrawn = this.#drawnLines > 0
    this.#screen.write(`${this.#erase()}${text}\n`)
    if (wasDrawn) this.draw()
  }

  /** What is drawn stays; drawing goes on below it. */
  leave(): void {
    this.#drawnLines = 0
  }

  /** Back to the first drawn line, and all below it cleared; from its first column, which an echoed ^C has left. */
  #erase(): string {
    const text = this.#drawnLines === 0 ? '' : `\r\x1b[${this.#drawnLines}A\x1b[0J`
    this.#drawnLines = 0
    return text
  }
}
