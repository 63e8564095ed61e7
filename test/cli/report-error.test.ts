import { expect, test } from 'vitest'
import { errorText } from '../../src/cli/report-error.ts'
import { ConfigurationError, WindrowError } from '../../src/errors/index.ts'

test('several problems are listed, each with its place and remedy', () => {
  const error = new ConfigurationError([
    { place: '--window', problem: '"1x" is not a duration', remedy: 'Give one.' },
    { place: 'w.yaml:3 jbo', problem: 'there is no setting "jbo"', remedy: 'Did you mean job?' },
  ])
  expect(errorText(error, false).split('\n')).toEqual([
    'windrow: CONFIGURATION: 2 problems',
    '  --window: "1x" is not a duration',
    '    remedy: Give one.',
    '  w.yaml:3 jbo: there is no setting "jbo"',
    '    remedy: Did you mean job?',
    '',
  ])
})

test('the cause is printed between message and remedy', () => {
  const cause = new Error('connect ECONNREFUSED 127.0.0.1:9092')
  const error = new WindrowError('no broker answers', { code: 'KAFKA_UNREACHABLE', remedy: 'Start one.', cause })
  expect(errorText(error, false).split('\n')).toEqual([
    'windrow: KAFKA_UNREACHABLE: no broker answers',
    '  cause: connect ECONNREFUSED 127.0.0.1:9092',
    '  remedy: Start one.',
    '',
  ])
})

test('a thrown value that is not an Error is printed', () => {
  expect(errorText('gone', false)).toMatch(/^windrow: UNEXPECTED: gone\n/)
})
