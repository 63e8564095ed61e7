/** Small drawings of one line. */

const LEVELS = [...'▁▂▃▄▅▆▇█']

/** One character a value, from the smallest to the largest; a value that is no finite number leaves a gap. */
export function sparkline(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite)
  const min = Math.min(...finite)
  const max = Math.max(...finite)
  const levelOf = (value: number) => (max === min ? 3 : Math.round(((value - min) / (max - min)) * (LEVELS.length - 1)))
  return values.map((value) => (Number.isFinite(value) ? (LEVELS[levelOf(value)] ?? ' ') : ' ')).join('')
}

/** `██████░░░░`. Full only when all is done and empty only when nothing is, however the rounding falls. */
export function bar(done: number, total: number, width: number): string {
  const exact = total <= 0 ? 0 : (Math.min(done, total) / total) * width
  const filled = exact >= width ? width : exact <= 0 ? 0 : Math.min(width - 1, Math.max(1, Math.round(exact)))
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
