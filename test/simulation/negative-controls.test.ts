/**
 * Checks that the simulation detects errors. Each of these ports loses or doubles results, or lacks the safeguard against
 * that. A schedule with it must fail within five seeds; schedules with correct ports do not fail.
 */
import { expect, test } from 'vitest'
import { FAULTY_PORTS } from './faulty-ports.ts'
import { runSchedule } from './schedule.ts'

const SEEDS = [1, 2, 3, 4, 5]
/** Faults of every kind; the rates drawn for other schedules may exclude zombies or failing calls. */
const LONG_WITH_MANY_FAULTS = {
  windows: 60,
  maxCrashes: 200,
  faultRates: { crash: 0.02, fail: 0.08, zombie: 0.7, twice: 0.3 },
}

test.each(Object.entries(FAULTY_PORTS))('the fault "%s" is detected within five seeds', async (_, ports) => {
  const findings: string[] = []
  for (const seed of SEEDS) {
    try {
      await runSchedule(seed, { ports, ...LONG_WITH_MANY_FAULTS })
    } catch (error) {
      findings.push(`seed ${seed}: ${String(error).split('\n')[0]}`)
    }
  }
  console.log(findings.join('\n'))
  expect(findings).not.toEqual([])
})

test('schedules with correct ports do not fail', async () => {
  for (const seed of SEEDS) await runSchedule(seed, LONG_WITH_MANY_FAULTS)
})
