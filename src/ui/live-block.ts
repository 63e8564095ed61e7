/** Lines of a terminal that are drawn in place of the ones before. */
import type { Screen } from './run-display.ts'
import { clip } from './style.ts'

/** Where a terminal does not tell its width. */
const USUAL_COLUMNS = 80

export class LiveBlock {
  readonly #screen: Screen
  #drawn = 0

  constructor(screen: Screen) {
    this.#screen = screen
  }

  draw(lines: readonly string[]): void {
    const columns = this.#screen.columns || USUAL_COLUMNS
    const text = lines.map((line) => `${clip(line, columns)}\n`).join('')
    this.#screen.write(this.#erasing() + text)
    this.#drawn = lines.length
  }

  /** Text that stays; the block is drawn below it the next time. */
  say(text: string): void {
    this.#screen.write(`${this.#erasing()}${text}\n`)
    this.#drawn = 0
  }

  /** To the first drawn line, from its first column, which an echoed ^C has left; all below is cleared. */
  #erasing(): string {
    return this.#drawn === 0 ? '' : `\r\x1b[${this.#drawn}A\x1b[0J`
  }
}
