/** Ids and names: put together from paths, labels, constants, the file's name, and the record's key and headers. */
import { pairsOf } from './path.ts'
import type { FieldSource, FieldSpec, RecordContext } from './spec.ts'

/** Access to the current row, in whichever format it is. */
export interface RowAccess {
  /** A getter of the value at a path; `null` if no row of the input can have it. */
  bind(path: string): (() => unknown) | null
  /** The same for numbers; NaN for what is not written as a plain number, and for what is absent. */
  bindNumber(path: string): () => number
  /** A getter of a value whose members are read, such as an object of labels. */
  bindObject(path: string): (() => unknown) | null
  /** What `read` makes of the bytes of a text; NaN for what is no text. `null` if the rows are not bytes. */
  bindBytes(path: string, read: BytesReader): (() => number) | null
  /** Names of the columns, if all rows have the same ones; `null` if each row has its own members. */
  readonly columns: readonly string[] | null
  readonly context: RecordContext
}

/** Reads a number out of the text `bytes[start, end)`; NaN for a text that is not of the expected form. */
export type BytesReader = (bytes: Buffer, start: number, end: number) => number

/** A part that is absent, or no text. */
export type TextGetter = () => string | null

/** Throws a MissingColumn if a column does not exist. */
export class MissingColumn extends Error {
  readonly column: string

  constructor(column: string) {
    super(`there is no column ${column}`)
    this.column = column
  }
}

export function compileText(spec: FieldSpec, access: RowAccess, by: string): TextGetter {
  if (typeof spec === 'string') return rawText(access, spec, false)
  if (isList(spec)) return joined(spec, access, by)
  const source = sourceGetter(spec, access, by)
  const pattern = spec.match === undefined ? null : new RegExp(spec.match)
  const { lower = false, optional = false } = spec
  return () => {
    let text = source()
    if (text !== null && pattern !== null) {
      const match = pattern.exec(text)
      text = match === null ? null : (match[1] ?? match[0])
    }
    if (text === null) return optional ? '' : null
    return lower ? text.toLowerCase() : text
  }
}

function sourceGetter(spec: FieldSource, access: RowAccess, by: string): TextGetter {
  const { path, labels, file, key, header, const: constant, any, join } = spec
  if (path !== undefined) return rawText(access, path, spec.optional === true)
  if (labels !== undefined) return labelsText(labels, spec.except ?? [], access)
  if (constant !== undefined) return () => constant
  if (join !== undefined) return joined(join, access, spec.by ?? by)
  if (any !== undefined) return firstOf(any, access, by)
  if (file !== undefined) return fileText(new RegExp(file), access)
  if (header !== undefined) return () => bytesText(access.context.headers?.[header])
  if (key === true) return () => bytesText(access.context.key)
  return () => null
}

function rawText(access: RowAccess, path: string, isOptional: boolean): TextGetter {
  const get = access.bind(path)
  if (get === null) {
    if (!isOptional) throw new MissingColumn(path)
    return () => null
  }
  return () => {
    const value = get()
    if (typeof value === 'string') return value === '' ? null : value
    return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : null
  }
}

/** Absent parts are left out if they are optional; labels follow without a separator. */
function joined(specs: readonly FieldSpec[], access: RowAccess, by: string): TextGetter {
  const parts = specs.map((spec) => ({ get: compileText(spec, access, by), isLabels: isLabels(spec) }))
  return () => {
    let text = ''
    for (const { get, isLabels } of parts) {
      const part = get()
      if (part === null) return null
      if (part !== '') text += text === '' || isLabels ? part : by + part
    }
    return text
  }
}

function firstOf(specs: readonly FieldSpec[], access: RowAccess, by: string): TextGetter {
  const getters = specs.flatMap((spec) => {
    try {
      return [compileText(spec, access, by)]
    } catch (error) {
      if (error instanceof MissingColumn) return []
      throw error
    }
  })
  return () => {
    for (const get of getters) {
      const text = get()
      if (text !== null && text !== '') return text
    }
    return null
  }
}

function labelsText(path: string, except: readonly string[], access: RowAccess): TextGetter {
  const get = access.bindObject(path)
  if (get === null) throw new MissingColumn(path)
  return () => {
    const pairs = pairsOf(get()).filter(([name]) => !except.includes(name))
    if (pairs.length === 0) return ''
    return `{${pairs
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .sort()
      .join(',')}}`
  }
}

/** All records of a file have the same. */
function fileText(pattern: RegExp, access: RowAccess): TextGetter {
  let known: string | undefined
  let text: string | null = null
  return () => {
    const { file } = access.context
    if (file === known) return text
    known = file
    const match = file === undefined ? null : pattern.exec(file.replaceAll('\\', '/'))
    return (text = match === null ? null : (match[1] ?? match[0]))
  }
}

function bytesText(value: unknown): string | null {
  const one = Array.isArray(value) ? (value as unknown[])[0] : value
  if (typeof one === 'string') return one === '' ? null : one
  return one instanceof Uint8Array && one.length > 0 ? Buffer.from(one).toString('utf8') : null
}

export function isLabels(spec: FieldSpec): boolean {
  return typeof spec === 'object' && !isList(spec) && spec.labels !== undefined
}

export function isList(spec: FieldSpec): spec is readonly (string | FieldSource)[] {
  return Array.isArray(spec)
}

/** How messages name a field. */
export function nameOf(spec: FieldSpec): string {
  if (typeof spec === 'string') return spec
  if (isList(spec)) return spec.map(nameOf).join(' + ')
  const { path, labels, file, key, header, const: constant, any, join } = spec
  if (any !== undefined) return any.map(nameOf).join(' or ')
  if (join !== undefined) return join.map(nameOf).join(' + ')
  if (file !== undefined) return 'the name of the file'
  if (key === true) return 'the key'
  if (header !== undefined) return `the header ${header}`
  return path ?? labels ?? constant ?? 'nothing'
}

/** All paths that a field reads. */
export function pathsOf(spec: FieldSpec | null): string[] {
  if (spec === null) return []
  if (typeof spec === 'string') return [spec]
  if (isList(spec)) return spec.flatMap(pathsOf)
  return [spec.path, spec.labels]
    .filter((path) => path !== undefined)
    .concat([...(spec.any ?? []), ...(spec.join ?? [])].flatMap(pathsOf))
}
