/**
 * Reads a JSON object that is too long to be parsed as a whole, such as an export `{"host":"a","records":[…]}`: member by member
 * up to the array of records, whose elements json-elements.ts reads one by one, and on to the end of the object.
 *
 * The members before the array are kept, because the mapping may look them up for each element. A member after the array comes
 * too late for that. It becomes a dead letter if the mapping may need it, so that such a file never gives a wrong result
 * without notice.
 */
import { decodeUtf8 } from '../bytes/text.ts'
import { specOf, type DecodeOptions } from '../json/mapping.ts'
import type { ElementPlace } from '../mapping/json-mapper.ts'
import { levelsOf } from '../mapping/record-levels.ts'
import { parsePath, type Steps } from '../mapping/path.ts'
import type { RecordMappingSpec } from '../mapping/spec.ts'
import { pathsOf } from '../mapping/text.ts'
import { notUtf8, quote, undecodable, type Undecodable } from '../mapping/undecodable.ts'
import {
  BROKEN,
  CLOSE_BRACE,
  COLON,
  CUT_OFF,
  endOfText,
  endOfValue,
  isBetweenMembers,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  skipSpace,
} from '../json/json-bytes.ts'

/** An array whose elements are records. */
export interface ArrayPath {
  /** As it is written in the mapping; it may lead further, to arrays within the elements. */
  readonly path: string
  /** To the first array on the path. */
  readonly steps: Steps
  /** Paths of everything that the mapping reads. */
  readonly read: readonly Steps[]
}

/** The arrays of records within an object; none without a mapping that names them. */
export function arrayPathsOf(options: DecodeOptions): readonly ArrayPath[] {
  const spec = specOf(options)
  const read = readPathsOf(spec)
  return (spec.records ?? []).flatMap((path) => {
    const [first] = path === '.' ? [] : levelsOf(path)
    if (first?.kind !== 'array' || first.steps.length === 0) return []
    return [{ path, steps: first.steps, read: first.names === null ? read : [...read, first.names] }]
  })
}

function readPathsOf({ vmId, producer, metric, timestamp, seq, value, metrics = [] }: RecordMappingSpec): Steps[] {
  const inMetrics = metrics.map((one) => (typeof one === 'string' ? one : one.in)).filter((path) => path !== undefined)
  const fields = [vmId, producer, metric, timestamp, seq, value].flatMap((field) => pathsOf(field))
  return [...fields, ...inMetrics].flatMap((path) => [[path], parsePath(path) ?? []]).filter(({ length }) => length > 0)
}

/** What was read at one place of the object, which is `[start, end)` of the bytes. */
export interface MemberStep {
  readonly start: number
  readonly end: number
  readonly problem: Undecodable | null
  /** End of the bytes that the dead letter of the problem shows. */
  readonly problemEnd: number
  /** `elements`: the place of the next member is unknown. `value`: `end` is the start of a value that is too long. */
  readonly skip: 'elements' | 'value' | null
  /** The object has ended. */
  readonly isLast: boolean
}

/** Bytes that a dead letter shows where the place of the next member is unknown. */
const SHOWN_BYTES = 4096

interface Level {
  readonly steps: readonly string[]
  /** Texts of the members so far. */
  readonly members: string[]
}

export class LongObject {
  /** The array that is being read. The caller sets it to `null` at the end of the array. */
  array: { readonly path: string; readonly around: unknown; index: number } | null = null
  readonly #arrays: readonly ArrayPath[]
  /** The object, and the objects on the way to the array. */
  readonly #levels: Level[] = [{ steps: [], members: [] }]
  #keptBytes = 0
  #hasArray = false

  constructor(arrays: readonly ArrayPath[]) {
    this.#arrays = arrays
  }

  /** The place of the next element; `undefined` outside of the array. */
  nextPlace(): ElementPlace | undefined {
    if (this.array === null) return undefined
    const { path, around } = this.array
    return { path, around, index: this.array.index++ }
  }

