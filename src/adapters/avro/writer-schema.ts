/**
 * Schemas of other writers. A reader never needs a writer's defaults, so they are dropped before the schema is parsed: avsc
 * refuses defaults that are valid since Avro 1.12, such as one of a later branch of a union, and longs beyond 2^53. Logical types
 * say in which unit a time is.
 */
import avro from 'avsc'
import type { Type } from 'avsc'
import { parseSchema } from './schemas.ts'

export interface WriterSchema {
  readonly type: Type
  /** By the name of the field, and by its former names: the unit that its logical type states. */
  readonly timeUnits: ReadonlyMap<string, 'ms' | 'us' | 'ns'>
}

const UNITS = { millis: 'ms', micros: 'us', nanos: 'ns' } as const

/** Throws avsc's own error if the text is not a schema. */
export function parseWriterSchema(text: string): WriterSchema {
  const timeUnits = new Map<string, 'ms' | 'us' | 'ns'>()
  const bare = withoutDefaults(JSON.parse(text), timeUnits)
  return { type: parseSchema(JSON.stringify(bare)), timeUnits }
}

function withoutDefaults(schema: unknown, timeUnits: Map<string, 'ms' | 'us' | 'ns'>): unknown {
  if (Array.isArray(schema)) return (schema as unknown[]).map((one) => withoutDefaults(one, timeUnits))
  if (typeof schema !== 'object' || schema === null) return schema
  const { default: _default, ...kept } = schema as Readonly<Record<string, unknown>>
  const { name, type } = kept
  const unit = typeof name === 'string' ? unitIn(type) : null
  if (unit !== null) {
    timeUnits.set(name as string, unit)
    const { aliases } = kept
    for (const alias of Array.isArray(aliases) ? (aliases as unknown[]) : []) {
      if (typeof alias === 'string' && !timeUnits.has(alias)) timeUnits.set(alias, unit)
    }
  }
  return Object.fromEntries(
    Object.entries(kept).map(([key, value]) => [
      key,
      key === 'symbols' || key === 'aliases' ? value : withoutDefaults(value, timeUnits),
    ]),
  )
}

/** `timestamp-micros`, `local-timestamp-nanos`, …, also in a union with null. */
function unitIn(type: unknown): 'ms' | 'us' | 'ns' | null {
  if (Array.isArray(type)) return (type as unknown[]).map(unitIn).find((unit) => unit !== null) ?? null
  const logical =
    typeof type === 'object' && type !== null ? (type as { readonly logicalType?: unknown }).logicalType : null
  const match = typeof logical === 'string' ? /^(?:local-)?timestamp-(millis|micros|nanos)$/.exec(logical) : null
  return match === null ? null : UNITS[match[1] as keyof typeof UNITS]
}

/** Whether a type is an enum, whose symbols are texts. */
export function symbolsOf(type: Type): readonly string[] | null {
  return type instanceof avro.types.EnumType ? type.symbols : null
}
