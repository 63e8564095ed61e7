/** The arguments of the load test command, and its error messages for wrong ones. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOptions, usageText } from '../../loadtest/runner/options.ts'
import { ROOT } from '../support/built.ts'

const scenarios = readdirSync(join(ROOT, 'loadtest/scenarios')).map((name) => name.replace(/\.ts$/, ''))
const read = (...args: string[]) => readOptions(args, scenarios)

test('a scenario is the only required argument', () => {
  const rest = { env: {}, brokers: null, portBase: 21_000, report: null, keep: false }
  for (const scenario of scenarios) expect(read(scenario)).toEqual({ kind: 'options', options: { scenario, ...rest } })
})

test('sizes are passed to the script, with minutes converted to seconds', () => {
  expect(read('soak', '--minutes', '3', '--rate', '7')).toMatchObject({
    options: { env: { SECONDS: '180', RATE: '7' } },
  })
  expect(read('--most=10', 'ramp', '--seconds', '5')).toMatchObject({ options: { env: { SECONDS: '5', MOST: '10' } } })
})

test.each([
  [[], [/^no scenario is given: one of .*smoke/]],
  [['stedy'], [/^there is no scenario stedy; did you mean steady\?$/]],
  [['everything'], [/^there is no scenario everything$/]],
  [['smoke', 'soak'], [/^one scenario at a time, not soak too$/]],
  [['smoke', '--secnds', '5'], [/^there is no flag --secnds; did you mean --seconds\?$/]],
  [['smoke', '-x'], [/^there is no flag -x$/]],
  [['smoke', '--seconds'], [/--seconds/]],
  [['smoke', '--keep=yes'], [/--keep/]],
  [['smoke', '--seconds', '0'], [/^--seconds: "0" is not a whole number above 0$/]],
  [['smoke', '--seconds', '1.5'], [/^--seconds: "1.5" is not/]],
  [['soak', '--minutes', '1', '--seconds', '1'], [/^--seconds and --minutes: give one of them$/]],
  [['smoke', '--rate', '5'], [/^--rate does not apply to smoke: it is for spike and soak$/]],
  [['soak', '--most', '5'], [/^--most does not apply to soak: it is for ramp$/]],
  [['smoke', '--port-base', '65534'], [/^--port-base: 65534 leaves no room/]],
  [
    ['stedy', '--secnds', '5', '--rate', 'x'],
    [/^there is no flag --secnds/, /^there is no scenario stedy/, /^--rate: "x"/],
  ],
])('%j is rejected with a message per problem', (args, expected) => {
  const answer = read(...args)
  if (answer.kind !== 'wrong') throw new Error(`it was accepted: ${JSON.stringify(answer)}`)
  expect(answer.problems).toHaveLength(expected.length)
  for (const [index, pattern] of expected.entries()) expect(answer.problems[index]).toMatch(pattern)
})

test('help is shown regardless of other arguments, and lists every scenario and flag', () => {
  expect(read('-h')).toEqual({ kind: 'help' })
  expect(read('stedy', '--help')).toEqual({ kind: 'help' })
  const text = usageText(scenarios)
  for (const word of [...scenarios, '--seconds', '--minutes', '--rate', '--most', '--brokers', '--port-base']) {
    expect(text).toContain(word)
  }
})
