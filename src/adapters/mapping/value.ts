/** Values of metrics: numbers, numbers as text, booleans, and what means that there was no reading. */

/** No reading: the metric had no value then. */
export const NO_READING = Symbol('no reading')
/** The value is of no kind that a metric has. */
export const NOT_A_VALUE = Symbol('not a value')

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const EMPTY = new Set(['', 'null', 'nan', 'na', 'n/a', 'none', 'nil', '\\n'])

export function readValue(raw: unknown, hasDecimalComma: boolean): number | typeof NO_READING | typeof NOT_A_VALUE {
  if (typeof raw === 'number') return Number.isNaN(raw) ? NO_READING : Number.isFinite(raw) ? raw : NOT_A_VALUE
  if (raw === null) return NO_READING
  if (typeof raw === 'boolean') return raw ? 1 : 0
  if (typeof raw === 'bigint') return Number(raw)
  if (typeof raw !== 'string') return NOT_A_VALUE
  const trimmed = raw.trim()
  const text = hasDecimalComma ? trimmed.replace(',', '.') : trimmed
  if (DECIMAL.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : NOT_A_VALUE
  }
  const word = text.toLowerCase()
  if (EMPTY.has(word)) return NO_READING
  return word === 'true' ? 1 : word === 'false' ? 0 : NOT_A_VALUE
}
