import { expect, test } from 'vitest'
import { PIPELINE_STEPS } from '../../src/ports/steps.ts'
import { Random } from '../support/random.ts'
import { KILLS, KINDS } from './kinds.ts'
import { plan, type PlannedFault } from './plan.ts'
import { Points, textOf } from './points.ts'

const first = (seed: number, count: number): PlannedFault[] => {
  const faults = plan(new Random(seed), 2)
  return Array.from({ length: count }, () => faults.next().value)
}
const textsOf = (faults: readonly PlannedFault[]): string[] =>
  faults.map(({ kind, point, slot }) => `${kind.name} ${textOf(point)} ${slot}`)

test('a seed plans the same again, and another seed something else', () => {
  expect(textsOf(first(5, 40))).toEqual(textsOf(first(5, 40)))
  expect(textsOf(first(6, 40))).not.toEqual(textsOf(first(5, 40)))
})

test('every kind comes once before any comes again, but for those by points of progress', () => {
  const names = first(1, KINDS.length + 4).map(({ kind }) => kind.name)
  expect(new Set(names)).toEqual(new Set(KINDS.map(({ name }) => name)))
})

test('from the second round on, whatever kills comes three times a round', () => {
  const second = first(1, 2 * KINDS.length + 4 + 2 * KILLS.size).slice(KINDS.length + 4)
  for (const kind of KINDS) {
    expect(second.filter((fault) => fault.kind === kind)).toHaveLength(KILLS.has(kind) ? 3 : 1)
  }
})

test('processors are killed before and after every step', () => {
  const points = new Points(new Random(1))
  const reached = Array.from({ length: 2 * PIPELINE_STEPS.length }, () => points.next())
  expect(new Set(reached.map(({ step, phase }) => `${step} ${phase}`)).size).toBe(2 * PIPELINE_STEPS.length)
})
