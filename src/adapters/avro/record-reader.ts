/**
 * Turns a writer's schema into a function that reads its records as points or manifests, resolved as the Avro
 * specification says (#schema-resolution): fields are matched by name, others are skipped, absent ones take their
 * default, numbers are promoted. One rule is stricter: a long that becomes a double must fit it exactly.
 */
import avro from 'avsc'
import type { Type } from 'avsc'
import type { DataPoint, Decoded } from '../../core/point.ts'
import { toManifest, toNoReading, toPoint } from '../json/decode.ts'
import { quote, undecodable } from '../mapping/undecodable.ts'
import { hasOwnNames, isPlainMapping, resolveOptions, specOf } from '../json/mapping.ts'
import type { DecodeOptions } from '../json/mapping.ts'
import { createJsonMapper } from '../mapping/json-mapper.ts'
import { parsePath } from '../mapping/path.ts'
import { createTimeReader, implausibleTime, isPlausible, type TimeReader } from '../mapping/time.ts'
import type { Cursor } from './cursor.ts'
import { objectReaderOf, readAnyLong } from './object-reader.ts'
import { symbolsOf } from './writer-schema.ts'
import { branchesOf, skipperOf } from './skip.ts'

/** Reads one record. Afterwards `cursor.broken` says whether the place of the next one is unknown. */
export type RecordReader = (cursor: Cursor) => Decoded

type Value = string | number | boolean | readonly string[] | null
type ValueReader = (cursor: Cursor) => Value
type Kind = 'text' | 'texts' | 'long' | 'anyLong' | 'double' | 'boolean'

interface Target {
  readonly name: string
  readonly kind: Kind
  /** What an absent field holds; `undefined` where it may not be absent. */
  readonly fallback?: Value
  readonly nullable?: boolean
}

interface Step {
  readonly name: string
  /** Index of the target, or -1 for a field that is passed over. */
  readonly slot: number
  readonly read: ValueReader
}

const NO_READING_TARGETS: readonly Target[] = [
  { name: 'vmId', kind: 'text' },
  { name: 'producer', kind: 'text', fallback: '' },
  { name: 'metric', kind: 'text' },
  { name: 'timestamp', kind: 'long' },
  { name: 'seq', kind: 'long', fallback: null, nullable: true },
]

const MANIFEST_TARGETS: readonly Target[] = [
  { name: 'vmId', kind: 'text' },
  { name: 'producer', kind: 'text', fallback: '' },
  { name: 'windowStart', kind: 'long' },
  { name: 'firstSeq', kind: 'long', fallback: null, nullable: true },
  { name: 'count', kind: 'long' },
  { name: 'last', kind: 'boolean', fallback: false },
  { name: 'counts', kind: 'text', fallback: 'samples' },
  { name: 'metrics', kind: 'texts', fallback: null, nullable: true },
  { name: 'corrects', kind: 'boolean', fallback: false },
  { name: 'replaces', kind: 'boolean', fallback: false },
]

/**
 * A reader for a record schema, or for a union of them. A record named WindowManifest is a manifest, one named NoReading a
 * place without a reading, any other one a point. Throws a TypeError that says which field is missing or of the wrong type.
 */
export function recordReaderOf(type: Type, options: DecodeOptions = {}, timeUnits: TimeUnits = NO_UNITS): RecordReader {
  const { mapping } = options
  if (mapping !== undefined && !isPlainMapping(mapping)) return mappedReader(type, options, timeUnits)
  try {
    if (!hasOwnNames(options) && isNullable(type, resolveOptions(options).value))
      return mappedReader(type, options, timeUnits)
    return namedReader(type, options, timeUnits)
  } catch (error) {
    // Other types than those of a point, such as numbers as text, are read as by any other mapping.
    if (!(error instanceof WrongFieldType) || hasOwnNames(options)) throw error
    return mappedReader(type, options, timeUnits)
  }
}

class WrongFieldType extends TypeError {}

function isNullable(type: Type, field: string): boolean {
  const found = type instanceof avro.types.RecordType ? fieldNamed(type, field) : undefined
  return found !== undefined && branchesOf(found.type)?.some(({ typeName }) => typeName === 'null') === true
}

/** Reads records whose fields have plain names, by the strict types of a point. */
function namedReader(type: Type, options: DecodeOptions, timeUnits: TimeUnits): RecordReader {
  const branches = branchesOf(type)
  if (branches === null) return singleReader(type, options, timeUnits)
  const readers = branches.map((branch) => branchReader(branch, options, timeUnits))
  if (readers.every((reader) => reader.error !== null)) throw readers[0]?.error ?? new TypeError('the union is empty')
  return (cursor) => {
    const reader = readers[cursor.readBranch(readers.length)]
    return reader === undefined ? failed(cursor, 'union') : reader.read(cursor)
  }
}

type TimeUnits = ReadonlyMap<string, 'ms' | 'us' | 'ns'>

const NO_UNITS: TimeUnits = new Map()

