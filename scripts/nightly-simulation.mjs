// Runs many more crash schedules than the test suite: npm run nightly:simulation [-- SCHEDULES], 10,000 by default.
import { spawnSync } from 'node:child_process'

const schedules = process.argv[2] ?? '10000'
if (!/^[1-9]\d*$/.test(schedules)) {
  console.error(`nightly:simulation: ${schedules} is not a number of schedules`)
  process.exit(2)
}
const args = ['vitest', 'run', '--project', 'simulation', 'test/simulation/crash-schedules.test.ts']
const { status } = spawnSync('npx', args, { stdio: 'inherit', env: { ...process.env, WINDROW_SIM_SEEDS: schedules } })
process.exit(status ?? 1)
