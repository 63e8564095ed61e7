/**
 * Does the simulation find anything at all? Each of these ports has a fault that loses or doubles results, or lets go of
 * what guards against it, and within five seeds a schedule with it must fail. Those of good ports do not.
 */
import { expect, test } from 'vitest'
import { FAULTY_PORTS } from './faulty-ports.ts'
import { runSchedule } from './schedule.ts'

const SEEDS = [1, 2, 3, 4, 5]
/** Rough in every respect: what is drawn for other schedules may leave zombies or failing calls out. */
const LONG_AND_ROUGH = { windows: 20, maxCrashes: 60, weather: { crash: 0.03, fail: 0.05, zombie: 0.7, twice: 0.3 } }

test.each(Object.entries(FAULTY_PORTS))('%s: found within five seeds', async (_, ports) => {
  const findings: string[] = []
  for (const seed of SEEDS) {
    try {
      await runSchedule(seed, { ports, ...LONG_AND_ROUGH })
    } catch (error) {
      findings.push(`seed ${seed}: ${String(error).split('\n')[0]}`)
    }
  }
  console.log(findings.join('\n'))
  expect(findings).not.toEqual([])
})

test('good ports: nothing is found', async () => {
  for (const seed of SEEDS) await runSchedule(seed, LONG_AND_ROUGH)
})