/** By a general mapping: the record is read as an object. A time without a stated unit has that of its logical type. */
function mappedReader(type: Type, options: DecodeOptions, timeUnits: TimeUnits): RecordReader {
  const read = objectReaderOf(type)
  const spec = specOf(options)
  const time = typeof spec.timestamp === 'string' ? { path: spec.timestamp } : spec.timestamp
  const hasUnit = time.unit !== undefined || time.pattern !== undefined
  const unit = hasUnit ? undefined : timeUnits.get(String(parsePath(time.path ?? '')?.at(-1)))
  const map = createJsonMapper(
    unit === undefined ? spec : { ...spec, timestamp: { ...time, unit } },
    options.checkYears === true,
  )
  return (cursor) => {
    const value = read(cursor)
    return cursor.problem === null ? map(value, NO_CONTEXT) : failed(cursor, nameOf(type))
  }
}

const NO_CONTEXT = {}

interface BranchReader {
  readonly read: RecordReader
  readonly error: TypeError | null
}

/** A branch that is no point and no manifest is skipped, so that its neighbours can be read. */
function branchReader(branch: Type, options: DecodeOptions, timeUnits: TimeUnits): BranchReader {
  try {
    return { read: singleReader(branch, options, timeUnits), error: null }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const skip = skipperOf(branch)
    const decoded = undecodable('unknown-schema', error.message)
    const read: RecordReader = (cursor) => {
      skip(cursor)
      return cursor.broken ? failed(cursor, nameOf(branch)) : decoded
    }
    return { read, error }
  }
}

function singleReader(type: Type, options: DecodeOptions, timeUnits: TimeUnits): RecordReader {
  if (!(type instanceof avro.types.RecordType))
    throw new TypeError(`expected a record, got the Avro type ${nameOf(type)}`)
  if (nameOf(type) === 'NoReading') return noReadingReader(type, options)
  return isManifest(type) ? manifestReader(type) : pointReader(type, options, timeUnits)
}

function isManifest(type: Type): boolean {
  return [type.name ?? '', ...(type.aliases ?? [])].some((name) => name.split('.').pop() === 'WindowManifest')
}

function nameOf(type: Type): string {
  return type.name?.split('.').pop() ?? type.typeName
}

function pointReader(
  type: InstanceType<typeof avro.types.RecordType>,
  options: DecodeOptions,
  timeUnits: TimeUnits,
): RecordReader {
  const names = resolveOptions(options)
  const unit = timeUnits.get(names.timestamp) ?? 'ms'
  // Milliseconds are read as they are.
  const time = unit === 'ms' ? null : createTimeReader({ unit, pattern: null, zone: null, origin: null })
  const slots = fieldSlots(type, [
    { name: names.vmId, kind: 'text' },
    // No Avro field has the empty name, so what the mapping rules out is never read.
    { name: names.producer ?? '', kind: 'text', fallback: '' },
    { name: names.metric, kind: 'text' },
    { name: names.timestamp, kind: time === null ? 'long' : 'anyLong' },
    { name: names.seq ?? '', kind: 'long', ...(names.requireSeq ? {} : { fallback: null, nullable: true }) },
    { name: names.value, kind: 'double' },
    { name: 'replaces', kind: 'boolean', fallback: false },
  ])
  return (cursor) => {
    const bad = slots.fill(cursor)
    if (bad !== null) return failed(cursor, bad)
    const [vmId, producer, metric, timestamp, seq, value, replaces] = slots.values
    const point: DataPoint = {
      vmId: vmId as string,
      producer: producer as string,
      metric: metric as string,
      timestamp: time === null ? (timestamp as number) : anyToMs(timestamp as number | string, time),
      seq: seq as number | null,
      value: value as number,
    }
    if (names.checkYears && !isPlausible(point.timestamp)) {
      const problem = implausibleTime(names.timestamp, timestamp, unit, point.timestamp)
      if (problem !== null) return undecodable('implausible-time', problem)
    }
    return toPoint(replaces === true ? { ...point, replaces } : point)
  }
}

function anyToMs(timestamp: number | string, reader: TimeReader): number {
  return typeof timestamp === 'number' ? reader.ofNumber(timestamp) : reader.ofText(timestamp)
}

function manifestReader(type: InstanceType<typeof avro.types.RecordType>): RecordReader {
  const slots = fieldSlots(type, MANIFEST_TARGETS)
  return (cursor) => {
    const bad = slots.fill(cursor)
    if (bad !== null) return failed(cursor, bad)
    const [vmId, producer, windowStart, firstSeq, count, last, counts, metrics, corrects, replaces] = slots.values
    if (counts !== 'samples' && counts !== 'points') {
      return undecodable('invalid', `counts is ${quote(counts)}, expected "samples" or "points"`)
    }
    return toManifest({
      vmId: vmId as string,
      producer: producer as string,
      windowStart: windowStart as number,
      firstSeq: firstSeq as number | null,
      count: count as number,
      last: last as boolean,
      ...(counts === 'samples' ? {} : { counts }),
      ...(metrics === null ? {} : { metrics: metrics as readonly string[] }),
      ...(corrects === true ? { corrects } : {}),
      ...(replaces === true ? { replaces } : {}),
    })
  }
}

