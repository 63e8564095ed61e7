import { expect, test } from 'vitest'
import { PIPELINE_STEPS } from '../../src/ports/steps.ts'
import { Random } from '../support/random.ts'
import { KILLS, KINDS } from './kinds.ts'
import { plan, type PlannedFault } from './plan.ts'
import { InjectionPoints, textOf } from './injection-points.ts'

const first = (seed: number, count: number): PlannedFault[] => {
  const faults = plan(new Random(seed), 2)
  return Array.from({ length: count }, () => faults.next().value)
}
const textsOf = (faults: readonly PlannedFault[]): string[] =>
  faults.map(({ kind, point, slot }) => `${kind.name} ${textOf(point)} ${slot}`)

test('the same seed gives the same plan, another seed another plan', () => {
  expect(textsOf(first(5, 40))).toEqual(textsOf(first(5, 40)))
  expect(textsOf(first(6, 40))).not.toEqual(textsOf(first(5, 40)))
})

test('the first round contains every kind', () => {
  const names = first(1, KINDS.length + 4).map(({ kind }) => kind.name)
  expect(new Set(names)).toEqual(new Set(KINDS.map(({ name }) => name)))
})

test('later rounds contain the kinds that kill something three times, all others once', () => {
  const second = first(1, 2 * KINDS.length + 4 + 2 * KILLS.size).slice(KINDS.length + 4)
  for (const kind of KINDS) {
    expect(second.filter((fault) => fault.kind === kind)).toHaveLength(KILLS.has(kind) ? 3 : 1)
  }
})

test('the drawn points include the begin and the end of every step', () => {
  const points = new InjectionPoints(new Random(1))
  const reached = Array.from({ length: 2 * PIPELINE_STEPS.length }, () => points.next())
  expect(new Set(reached.map(({ step, phase }) => `${step} ${phase}`)).size).toBe(2 * PIPELINE_STEPS.length)
})
