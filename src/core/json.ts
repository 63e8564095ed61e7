/** JSON values and their one canonical text, so that equal values have equal digests. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * `T` if JSON can carry every value of it. An interface is no {@link Json}, since it has no index signature, so this type
 * checks its members one by one. A member that may hold a function, a symbol, a bigint or an `unknown` becomes `never`,
 * and a value of such a type does not compile where JSON is required. Members that are `undefined` are left out of the text.
 */
export type JsonOf<T> = T extends Json
  ? T
  : T extends ((...args: never[]) => unknown) | symbol | bigint | undefined
    ? never
    : T extends object
      ? { readonly [Key in keyof T]: JsonOf<Exclude<T[Key], undefined>> | Extract<T[Key], undefined> }
      : never

/** The canonical text of a `T`. It is a string that remembers the type it was written from. */
export type JsonText<T> = string & { readonly [written]: T }

declare const written: unique symbol

/**
 * JSON text with sorted keys and no white space. Numbers are written as ECMAScript writes them (shortest text that
 * reads back to the same double), so the text is exact. Throws a TypeError on a value that JSON cannot carry, instead of
 * dropping it: a NaN that became `null` would be a wrong result.
 */
export function canonicalJson<T>(value: T & JsonOf<T>): JsonText<T> {
  return textOf(value as Json) as JsonText<T>
}

/** Parses a text that {@link canonicalJson} wrote in this process. Stored texts are parsed and checked elsewhere. */
export function parseCanonicalJson<T>(text: JsonText<T>): T {
  return JSON.parse(text) as T
}

/** The value as a reader of its stored text gets it: with sorted members, since an aggregator may depend on their order. */
export function asStored<T>(value: T & JsonOf<T>): T {
  return parseCanonicalJson<T>(canonicalJson<T>(value))
}

function textOf(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON cannot carry the number ${value}`)
    return Object.is(value, -0) ? '0' : String(value)
  }
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++) text += (i === 0 ? '' : ',') + textOf((value as readonly Json[])[i] as Json)
    return text + ']'
  }
  if (typeof value !== 'object') throw new TypeError(`JSON cannot carry a ${typeof value}`)
  const object = value as { readonly [key: string]: Json | undefined }
  let text = '{'
  let separator = ''
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    text += separator + JSON.stringify(key) + ':' + textOf(member)
    separator = ','
  }
  return text + '}'
}
