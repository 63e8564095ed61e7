/** Values of metrics: numbers, numbers as text, with a unit too, booleans, and what means that there was no reading. */
import type { ValueUnit } from './spec.ts'

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

export type MetricValueReader = (raw: unknown) => number | typeof NO_READING | typeof NOT_A_VALUE

const NUMBER_AND_UNIT = /^([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*(.*)$/s

/**
 * Reads values that name their unit, such as `1.5 %`. A value without a unit, or with one that is not stated, is not a value: its
 * number would be of another size.
 */
export function unitReader(unit: ValueUnit, hasDecimalComma: boolean): MetricValueReader {
  const factors = new Map(typeof unit === 'string' ? [[unit, 1]] : Object.entries(unit))
  return (raw) => {
    const plain = readValue(raw, hasDecimalComma)
    if (plain === NO_READING) return NO_READING
    const match = typeof raw === 'string' ? NUMBER_AND_UNIT.exec(raw.trim()) : null
    const factor = match === null ? undefined : factors.get(match[2] as string)
    if (factor === undefined) return NOT_A_VALUE
    const value = readValue((match as RegExpExecArray)[1], hasDecimalComma)
    return typeof value === 'number' ? value * factor : value
  }
}

/** How messages describe a value with a unit. */
export function expectedValue(unit: ValueUnit | undefined): string {
  if (unit === undefined) return 'a number'
  return `a number with the unit ${typeof unit === 'string' ? unit : Object.keys(unit).join(' or ')}`
}
