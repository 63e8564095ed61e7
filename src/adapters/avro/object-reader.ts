/** Reads a datum of any schema as the JSON that a mapping reads: records and maps as objects, enums as text. */
import avro from 'avsc'
import type { Type } from 'avsc'
import type { Cursor } from './cursor.ts'
import { branchesOf, skipperOf } from './skip.ts'

export type ObjectReader = (cursor: Cursor) => unknown

/** A long that no double holds is its text, so that nanoseconds stay exact. */
export function readAnyLong(cursor: Cursor): number | string {
  const before = cursor.problem
  const value = cursor.readLong()
  const { problem } = cursor
  if (before !== null || problem?.code !== 'integer-beyond-2^53') return value
  cursor.clearProblem()
  return problem.detail
}

const PRIMITIVES: Readonly<Record<string, ObjectReader>> = {
  null: () => null,
  boolean: (cursor) => cursor.readBoolean(),
  int: readAnyLong,
  long: readAnyLong,
  float: (cursor) => cursor.readFloat(),
  double: (cursor) => cursor.readDouble(),
  string: (cursor) => cursor.readString(),
}

export function objectReaderOf(type: Type): ObjectReader {
  const primitive = PRIMITIVES[type.typeName]
  if (primitive !== undefined) return primitive
  if (type instanceof avro.types.RecordType) {
    const fields = type.fields.map(({ name, type: of }) => ({ name, read: objectReaderOf(of) }))
    const readFields: ObjectReader = (cursor) =>
      Object.fromEntries(fields.map(({ name, read }) => [name, read(cursor)]))
    const names = new Set(fields.map(({ name }) => name))
    // Of two fields with the same former name, the first has it.
    const former = new Map(
      type.fields.flatMap(({ name, aliases }) => aliases.map((alias) => [alias, name] as const)).reverse(),
    )
    for (const name of names) former.delete(name)
    if (former.size === 0) return readFields
    // A path may name a field as it was called before. Such names are not listed among the members, or they would count twice.
    return (cursor) => {
      const record = readFields(cursor) as Record<string, unknown>
      for (const [alias, name] of former) Object.defineProperty(record, alias, { value: record[name] })
      return record
    }
  }
  if (type instanceof avro.types.EnumType) return (cursor) => type.symbols[cursor.readLong()] ?? null
  if (type instanceof avro.types.ArrayType) {
    const read = objectReaderOf(type.itemsType)
    return (cursor) => itemsOf(cursor, () => read(cursor))
  }
  if (type instanceof avro.types.MapType) {
    const read = objectReaderOf(type.valuesType as Type)
    return (cursor) => Object.fromEntries(itemsOf(cursor, () => [cursor.readString(), read(cursor)] as const))
  }
  const branches = branchesOf(type)?.map(objectReaderOf)
  if (branches !== undefined) return (cursor) => branches[cursor.readBranch(branches.length)]?.(cursor) ?? null
  // Bytes are no text and no number.
  const skip = skipperOf(type)
  return (cursor) => {
    skip(cursor)
    return undefined
  }
}

function itemsOf<T>(cursor: Cursor, readItem: () => T): T[] {
  const items: T[] = []
  for (let count = cursor.readBlockCount(); count > 0 && !cursor.broken; count = cursor.readBlockCount()) {
    for (let i = 0; i < count && !cursor.broken; i++) items.push(readItem())
  }
  return items
}
