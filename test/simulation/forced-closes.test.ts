/**
 * Operators force windows to close under crashes, lost replies, zombies and repeated activities. The time of a forced close
 * decides which points are late, so there is no run without faults to compare with. Instead, every request must be answered
 * and carried out once, and no result or point may be missing or doubled.
 */
import { expect, it } from 'vitest'
import { isBalanced } from '../../src/core/fate.ts'
import { submitRequest, isAnswer, requestState, type RequestAnswer } from '../../src/ledger/requests.ts'
import { LedgerHistory } from '../support/ledger-history.ts'
import { Random } from '../support/random.ts'
import { makeScenario } from './scenario.ts'
import { World, type FaultRates } from './world.ts'
import { perSuite } from '../support/seeds.ts'

const SEEDS = perSuite({ unit: 12, simulation: 120 })

interface Asked {
  readonly id: string
  readonly partition: number
  readonly window: number
}

it(
  `${SEEDS} seeded schedules with operators: each request is answered once, each result published once`,
  { timeout: 900_000 },
  async () => {
    const answers: RequestAnswer[] = []
    let crashes = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await runSchedule(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error })
      })
      crashes += run.crashes
      answers.push(...run.answers)
    }
    const kinds = answers.map(({ outcome }) => (outcome.kind === 'refused' ? outcome.problem : outcome.kind))
    // Otherwise the schedules did not exercise what they test.
    expect(crashes).toBeGreaterThan(SEEDS)
    expect(kinds.filter((kind) => kind === 'closed').length).toBeGreaterThan(SEEDS / 3)
    expect(kinds).toContain('not-open')
    expect(kinds).toContain('closed-before')
  },
)

async function runSchedule(seed: number): Promise<{ crashes: number; answers: RequestAnswer[] }> {
  const random = new Random(seed)
  const scenario = makeScenario(random)
  const faultRates: FaultRates = { crash: random.pick([0.01, 0.05]), fail: 0.02, zombie: 0.3, twice: 0.3 }
  const history = new LedgerHistory()
  const world = new World(scenario, random, faultRates, { store: history })
  const starts = [...new Set([...scenario.oracle.keys()].map((key) => Number(key.split('@')[1])))].sort((a, b) => a - b)
  const asked: Asked[] = []
  const asking: Promise<void>[] = []
  // Requests do not pass the gate: an operator works on another machine and does not crash with a processor.
  world.onEvent = (event) => {
    if (event.kind !== 'folded' || asked.length >= 5 || !random.chance(0.4)) return
    const one = { id: `r${asked.length}`, partition: event.partition, window: random.pick(starts) }
    asked.push(one)
    const request = { kind: 'close', id: one.id, window: one.window, who: 'ann', why: 'now', askedAtMs: 0 } as const
    asking.push(submitRequest(world.store, 'sim', one.partition, request))
  }
  await world.run()
  await Promise.all(asking)
  // A request submitted while only a zombie was running is carried out by the next owner.
  world.onEvent = () => undefined
  await world.run()

  const answers: RequestAnswer[] = []
  for (const { id, partition, window } of asked) {
    const found = await requestState(world.store, 'sim', partition, id)
    if (found === null || !isAnswer(found)) throw new Error(`request ${id} is not answered: ${JSON.stringify(found)}`)
    answers.push(found)
    const forced = history.of(partition).filter(({ intent }) => intent?.request === id)
    const windows = [...new Set(forced.map(({ intent }) => intent?.window ?? NaN))].sort((a, b) => a - b)
    if (found.outcome.kind === 'refused') expect(windows, `${id} refused`).toEqual([])
    else expect(windows.every((start) => start <= window)).toBe(true)
    // A forced close was decided in the ledger before it was committed. A decision that an owner overtook with a checkpoint
    // had no effect: it was taken again later, unless the records closed the window first. So the last decision counts.
    for (const start of windows) {
      const decided = history
        .of(partition)
        .filter(({ intent }) => intent?.window === start)
        .at(-1)?.intent
      const closed = history.of(partition).find(({ closedThrough }) => closedThrough === start)
      expect(closed?.resumeOffset, `window ${start}`).toBe((decided?.cut ?? NaN) + 1)
    }
  }
  const keys = world.results.results.map((line) => {
    const { vmId, windowStart, revision } = JSON.parse(line) as { [key: string]: unknown }
    return `${String(vmId)}@${String(windowStart)}r${String(revision)}`
  })
  expect(new Set(keys).size, 'results').toBe(keys.length)
  for (const partition of scenario.partitions.keys()) {
    const last = history.of(partition).at(-1)
    expect(last?.intent).toBeNull()
    expect(last !== undefined && isBalanced(last.counts)).toBe(true)
    expect(last?.counts.consumed).toBe(scenario.partitions[partition]?.length ?? 0)
  }
  return { crashes: world.crashes, answers }
}
