// The fault harness: npm run test:faults [-- --seed 1 --minutes 20 --state redis|postgres --kinds zombie,kill-store]
// Without flags, what CI runs: every kind of fault at least once. With --minutes the figures are kept for
// docs/reliability.md (`npm run docs:reliability` writes them into it).
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const FIGURES = 'docs/reliability/runs.json'

let values
try {
  const text = { type: 'string' }
  ;({ values } = parseArgs({ options: { seed: text, minutes: text, state: text, kinds: text } }))
} catch (error) {
  console.error(`test:faults: ${error.message}`)
  process.exit(2)
}
const asTyped = process.argv.slice(2).join(' ')
const command = asTyped === '' ? 'npm run test:faults' : `npm run test:faults -- ${asTyped}`
const options = { ...values, command, ...(values.minutes === undefined ? {} : { figures: FIGURES }) }
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'faults', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, WINDROW_FAULTS: JSON.stringify(options) },
})
process.exit(status ?? 1)
