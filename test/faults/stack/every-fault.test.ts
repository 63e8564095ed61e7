/**
 * Injects faults of every kind into a job on the real stack; nothing may be lost, doubled or wrong. See
 * docs/internals/reliability.md.
 *
 * Without options, `npm run test:faults` injects every kind at least once; --seed, --minutes, --state and --kinds change that.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../../support/built.ts'
import { appendFigures } from '../figures.ts'
import { optionsFrom } from '../options.ts'
import { runFaults } from '../run.ts'

const { seed, minutes, state, kinds, command, figuresFile } = optionsFrom(process.env)

it(`a job under all faults, seed ${seed} on ${state}, loses 0, doubles 0 and has 0 wrong`, async () => {
  ensureBuilt()
  const startedMs = performance.now()
  const log = (text: string): void => {
    process.stdout.write(`faults ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}\n`)
  }
  const { verdict, figures } = await runFaults({ seed, minutes, state, log, ...(kinds === null ? {} : { kinds }) })
  log(JSON.stringify(figures))
  if (figuresFile !== null) await appendFigures(join(ROOT, figuresFile), { command, ...figures })
  const first = (texts: readonly string[]): readonly string[] => texts.slice(0, 5)
  expect({ lost: first(verdict.lost), doubled: first(verdict.doubled), wrong: first(verdict.wrong) }).toEqual({
    ...{ lost: [], doubled: [], wrong: [] },
  })
  expect(figures).toMatchObject({ lost: 0, doubled: 0, wrong: 0 })
})
