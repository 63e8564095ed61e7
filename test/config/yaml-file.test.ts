import { expect, test } from 'vitest'
import { parseConfigFile } from '../../src/config/yaml-file.ts'

test('every value remembers its line', () => {
  const file = parseConfigFile('windrow.yaml', '# a job\nwindow: 1h\n\nbrokers: [a:1, b:2]\nfields:\n  seq: null\n')
  expect(file.problems).toEqual([])
  expect([...file.entries]).toEqual([
    ['window', { raw: '1h', place: 'windrow.yaml:2 window' }],
    ['brokers', { raw: ['a:1', 'b:2'], place: 'windrow.yaml:4 brokers' }],
    ['fields', { raw: { seq: null }, place: 'windrow.yaml:5 fields' }],
  ])
})

test('an anchor stands for its value', () => {
  const file = parseConfigFile('w.yaml', 'grace: &short 5m\ndeadline: *short\n')
  expect(file.entries.get('deadline')).toEqual({ raw: '5m', place: 'w.yaml:2 deadline' })
})

test.each(['', '# nothing but words\n'])('an empty file is valid and sets nothing', (text) => {
  expect(parseConfigFile('w.yaml', text)).toEqual({ path: 'w.yaml', entries: new Map(), isBroken: false, problems: [] })
})

test.each([
  ['job: a\nwindw: 1h\n', 'w.yaml:2 windw', 'there is no setting "windw"', 'Did you mean window?'],
  ['windowMs: 1\n', 'w.yaml:1 windowMs', 'there is no setting "windowMs"', 'Did you mean window?'],
  [
    'compression: x\n',
    'w.yaml:1 compression',
    'there is no setting "compression"',
    'See docs/reference/settings.md for all settings.',
  ],
  ['7: x\n', 'w.yaml:1 7', 'there is no setting "7"', 'See docs/reference/settings.md for all settings.'],
])('%j has an unknown key at %s', (text, place, problem, remedy) => {
  expect(parseConfigFile('w.yaml', text)).toMatchObject({ isBroken: false, problems: [{ place, problem, remedy }] })
})

test('all unknown keys are reported, and the known ones are kept', () => {
  const file = parseConfigFile('w.yaml', 'a: 1\nwindow: 1h\nb: 2\n')
  expect(file.problems.map((p) => p.place)).toEqual(['w.yaml:1 a', 'w.yaml:3 b'])
  expect([...file.entries.keys()]).toEqual(['window'])
})

test.each([
  ['job: [a\n', 'w.yaml:2', 'syntax'],
  ['job: a\njob: b\n', 'w.yaml:2', 'a key twice'],
  ['- job\n', 'w.yaml:1', 'a list'],
  ['just words\n', 'w.yaml:1', 'text'],
])('%j has a syntax error at %s: %s', (text, place) => {
  const file = parseConfigFile('w.yaml', text)
  expect(file).toMatchObject({ isBroken: true, problems: [{ place }] })
  expect(file.entries.size).toBe(0)
})
