/**
 * Reads a datum of any schema as a plain value: records and maps as objects, bytes as Buffers. A field with the default
 * `null` is optional: if it is null, its record lacks it. For Windrow's own records, which need no speed; record-reader.ts
 * reads points.
 */
import avro from 'avsc'
import type { Type } from 'avsc'
import type { Cursor } from './cursor.ts'
import { branchesOf } from './skip.ts'

export type AvroValue =
  null | boolean | number | string | Buffer | readonly AvroValue[] | { readonly [name: string]: AvroValue }

/** Reads one value. Once `cursor.problem` is set, the returned value is meaningless. */
export type ValueReader = (cursor: Cursor) => AvroValue

const PRIMITIVES: Readonly<Record<string, ValueReader>> = {
  null: () => null,
  boolean: (cursor) => cursor.readBoolean(),
  int: (cursor) => cursor.readLong(),
  long: (cursor) => cursor.readLong(),
  double: (cursor) => cursor.readDouble(),
  string: (cursor) => cursor.readString(),
  bytes: (cursor) => cursor.readBytes(),
}

/** Throws a TypeError for a type that Windrow's own schemas do not use. */
export function valueReaderOf(type: Type): ValueReader {
  const primitive = PRIMITIVES[type.typeName]
  if (primitive !== undefined) return primitive
  if (type instanceof avro.types.RecordType) {
    const fields = type.fields.map((field) => ({
      ...{ name: field.name, read: valueReaderOf(field.type), isOptional: field.defaultValue() === null },
    }))
    return (cursor) => {
      const record: { [name: string]: AvroValue } = {}
      for (const { name, read, isOptional } of fields) {
        const value = read(cursor)
        if (value !== null || !isOptional) record[name] = value
      }
      return record
    }
  }
  if (type instanceof avro.types.ArrayType) {
    const readItem = valueReaderOf(type.itemsType)
    return (cursor) => readBlocks(cursor, () => readItem(cursor))
  }
  if (type instanceof avro.types.MapType) {
    const readItem = valueReaderOf(type.valuesType as Type)
    // `fromEntries`: a key may be `__proto__`.
    return (cursor) => Object.fromEntries(readBlocks(cursor, () => [cursor.readString(), readItem(cursor)] as const))
  }
  const branches = branchesOf(type)?.map(valueReaderOf)
  if (branches === undefined) throw new TypeError(`no way to read the Avro type ${type.typeName}`)
  return (cursor) => branches[cursor.readBranch(branches.length)]?.(cursor) ?? null
}

function readBlocks<T>(cursor: Cursor, readItem: () => T): T[] {
  const items: T[] = []
  for (let count = cursor.readBlockCount(); count > 0 && !cursor.broken; count = cursor.readBlockCount()) {
    for (let i = 0; i < count && !cursor.broken; i++) items.push(readItem())
  }
  return items
}
