/**
 * Checks that the harness detects errors: a processor with a faulty port (../controls.ts) must be detected within five
 * seeds. `npm run test:faults -- --control NAME`.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../../support/built.ts'
import { findingOf, storeFinding, type Finding } from '../findings.ts'
import { optionsFrom } from '../options.ts'
import { runFaults } from '../run.ts'

const SEEDS = [1, 2, 3, 4, 5]

const { control, minutes, state, command, figuresFile } = optionsFrom(process.env)

it(`the fault of ${control?.name} is detected within five seeds`, async () => {
  if (control === null) throw new Error('no control is given; pass --control NAME')
  ensureBuilt()
  let found: Finding | null = null
  for (const seed of SEEDS) {
    const startedMs = performance.now()
    const log = (text: string): void => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)
      process.stdout.write(`seed ${seed} ${seconds} s  ${text}\n`)
    }
    const { name, kinds } = control
    const what = await findingOf(() => runFaults({ seed, minutes, state, log, kinds, control: name }))
    log(what ?? 'nothing found')
    if (what === null) continue
    found = { command, control: name, seed, seconds: Math.round((performance.now() - startedMs) / 1000), what }
    break
  }
  expect(found).not.toBeNull()
  if (found !== null && figuresFile !== null) await storeFinding(join(ROOT, figuresFile), found)
})
