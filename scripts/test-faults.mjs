// The fault harness: npm run test:faults [-- --seed 1 --minutes 20 --state redis|postgres --kinds zombie,kill-store]
// Without flags, as in CI, it injects every kind of fault at least once. With --minutes it also stores the figures
// for docs/internals/reliability.md (`npm run docs:reliability` writes them into the page).
// With --control NAME it runs processors with the faulty ports of that negative control (test/faults/controls.ts), and the
// harness must detect the error.
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const FIGURES = 'docs/internals/reliability/runs.json'
const FINDINGS = 'docs/internals/reliability/controls.json'

let values
try {
  const text = { type: 'string' }
  ;({ values } = parseArgs({ options: { seed: text, minutes: text, state: text, kinds: text, control: text } }))
} catch (error) {
  console.error(`test:faults: ${error.message}`)
  process.exit(2)
}
const asTyped = process.argv.slice(2).join(' ')
const command = asTyped === '' ? 'npm run test:faults' : `npm run test:faults -- ${asTyped}`
const isControl = values.control !== undefined
const figures = isControl ? FINDINGS : values.minutes === undefined ? undefined : FIGURES
const options = { ...values, command, figures }
const file = `test/faults/stack/${isControl ? 'negative-control' : 'every-fault'}.test.ts`
const { status } = spawnSync('npx', ['vitest', 'run', file, '--project', 'faults', '--disable-console-intercept'], {
  stdio: 'inherit',
  env: { ...process.env, WINDROW_FAULTS: JSON.stringify(options) },
})
process.exit(status ?? 1)
