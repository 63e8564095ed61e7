/** The way in for a user's own aggregator: checks the definition and fills in what was left out. */
import { WindrowError } from '../errors/index.ts'
import type { Aggregator, AggregatorDefinition } from './aggregator.ts'
import type { Json } from './json.ts'

/** `T` where it is JSON all the way down, interfaces included; otherwise a type that `T` is not assignable to. */
type JsonShape<T> = T extends string | number | boolean | null
  ? T
  : T extends bigint | symbol | undefined | ((...args: never) => unknown)
    ? never
    : { [K in keyof T]: JsonShape<T[K]> }

/** Nothing more for an accumulator that is JSON already; both halves of the codec for every other. */
type CodecFor<Acc> = Acc extends JsonShape<Acc> ? unknown : { encode(acc: Acc): Json; decode(json: Json): Acc }

/**
 * An aggregator from its definition. Left out: `version` is 1, the VM state is always `null`, and an accumulator that
 * is JSON already is stored as it is (a copy, so that folding on does not change what was stored). Any other
 * accumulator, a class or a Map for example, needs `encode` and `decode`; the compiler says so.
 *
 * Throws a WindrowError `INVALID_AGGREGATOR`.
 */
export function defineAggregator<Acc, State extends Json = null, Result extends Json = Json>(
  definition: AggregatorDefinition<Acc, State, Result> & CodecFor<Acc>,
): Aggregator<Acc, State, Result> {
  const given: AggregatorDefinition<Acc, State, Result> = definition
  check(given)
  return {
    name: given.name,
    version: given.version ?? 1,
    maxBytesPerMetric: given.maxBytesPerMetric ?? null,
    create: () => given.create(),
    add: (acc, point) => given.add(acc, point),
    merge: (a, b) => given.merge(a, b),
    result: (acc, context) => given.result(acc, context),
    advance: (prior, acc, window) => given.advance?.(prior, acc, window) ?? null,
    encode: (acc) => (given.encode === undefined ? (structuredClone(acc) as Json) : given.encode(acc)),
    decode: (json) => (given.decode === undefined ? (structuredClone(json) as Acc) : given.decode(json)),
  }
}

/** Readers take results of these names to have the figures of the built-in aggregators. */
const RESERVED_NAMES: readonly string[] = ['summary', 'rate']

function check(definition: AnyDefinition): void {
  const { name, version, maxBytesPerMetric } = definition
  if (!/^[a-z0-9-]{1,40}$/.test(name)) {
    throw invalid(`the name of an aggregator is ${JSON.stringify(name)}`, 'Use 1 to 40 of a-z, 0-9 and "-".')
  }
  if (RESERVED_NAMES.includes(name)) {
    const remedy = 'Use another name; createSummary makes the built-in aggregator with other options.'
    throw invalid(`the name ${name} is reserved for a built-in aggregator`, remedy)
  }
  if (version !== undefined && !isPositiveInteger(version)) {
    throw invalid(`the version of aggregator ${name} is ${version}`, 'Use a whole number from 1 on.')
  }
  if (maxBytesPerMetric !== undefined && maxBytesPerMetric !== null && !isPositiveInteger(maxBytesPerMetric)) {
    throw invalid(`maxBytesPerMetric of aggregator ${name} is ${maxBytesPerMetric}`, 'Use a whole number from 1 on.')
  }
  const hasEncode = definition.encode !== undefined
  if (hasEncode !== (definition.decode !== undefined)) {
    throw invalid(
      `aggregator ${name} has no ${hasEncode ? 'decode' : 'encode'}`,
      'Give both encode and decode, or neither.',
    )
  }
}

/** What is checked of a definition, whatever its types. */
type AnyDefinition = {
  readonly name: string
  readonly version?: number
  readonly maxBytesPerMetric?: number | null
  readonly encode?: unknown
  readonly decode?: unknown
}

function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0
}

function invalid(message: string, remedy: string): WindrowError {
  return new WindrowError(message, { code: 'INVALID_AGGREGATOR', remedy })
}
