/** VM windows that are computed ahead of their turn: the states that pass from one workflow to the next. */
import { expect, it } from 'vitest'
import type { VmWindowTask } from '../../../src/core/close-vm-window.ts'
import type { Json } from '../../../src/core/json.ts'
import { AheadOfTurn, chainOf } from '../../../src/workflows/activities/ahead-of-turn.ts'
import type { VmWindowAnswer } from '../../../src/workflows/plan.ts'

const taskOf = (vmId: string, windowStart: number): VmWindowTask =>
  ({ windowStart, windowEnd: windowStart + 100, window: { vmId }, prior: null }) as unknown as VmWindowTask

const answerOf = (state: Json): VmWindowAnswer[number] => ({ ok: true, outcome: { state } }) as VmWindowAnswer[number]

it('a state passes to the next workflow with its members in the order of a stored one', () => {
  const ahead = new AheadOfTurn()
  const priors = new Map<string, Json>()
  const chain = chainOf([taskOf('a', 0), taskOf('b', 0), taskOf('a', 100)], priors)
  ahead.statesInto(priors, chain, [answerOf({ x: 0 }), answerOf(null), answerOf({ memory: { z: 1, y: 2 }, cpu: 3 })])
  const [next] = chainOf([taskOf('a', 200)], priors)
  expect(JSON.stringify(next?.prior)).toBe('{"cpu":3,"memory":{"y":2,"z":1}}')
})

it('a VM whose window failed keeps the state before it', () => {
  const ahead = new AheadOfTurn()
  const priors = new Map<string, Json>([['a', { x: 1 }]])
  const chain = chainOf([taskOf('a', 0)], priors)
  ahead.statesInto(priors, chain, [{ ok: false, error: 'failed' }])
  expect(chainOf([taskOf('a', 100)], priors)[0]?.prior).toEqual({ x: 1 })
})
