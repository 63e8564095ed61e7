/** Rules for a secured Kafka connection: valid combinations of settings, and the places where a secret is accepted. */
import { describe, expect, test } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.ts'
import { settings } from '../../src/config/names.ts'
import type { Config } from '../../src/config/settings.ts'
import { parseConfigFile } from '../../src/config/yaml-file.ts'
import { ConfigurationError, type ConfigurationProblem } from '../../src/errors/index.ts'

const KAFKA = { brokers: 'localhost:9092', topic: 'vm' }
const PASSWORD = { WINDROW_KAFKA_PASSWORD: 'open sesame' }
const USER = { kafkaSasl: 'scram-sha-512', kafkaUsername: 'me' }

const TOKEN = { kafkaSasl: 'oauthbearer', kafkaTls: true, kafkaTokenFile: 'token' }
const SERVER = {
  ...{ kafkaSasl: 'oauthbearer', kafkaTls: true, kafkaUsername: 'me', kafkaTokenUrl: 'https://login.example/token' },
}

function resolve(flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string>> = {}): Config {
  return resolveConfig({ flags: { ...KAFKA, ...flags }, env, file: null })
}

function problems(...of: Parameters<typeof resolve>): readonly ConfigurationProblem[] {
  try {
    resolve(...of)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

test('a TLS file turns TLS on; without one it is off by default', () => {
  expect(resolve({}).kafkaTls).toBe(false)
  expect(resolve({ kafkaCaFile: 'ca.pem' }).kafkaTls).toBe(true)
  expect(resolve({ kafkaTls: true })).toMatchObject({ kafkaTls: true, kafkaCaFile: null })
})

test.each([
  ['scram with a password from the environment', USER, PASSWORD],
  ['scram with a password from a file', { ...USER, kafkaPasswordFile: 'password' }, {}],
  ['plain over TLS', { ...USER, kafkaSasl: 'plain', kafkaTls: true }, PASSWORD],
  ['a certificate with its key', { kafkaCertFile: 'me.pem', kafkaKeyFile: 'me.key' }, {}],
  ['a password variable that is meant for other programs', {}, PASSWORD],
  ['a token from a file', TOKEN, {}],
  ['a token from a file, with a password variable that is meant for other programs', TOKEN, PASSWORD],
  ['a token from a server, by a secret', { ...SERVER, kafkaScope: 'kafka' }, PASSWORD],
  ['a token from a server, by a secret in a file', { ...SERVER, kafkaPasswordFile: 'p' }, {}],
  ['a token from a server, by an assertion', { ...SERVER, kafkaTokenFile: 'token' }, {}],
  ['a server on this machine', { ...SERVER, kafkaTokenUrl: 'http://127.0.0.1:9/token' }, PASSWORD],
])('%s is accepted', (_, flags, env) => {
  expect(problems(flags, env)).toEqual([])
})

test.each([
  ['a mechanism alone', { kafkaSasl: 'scram-sha-256' }, {}, ['no user name is given', 'no password is given']],
  ['two passwords', { ...USER, kafkaPasswordFile: 'p' }, PASSWORD, ['WINDROW_KAFKA_PASSWORD is given too']],
  ['a user without a mechanism', { kafkaUsername: 'me' }, {}, ['no mechanism is given']],
  ['plain in clear', { ...USER, kafkaSasl: 'plain' }, PASSWORD, ['plain would send the password unencrypted']],
  ['a certificate alone', { kafkaCertFile: 'me.pem' }, {}, ['a certificate is given without its key']],
  ['a key alone', { kafkaKeyFile: 'me.key' }, {}, ['a key is given without its certificate']],
  ['a token from nowhere', { kafkaSasl: 'oauthbearer', kafkaTls: true }, {}, ['no source of tokens is given']],
  ['a token in clear', { ...TOKEN, kafkaTls: false }, {}, ['oauthbearer would send the token unencrypted']],
  [
    'a token for another mechanism',
    { ...USER, kafkaTokenFile: 't' },
    PASSWORD,
    ['tokens are for the mechanism oauthbearer'],
  ],
  ['a scope without a server', { ...TOKEN, kafkaScope: 'kafka' }, {}, ['there is no token server to use it with']],
  ['a server alone', { ...SERVER, kafkaUsername: null }, {}, ['no client id is given', 'no credential is given']],
  ['two proofs', { ...SERVER, kafkaTokenFile: 't' }, PASSWORD, ['more than one credential is given']],
  [
    'a server without TLS',
    { ...SERVER, kafkaTokenUrl: 'http://login.example/token' },
    PASSWORD,
    [/^"http.*does not fit$/],
  ],
  ['TLS turned off', { kafkaTls: false, kafkaCaFile: 'ca.pem' }, {}, ['it requires TLS, which is off']],
])('%s is refused', (_, flags, env, expected) => {
  const found = problems(flags, env)
  expect(found.map(({ problem }) => problem)).toEqual(expected.map((one) => expect.stringMatching(one) as string))
  for (const { place, remedy } of found) expect([place, remedy]).not.toContain('')
})

describe('secrets', () => {
  const secrets = settings.filter(({ meta }) => meta.isSecret === true)

  test('are the password of Kafka and the token of Dapr', () => {
    expect(secrets.map(({ env }) => env)).toEqual([
      ['WINDROW_KAFKA_PASSWORD'],
      ['WINDROW_DAPR_API_TOKEN', 'DAPR_API_TOKEN'],
    ])
  })

  test.each(secrets.map((setting) => [setting.name, setting] as const))('%s has no flag', (name, { flag }) => {
    expect(flag).toBeNull()
    // Even if a parser returned a value under that name.
    expect(resolve({ [name]: 'open sesame' })).toMatchObject({ [name]: null })
  })

  test.each(secrets.map(({ name }) => name))('%s in a settings file is rejected and not shown', (name) => {
    const { problems: found } = parseConfigFile('windrow.yaml', `topic: vm\n${name}: open sesame\n`)
    expect(found).toMatchObject([{ place: `windrow.yaml:2 ${name}` }])
    expect(JSON.stringify(found)).not.toContain('sesame')
  })

  test('an invalid secret is reported without its value', () => {
    const found = problems(USER, { WINDROW_KAFKA_PASSWORD: 'open\nsesame' })
    expect(found).toMatchObject([{ place: 'WINDROW_KAFKA_PASSWORD', problem: 'it is not a single line of text' }])
  })
})
