/** Charts that fit in one line: a sparkline and a progress bar. */

const LEVELS = [...'▁▂▃▄▅▆▇█']

/** One character per value, scaled from the smallest to the largest. A value that is not finite is a space. */
export function sparkline(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite)
  const min = Math.min(...finite)
  const max = Math.max(...finite)
  const levelOf = (value: number) => (max === min ? 3 : Math.round(((value - min) / (max - min)) * (LEVELS.length - 1)))
  return values.map((value) => (Number.isFinite(value) ? (LEVELS[levelOf(value)] ?? ' ') : ' ')).join('')
}

/** `██████░░░░`. Full only if `done` equals `total` and empty only if it is 0, whatever the rounding. */
export function bar(done: number, total: number, width: number): string {
  const exact = total <= 0 ? 0 : (Math.min(done, total) / total) * width
  const filled = exact >= width ? width : exact <= 0 ? 0 : Math.min(width - 1, Math.max(1, Math.round(exact)))
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
