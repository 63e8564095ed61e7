/** Maps settings to the options of kafkajs. test/stack shows that a real broker accepts them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { kafkaConnectionOf } from '../../src/config/kafka-connection.ts'
import type { KafkaSettings } from '../../src/config/kafka-rules.ts'
import { ConfigurationError } from '../../src/errors/index.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'windrow-connection-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const PLAIN: KafkaSettings = {
  ...{ brokers: ['localhost:9092'], kafkaTls: false, kafkaCaFile: null, kafkaCertFile: null, kafkaKeyFile: null },
  ...{ kafkaSasl: null, kafkaUsername: null, kafkaPassword: null, kafkaPasswordFile: null },
  ...{ kafkaTokenFile: null, kafkaTokenUrl: null, kafkaScope: null },
}

const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('without security settings neither TLS nor SASL is used', () => {
  expect(kafkaConnectionOf({ ...PLAIN, kafkaPassword: 'unused' }, 'me')).toEqual({
    brokers: ['localhost:9092'],
    clientId: 'me',
  })
})

test('TLS without files uses the trusted certificates of Node.js', () => {
  expect(kafkaConnectionOf({ ...PLAIN, kafkaTls: true }, 'me').ssl).toEqual({})
})

test('certificates and key are read from their files', () => {
  const files = {
    kafkaCaFile: fileOf('ca.pem', 'CA'),
    kafkaCertFile: fileOf('me.pem', 'CERT'),
    kafkaKeyFile: fileOf('me.key', 'KEY'),
  }
  const { ssl } = kafkaConnectionOf({ ...PLAIN, kafkaTls: true, ...files }, 'me')
  expect(ssl).toEqual({ ca: ['CA'], cert: 'CERT', key: 'KEY' })
})

test.each(['open sesame', 'open sesame\n', 'open sesame\r\nnot this\n'])(
  'the password is the first line of its file: %j',
  (text) => {
    const user = { kafkaSasl: 'scram-sha-256', kafkaUsername: 'me' } as const
    const { sasl } = kafkaConnectionOf({ ...PLAIN, ...user, kafkaPasswordFile: fileOf('password', text) }, 'me')
    expect(sasl).toEqual({ mechanism: 'scram-sha-256', username: 'me', password: 'open sesame' })
  },
)

test('all files that cannot be read are reported at once', () => {
  const missing = { kafkaCaFile: join(folder, 'no-ca'), kafkaPasswordFile: join(folder, 'no-password') }
  try {
    kafkaConnectionOf({ ...PLAIN, kafkaTls: true, ...missing }, 'me')
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as ConfigurationError).problems).toMatchObject([
      { place: 'kafkaCaFile', problem: expect.stringContaining('no-ca') as string },
      { place: 'kafkaPasswordFile', problem: expect.stringContaining('no-password') as string },
    ])
  }
})
