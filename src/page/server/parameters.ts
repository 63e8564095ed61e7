/** Reads and checks the parameters of requests. */
import type { EpochMs } from '../../core/point.ts'
import { badParameter } from './problem.ts'

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export function whole(name: string, given: unknown, min: number, max: number): number {
  const value = typeof given === 'string' && /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN
  if (value >= min && value <= max) return value
  throw badParameter(name, given, `Give a whole number from ${min} to ${max}.`)
}

export function wholeOr(query: Query, name: string, otherwise: number, min: number, max: number): number {
  return query[name] === undefined ? otherwise : whole(name, query[name], min, max)
}

const MAX_TIME: EpochMs = 8.64e15

export function timesIn(query: Query): { readonly from: EpochMs; readonly to: EpochMs } {
  const time = (name: string, otherwise: number): number => wholeOr(query, name, otherwise, -MAX_TIME, MAX_TIME)
  return { from: time('from', -Infinity), to: time('to', Infinity) }
}

export function partitionIn(query: Query): number | null {
  return query['partition'] === undefined ? null : whole('partition', query['partition'], 0, 100_000)
}

const MAX_TEXT = 1_000

export function textOr<T>(query: Query, name: string, otherwise: T): string | T {
  const given = query[name]
  if (given === undefined) return otherwise
  if (typeof given === 'string' && given.length <= MAX_TEXT) return given
  throw badParameter(name, given, `Give one text of at most ${MAX_TEXT} characters.`)
}

export function textsIn(query: Query, name: string): readonly string[] {
  const given = query[name]
  return given === undefined ? [] : typeof given === 'string' ? [given] : given
}

export function flagIn(query: Query, name: string): boolean {
  const given = query[name]
  if (given === undefined || given === 'false') return false
  if (given === 'true' || given === '') return true
  throw badParameter(name, given, 'Give true or false.')
}

export function oneOfTexts<T extends string>(query: Query, name: string, values: readonly T[], otherwise: T): T {
  const given = query[name]
  if (given === undefined) return otherwise
  const found = values.find((value) => value === given)
  if (found !== undefined) return found
  throw badParameter(name, given, `Give one of ${values.join(', ')}.`)
}