function noReadingReader(
  type: InstanceType<typeof avro.types.RecordType>,
  { checkYears }: DecodeOptions,
): RecordReader {
  const slots = fieldSlots(type, NO_READING_TARGETS)
  return (cursor) => {
    const bad = slots.fill(cursor)
    if (bad !== null) return failed(cursor, bad)
    const [vmId, producer, metric, timestamp, seq] = slots.values
    const place = { vmId: vmId as string, producer: producer as string, metric: metric as string }
    if (checkYears === true && !isPlausible(timestamp as number)) {
      const problem = implausibleTime('timestamp', timestamp, 'ms', timestamp as number)
      if (problem !== null) return undecodable('implausible-time', problem)
    }
    return toNoReading({ ...place, timestamp: timestamp as number, seq: seq as number | null, value: Number.NaN })
  }
}

interface Slots {
  /** One value a target, overwritten by every `fill`. */
  readonly values: readonly Value[]
  /** Reads a record; returns the name of the first field with a problem. */
  fill(cursor: Cursor): string | null
}

function fieldSlots(type: InstanceType<typeof avro.types.RecordType>, targets: readonly Target[]): Slots {
  const values: Value[] = []
  for (const target of targets) {
    if (target.fallback === undefined && fieldNamed(type, target.name) === undefined) {
      throw new TypeError(`the schema ${nameOf(type)} has no field ${quote(target.name)}`)
    }
    values.push(target.fallback ?? null)
  }
  const steps = type.fields.map((field): Step => {
    const slot = targets.findIndex((target) => fieldNamed(type, target.name) === field)
    const target = targets[slot]
    if (target === undefined) return { name: field.name, slot, read: passOver(field.type) }
    return { name: field.name, slot, read: valueReader(field.type, target) }
  })

  return {
    values,
    fill(cursor) {
      let bad: string | null = null
      for (let i = 0; i < steps.length; i++) {
        const step = steps[i] as Step
        const value = step.read(cursor)
        if (step.slot >= 0) values[step.slot] = value
        if (bad === null && cursor.problem !== null) bad = step.name
      }
      return bad
    },
  }
}

/** The field of this name, or else the one that had it before it was renamed: its writer lists former names as aliases. */
function fieldNamed(type: InstanceType<typeof avro.types.RecordType>, name: string): avro.types.Field | undefined {
  const { fields } = type
  return fields.find((field) => field.name === name) ?? fields.find((field) => field.aliases.includes(name))
}

function passOver(type: Type): ValueReader {
  const skip = skipperOf(type)
  return (cursor) => {
    skip(cursor)
    return null
  }
}

const PROMOTED: Readonly<Record<Kind, readonly string[]>> = {
  text: ['string', 'bytes', 'enum'],
  texts: ['array'],
  long: ['int', 'long'],
  anyLong: ['int', 'long'],
  double: ['double', 'float', 'long', 'int'],
  boolean: ['boolean'],
}

function valueReader(type: Type, target: Target): ValueReader {
  const branches = branchesOf(type)
  if (branches !== null) {
    const readers = branches.map((branch) =>
      branch.typeName === 'null' ? nullReader(target) : valueReader(branch, target),
    )
    return (cursor) => readers[cursor.readBranch(readers.length)]?.(cursor) ?? null
  }
  if (!PROMOTED[target.kind].includes(type.typeName)) {
    throw new WrongFieldType(
      `the field ${quote(target.name)} has the Avro type ${type.typeName}, expected ${PROMOTED[target.kind].join(' or ')}`,
    )
  }
  const symbols = symbolsOf(type)
  if (symbols !== null) return (cursor) => symbols[cursor.readLong()] ?? ''
  if (target.kind === 'anyLong') return readAnyLong
  return type instanceof avro.types.ArrayType ? textsReader(type) : (READERS[type.typeName] as ValueReader)
}

function textsReader(type: InstanceType<typeof avro.types.ArrayType>): ValueReader {
  const readText = valueReader(type.itemsType, { name: 'metrics', kind: 'text' })
  return (cursor) => {
    const texts: string[] = []
    for (let count = cursor.readBlockCount(); count > 0 && !cursor.broken; count = cursor.readBlockCount()) {
      for (let i = 0; i < count && !cursor.broken; i++) texts.push(readText(cursor) as string)
    }
    return texts
  }
}

const READERS: Readonly<Record<string, ValueReader>> = {
  string: (cursor) => cursor.readString(),
  bytes: (cursor) => cursor.readString(),
  int: (cursor) => cursor.readLong(),
  long: (cursor) => cursor.readLong(),
  float: (cursor) => cursor.readFloat(),
  double: (cursor) => cursor.readDouble(),
  boolean: (cursor) => cursor.readBoolean(),
}

function nullReader(target: Target): ValueReader {
  if (target.nullable === true) return () => null
  const { fallback } = target
  if (fallback !== undefined) return () => fallback
  return (cursor) => {
    cursor.note('invalid', 'null')
    return null
  }
}

function failed(cursor: Cursor, field: string): Decoded {
  const problem = cursor.problem ?? { code: 'undecodable', detail: 'unreadable' }
  return undecodable(problem.code, `${field}: ${problem.detail}`)
}
