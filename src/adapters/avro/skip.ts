/** Passes over values of any schema, for fields of other people's records that Windrow does not read. */
import avro from 'avsc'
import type { Type } from 'avsc'
import type { Cursor } from './cursor.ts'

export type Skipper = (cursor: Cursor) => void

/** Deeper nesting of a recursive schema is treated as damage, so that it cannot overflow the call stack. */
const MAX_DEPTH = 64

const PRIMITIVES: Readonly<Record<string, Skipper>> = {
  null: () => {},
  boolean: (cursor) => cursor.skip(1),
  int: (cursor) => cursor.skipLong(),
  long: (cursor) => cursor.skipLong(),
  float: (cursor) => cursor.skip(4),
  double: (cursor) => cursor.skip(8),
  string: (cursor) => cursor.skipString(),
  bytes: (cursor) => cursor.skipString(),
  enum: (cursor) => cursor.skipLong(),
}

export function skipperOf(type: Type): Skipper {
  const byType = new Map<Type, Skipper>()
  let depth = 0

  /** A record may contain itself, so nested skippers are looked up by type when they run, not when they are built. */
  const build = (of: Type): Skipper => {
    const known = byType.get(of)
    if (known !== undefined) return known
    byType.set(of, (cursor) => {
      if (++depth > MAX_DEPTH) cursor.breakOff(`values are nested more than ${MAX_DEPTH} deep`)
      else skip(cursor)
      depth--
    })
    const skip = create(of)
    byType.set(of, skip)
    return skip
  }

  const create = (of: Type): Skipper => {
    const primitive = PRIMITIVES[of.typeName]
    if (primitive !== undefined) return primitive
    if (of instanceof avro.types.FixedType) return (cursor) => cursor.skip(of.size)
    if (of instanceof avro.types.RecordType) {
      const fields = of.fields.map((field) => build(field.type))
      return (cursor) => {
        for (const skip of fields) skip(cursor)
      }
    }
    if (of instanceof avro.types.ArrayType) return blocks(build(of.itemsType))
    if (of instanceof avro.types.MapType) {
      const skipValue = build(of.valuesType as Type)
      return blocks((cursor) => {
        cursor.skipString()
        skipValue(cursor)
      })
    }
    const branches = branchesOf(of)
    if (branches === null) throw new TypeError(`no way to skip the Avro type ${of.typeName}`)
    const skippers = branches.map(build)
    return (cursor) => {
      skippers[cursor.readBranch(skippers.length)]?.(cursor)
    }
  }

  return build(type)
}

/** The branches of a union, or `null` for any other type. */
export function branchesOf(type: Type): readonly Type[] | null {
  return type instanceof avro.types.UnwrappedUnionType || type instanceof avro.types.WrappedUnionType
    ? type.types
    : null
}

function blocks(skipItem: Skipper): Skipper {
  return (cursor) => {
    for (let count = cursor.readBlockCount(); count > 0 && !cursor.broken; count = cursor.readBlockCount()) {
      for (let i = 0; i < count && !cursor.broken; i++) skipItem(cursor)
    }
  }
}
