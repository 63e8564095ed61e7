/**
 * Everything that can die dies, on the real stack, and nothing is lost, doubled or wrong. See docs/internals/reliability.md.
 *
 * `npm run test:faults` alone: every kind of fault, once at least. With --seed, --minutes and --state: as asked.
 */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensureBuilt, ROOT } from '../../support/built.ts'
import { appendFigures } from '../figures.ts'
import { optionsFrom } from '../options.ts'
import { runFaults } from '../run.ts'

const { seed, minutes, state, kinds, command, figuresFile } = optionsFrom(process.env)

it(`seed ${seed} on ${state}: lost 0, doubled 0, wrong 0`, async () => {
  ensureBuilt()
  const startedMs = performance.now()
  const say = (text: string): void => {
    process.stdout.write(`faults ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}\n`)
  }
  const { verdict, figures } = await runFaults({ seed, minutes, state, say, ...(kinds === null ? {} : { kinds }) })
  say(JSON.stringify(figures))
  if (figuresFile !== null) await appendFigures(join(ROOT, figuresFile), { command, ...figures })
  const first = (texts: readonly string[]): readonly string[] => texts.slice(0, 5)
  expect({ lost: first(verdict.lost), doubled: first(verdict.doubled), wrong: first(verdict.wrong) }).toEqual({
    ...{ lost: [], doubled: [], wrong: [] },
  })
  expect(figures).toMatchObject({ lost: 0, doubled: 0, wrong: 0 })
})
