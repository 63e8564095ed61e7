/** How an error gets its disposition and remedy, and how it survives a thread or process boundary. */
import { expect, test } from 'vitest'
import { ERROR_CATALOG } from '../../src/errors/catalog.ts'
import { ConfigurationError, WindrowError } from '../../src/errors/index.ts'

test('disposition and remedy come from the catalog; a throw site may give a more specific remedy', () => {
  const { remedy } = ERROR_CATALOG.KAFKA_UNREACHABLE
  const error = new WindrowError('no broker answers', { code: 'KAFKA_UNREACHABLE' })
  expect(error).toMatchObject({ code: 'KAFKA_UNREACHABLE', disposition: 'retryable', remedy })
  const specific = new WindrowError('no broker answers', { code: 'KAFKA_UNREACHABLE', remedy: 'Start broker 3.' })
  expect(specific.remedy).toBe('Start broker 3.')
})

test('a reported error keeps the disposition that its reporter gave it', () => {
  const report = { code: 'PARTITION_LOST', message: 'taken over', remedy: 'None.', disposition: 'retryable' } as const
  expect(WindrowError.fromReport(report)).toMatchObject(report)
  expect(WindrowError.fromReport(report)).toBeInstanceOf(WindrowError)
})

test('a reported code of another version becomes UNEXPECTED and stays readable in the message', () => {
  const report = {
    code: 'FROM_THE_FUTURE',
    message: 'no quorum',
    remedy: 'Upgrade.',
    disposition: 'retryable',
  } as const
  expect(WindrowError.fromReport(report)).toMatchObject({
    ...{ code: 'UNEXPECTED', message: 'FROM_THE_FUTURE: no quorum', remedy: 'Upgrade.', disposition: 'retryable' },
  })
})

test('a configuration error lists every problem', () => {
  const problems = [
    { place: '--window', problem: '"1x" is not a duration', remedy: 'Use for example 5m.' },
    { place: 'windrow.yaml: grace', problem: 'is negative', remedy: 'Use 0s or more.' },
  ]
  const error = new ConfigurationError(problems)
  expect(error).toMatchObject({ code: 'CONFIGURATION', disposition: 'fatal', problems })
  expect(error.message.split('\n')).toHaveLength(2)
})
