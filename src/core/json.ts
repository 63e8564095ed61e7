/** JSON values and their one canonical text, so that equal values have equal digests. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * JSON text with sorted keys and no white space. Numbers are written as ECMAScript writes them (shortest text that
 * reads back to the same double), so the text is exact. Throws a TypeError on what JSON cannot carry, instead of
 * dropping it: a NaN that became `null` would be a wrong result.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON cannot carry the number ${value}`)
    return Object.is(value, -0) ? '0' : String(value)
  }
  if (Array.isArray(value)) {
    let text = '['
    for (let i = 0; i < value.length; i++)
      text += (i === 0 ? '' : ',') + canonicalJson((value as readonly Json[])[i] as Json)
    return text + ']'
  }
  if (typeof value !== 'object') throw new TypeError(`JSON cannot carry a ${typeof value}`)
  const object = value as { readonly [key: string]: Json | undefined }
  let text = '{'
  let separator = ''
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    text += separator + JSON.stringify(key) + ':' + canonicalJson(member)
    separator = ','
  }
  return text + '}'
}