  /** Reads up to the next member, array or end. `null`: more bytes are needed. */
  readMember(bytes: Buffer, from: number, isEnd: boolean, maxBytes: number): MemberStep | null {
    let start = from
    while (start < bytes.length && isBetweenMembers(bytes[start] as number)) start++
    if (start >= bytes.length) return null
    // What is decided depends on these bytes only, so that it is the same however the file comes in parts.
    const limit = Math.min(bytes.length, start + maxBytes + 1)
    const isWhole = limit - start > maxBytes
    const shownBytes = Math.min(SHOWN_BYTES, maxBytes)
    const read = (end: number, problem: Undecodable | null = null): MemberStep => {
      return { start, end, problem, problemEnd: Math.min(end, start + maxBytes), skip: null, isLast: false }
    }
    const lost = (problem: Undecodable): MemberStep | null => {
      if (!isEnd && bytes.length - start < shownBytes) return null
      const problemEnd = Math.min(bytes.length, start + shownBytes)
      return { start, end: start + 1, problem, problemEnd, skip: 'elements', isLast: true }
    }
    const oversized = (): Undecodable =>
      undecodable('oversized', `a member of the object is longer than ${maxBytes} bytes`)
    const cutOff = (): MemberStep | null => {
      if (isWhole) return lost(oversized())
      return isEnd ? lost(undecodable('undecodable', 'not JSON: the file ends within the object')) : null
    }
    const broken = (): MemberStep | null =>
      lost(undecodable('undecodable', 'not JSON: a bracket, a quote or a comma is missing'))

    if (bytes[start] === CLOSE_BRACE)
      return { ...read(start + 1, this.#closeLevel()), isLast: this.#levels.length === 0 }
    if (bytes[start] !== QUOTE) return broken()
    const keyEnd = endOfText(bytes, start + 1, limit)
    if (keyEnd < 0) return keyEnd === CUT_OFF ? cutOff() : broken()
    const colon = skipSpace(bytes, keyEnd + 1, limit)
    if (colon >= limit) return cutOff()
    if (bytes[colon] !== COLON) return broken()
    const value = skipSpace(bytes, colon + 1, limit)
    if (value >= limit) return cutOff()

    const level = this.#levels.at(-1) as Level
    const key = keyOf(bytes, start, keyEnd + 1)
    const steps = [...level.steps, key]
    const found = this.#arrays.find((array) => array.steps.length === steps.length && startsWith(array.steps, steps))
    if (found !== undefined && bytes[value] === OPEN_BRACKET) {
      this.#hasArray = true
      this.array = { path: found.path, around: JSON.parse(this.#textOf(0)) as unknown, index: 0 }
      return read(value + 1)
    }
    if (bytes[value] === OPEN_BRACE && this.#arrays.some((array) => startsWith(array.steps, steps))) {
      this.#levels.push({ steps, members: [] })
      return read(value + 1)
    }
    const end = endOfValue(bytes, value, limit, isEnd && limit === bytes.length)
    if (end === BROKEN) return broken()
    if (end - start > maxBytes || (end === CUT_OFF && isWhole))
      return { ...read(value, oversized()), problemEnd: start + shownBytes, skip: 'value' }
    if (end === CUT_OFF) return cutOff()
    return read(end, this.#keep(bytes, start, end, steps, maxBytes))
  }

  #keep(bytes: Buffer, start: number, end: number, steps: readonly string[], maxBytes: number): Undecodable | null {
    const text = decodeUtf8(bytes, start, end)
    if (text === null) return notUtf8()
    try {
      JSON.parse(`{${text}}`)
    } catch {
      return undecodable('undecodable', `not JSON: ${quote(text)}`)
    }
    if (this.#hasArray) {
      const isRead = this.#arrays[0]?.read.some((path) => startsWith(path, steps) || startsWith(steps, path)) === true
      return isRead ? this.#tooLate(steps, maxBytes) : null
    }
    this.#keptBytes += end - start
    if (this.#keptBytes > maxBytes) {
      return undecodable('oversized', `the members before the array are longer than ${maxBytes} bytes`)
    }
    ;(this.#levels.at(-1) as Level).members.push(text)
    return null
  }

  #tooLate(steps: readonly string[], maxBytes: number): Undecodable {
    const where = `${steps.join('.')} comes after the array of records, which were read without it`
    const remedy = `put it before the array, or keep each object within ${maxBytes} bytes`
    return undecodable('invalid', `${where}; if they need it, ${remedy}`)
  }

  /** Ends the innermost object. Returns the problem of an object without records. */
  #closeLevel(): Undecodable | null {
    const text = this.#textOf(this.#levels.length - 1)
    const level = this.#levels.pop() as Level
    this.#levels.at(-1)?.members.push(`${JSON.stringify(level.steps.at(-1))}:${text}`)
    if (this.#levels.length > 0 || this.#hasArray) return null
    return undecodable('invalid', `there is no array at ${this.#arrays.map(({ path }) => path).join(' or ')}`)
  }

  /** The JSON text of the object at this depth, as far as it was read. */
  #textOf(depth: number): string {
    const { members } = this.#levels[depth] as Level
    const inner = this.#levels[depth + 1]
    const open = inner === undefined ? [] : [`${JSON.stringify(inner.steps.at(-1))}:${this.#textOf(depth + 1)}`]
    return `{${[...members, ...open].join(',')}}`
  }
}

function startsWith(whole: Steps, part: Steps): boolean {
  return part.length <= whole.length && part.every((step, i) => step === whole[i])
}

/** A key with a wrong escape is no key that anything reads. */
function keyOf(bytes: Buffer, start: number, end: number): string {
  try {
    return JSON.parse(bytes.toString('utf8', start, end)) as string
  } catch {
    return ''
  }
}
