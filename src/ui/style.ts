/** Colours: only on a terminal, and not with NO_COLOR (https://no-color.org) or TERM=dumb. */

export interface Style {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly red: (text: string) => string
}

const plain = (text: string): string => text
const sgr = (on: number, off: number) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`

export function createStyle(isColoured: boolean): Style {
  if (!isColoured) return { bold: plain, dim: plain, green: plain, yellow: plain, red: plain }
  return { bold: sgr(1, 22), dim: sgr(2, 22), green: sgr(32, 39), yellow: sgr(33, 39), red: sgr(31, 39) }
}

export function wantsColour(isTty: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const isRefused = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== ''
  return isTty && !isRefused && env['TERM'] !== 'dumb'
}

const ESCAPES = /\x1b\[[0-9;]*m/g

/** Width of the text in columns, without escape sequences. */
export function visibleLength(text: string): number {
  return [...text.replace(ESCAPES, '')].length
}

/** Cuts the text to this width, so that a redrawn line never wraps. A cut line loses its colours. */
export function clip(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text
  const bare = [...text.replace(ESCAPES, '')]
  return bare.slice(0, Math.max(0, columns - 1)).join('') + '…'
}
