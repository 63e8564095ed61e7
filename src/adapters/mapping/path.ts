/** Paths into nested objects, such as `tags.host`, `labels["instance"]` or `samples[0].value`. */

export type Steps = readonly (string | number)[]

const STEP = /([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]/y

/** The steps of a path; `null` if it is not one. */
export function parsePath(text: string): Steps | null {
  const steps: (string | number)[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] === '.' && steps.length > 0) at++
    STEP.lastIndex = at
    const match = STEP.exec(text)
    if (match === null) return null
    const [whole, name, index, double, single] = match
    steps.push(index === undefined ? (name ?? (double ?? single ?? '').replace(/\\(.)/g, '$1')) : Number(index))
    at += whole.length
  }
  return steps.length === 0 ? null : steps
}

/** The name that the last step has. */
export function lastStep(steps: Steps): string | number {
  return steps[steps.length - 1] ?? ''
}

/** Whether a name needs no path: it has none of the characters of one. */
export function isPlainName(text: string): boolean {
  return !/[.[\]]/.test(text)
}

/** The value at the path; `undefined` if there is none. */
export function valueAt(from: unknown, steps: Steps): unknown {
  let value: unknown = from
  for (let i = 0; i < steps.length; i++) {
    value = memberOf(value, steps[i] as string | number)
    if (value === undefined) return undefined
  }
  return unwrapped(value)
}

/** A member of an object, or an element of an array. A list of pairs such as `{"key":…,"value":…}` is read like an object. */
export function memberOf(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (!Array.isArray(value)) return Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined
  if (typeof step === 'number') return (value as unknown[])[step]
  for (const one of value as unknown[]) if (nameOfPair(one) === step) return (one as { readonly value: unknown }).value
  return undefined
}

function nameOfPair(one: unknown): unknown {
  if (typeof one !== 'object' || one === null || !Object.hasOwn(one, 'value')) return undefined
  const { key, name } = one as { readonly key?: unknown; readonly name?: unknown }
  return key ?? name
}

const TYPED = /^(string|bool|int|double)Value$/

/** A value that names its type, such as `{"stringValue":"a"}`, is that value. */
export function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const keys = Object.keys(value)
  return keys.length === 1 && TYPED.test(keys[0] as string)
    ? (value as Record<string, unknown>)[keys[0] as string]
    : value
}

/** Names and values of an object, or of a list of pairs; none for anything else. */
export function pairsOf(value: unknown): (readonly [name: string, value: unknown])[] {
  if (typeof value !== 'object' || value === null) return []
  if (!Array.isArray(value)) return Object.entries(value).map(([name, one]) => [name, unwrapped(one)])
  return (value as unknown[]).flatMap((one) => {
    const name = nameOfPair(one)
    return typeof name === 'string' ? [[name, unwrapped((one as { readonly value: unknown }).value)] as const] : []
  })
}
