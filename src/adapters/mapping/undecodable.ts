/** Decoding problems as values, and how they show the offending value. */
import type { DecodeProblem } from '../../core/point.ts'

/** Dead letters quote the offending value; this much of it. */
const MAX_QUOTED_CHARS = 80

export interface Undecodable {
  readonly kind: 'undecodable'
  readonly code: DecodeProblem
  readonly detail: string
}

export function undecodable(code: DecodeProblem, detail: string): Undecodable {
  return { kind: 'undecodable', code, detail }
}

export function notUtf8(): Undecodable {
  return undecodable('undecodable', 'not UTF-8')
}

/** The start of a value's JSON text. */
export function quote(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, MAX_QUOTED_CHARS + 1))
      : (JSON.stringify(value) ?? 'missing')
  return text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}…`
}
