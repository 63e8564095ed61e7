/**
 * A broker that asks who one is: SASL over TLS by password and by token, and TLS with certificates of clients. Every command that
 * speaks to Kafka gets through with the settings for it, none without, and no password and no token is in anything that they say.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { JobStatus } from '../../src/app/status/status.ts'
import { startBroker, type Broker } from '../../src/dev/stack/index.ts'
import { fleetLines } from '../support/fleet-lines.ts'
import { start, summaryOf, type Ended } from '../support/windrow-process.ts'
import { createAuthority, type Authority, type Signed } from './certificates.ts'
import { logging, type LoggedRun } from './logged-run.ts'
import { freePortBase } from './stacks.ts'
import { startTokenServer, timesOf, unsecuredToken, type TokenServer } from './token-server.ts'

vi.setConfig({ testTimeout: 300_000 })

const USER = 'windrow'
const PASSWORD = 'open-sesame_4711'
const ASSERTION = 'who.i-am.really'
const SCOPE = 'kafka/.default'
/** kafkajs asks for a new one when ten seconds are left. */
const TOKEN_SECONDS = 12
const FLEET = { vms: 6, windows: 3, windowMs: 60_000, pointsPerWindow: 5, seed: 3 }
const MANIFESTS = FLEET.vms * FLEET.windows
const POINTS = MANIFESTS * FLEET.pointsPerWindow

let folder: string
let broker: Broker
let authority: Authority
let client: Signed
let saslAddress: string
let tlsAddress: string
let tokens: TokenServer
const said: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-secure-'))
  authority = createAuthority(folder, 'authority')
  const server = authority.sign('broker', '127.0.0.1')
  client = authority.sign('client')
  writeFileSync(join(folder, 'points.ndjson'), fleetLines(FLEET).join('\n'))
  writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'assertion'), `${ASSERTION}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'token'), unsecuredToken(USER, 3600), { mode: 0o600 })
  writeFileSync(join(folder, 'expired'), unsecuredToken(USER, -60), { mode: 0o600 })
  tokens = await startTokenServer({
    ...{ clientId: USER, secret: PASSWORD, assertion: ASSERTION, scope: SCOPE, livesSeconds: TOKEN_SECONDS },
  })
  const base = await freePortBase()
  const [port, controllerPort, sasl, tls] = [base + 2, base + 3, base + 4, base + 5]
  saslAddress = `127.0.0.1:${sasl}`
  tlsAddress = `127.0.0.1:${tls}`
  const login = (mechanism: string, jaas: string): string =>
    `listener.name.sasl_ssl.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${jaas} required`
  broker = await startBroker({
    ...{ dataDir: join(folder, 'kafka'), port, controllerPort, scramUsers: { [USER]: PASSWORD } },
    properties: [
      `listeners=PLAINTEXT://127.0.0.1:${port},SASL_SSL://${saslAddress},SSL://${tlsAddress},CONTROLLER://127.0.0.1:${controllerPort}`,
      `advertised.listeners=PLAINTEXT://127.0.0.1:${port},SASL_SSL://${saslAddress},SSL://${tlsAddress}`,
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT',
      ...['ssl.keystore.type=PEM', `ssl.keystore.location=${server.both}`],
      ...['ssl.truststore.type=PEM', `ssl.truststore.location=${authority.ca}`],
      'listener.name.ssl.ssl.client.auth=required',
      'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      `${login('plain', 'plain.PlainLoginModule')} user_${USER}="${PASSWORD}";`,
      `${login('scram-sha-256', 'scram.ScramLoginModule')};`,
      `${login('scram-sha-512', 'scram.ScramLoginModule')};`,
      `${login('oauthbearer', 'oauthbearer.OAuthBearerLoginModule')} unsecuredLoginStringClaim_sub="broker";`,
      // Connections end with the token that they began with, unless another is shown in time.
      'listener.name.sasl_ssl.oauthbearer.connections.max.reauth.ms=3600000',
    ],
  })
})

afterAll(async () => {
  await broker?.stop()
  await tokens?.close()
  rmSync(folder, { recursive: true, force: true })
})

const running = new Set<LoggedRun>()
afterEach(async () => {
  for (const one of running) {
    one.child.kill('SIGKILL')
    await one.ended
  }
  running.clear()
})

function begin(args: readonly string[], env: NodeJS.ProcessEnv): LoggedRun {
  // As loud as it gets: stacks of errors too.
  const started = logging(start(args, { WINDROW_LOG_LEVEL: 'trace', WINDROW_DEBUG: '1', ...env }))
  running.add(started)
  void started.ended.then(({ stdout, stderr }) => said.push(stdout, stderr))
  return started
}

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> => begin(args, env).ended

async function runWell(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const ended = await run(args, env)
  expect(ended.code, `${args.join(' ')}: ${ended.stderr.slice(-3000)}`).toBe(0)
  return ended
}

interface Way {
  readonly name: string
  readonly address: () => string
  readonly flags: () => readonly string[]
  readonly env: () => NodeJS.ProcessEnv
}

const sasl = (mechanism: string): readonly string[] => [
  ...['--kafka-ca-file', authority.ca, '--kafka-sasl', mechanism, '--kafka-username', USER],
]
const fromEnv = { WINDROW_KAFKA_PASSWORD: PASSWORD }

const token = (...more: readonly string[]): readonly string[] => [
  ...['--kafka-ca-file', authority.ca, '--kafka-sasl', 'oauthbearer', ...more],
]
const fromServer = (...more: readonly string[]): readonly string[] =>
  token('--kafka-token-url', tokens.url, '--kafka-username', USER, '--kafka-scope', SCOPE, ...more)

const WAYS: readonly Way[] = [
  {
    name: 'token_file',
    address: () => saslAddress,
    flags: () => token('--kafka-token-file', join(folder, 'token')),
    env: () => ({}),
  },
  {
    name: 'token_assertion',
    address: () => saslAddress,
    flags: () => fromServer('--kafka-token-file', join(folder, 'assertion')),
    env: () => ({}),
  },
  { name: 'scram_512', address: () => saslAddress, flags: () => sasl('scram-sha-512'), env: () => fromEnv },
  {
    name: 'scram_256_file',
    address: () => saslAddress,
    flags: () => [...sasl('scram-sha-256'), '--kafka-password-file', join(folder, 'password')],
    env: () => ({}),
  },
  { name: 'plain', address: () => saslAddress, flags: () => sasl('plain'), env: () => fromEnv },
  {
    name: 'certificate',
    address: () => tlsAddress,
    flags: () => ['--kafka-ca-file', authority.ca, '--kafka-cert-file', client.cert, '--kafka-key-file', client.key],
    env: () => ({}),
  },
]

it.each(WAYS)('by $name every command gets through', async ({ name, address, flags, env }) => {
  const kafka = ['--brokers', address(), ...flags()]
  const input = join(folder, 'points.ndjson')
  const dataDir = join(folder, name)
  const job = ['--job', name, '--data-dir', dataDir]
  const source = ['--source', 'kafka', ...kafka, '--topic', name, '--window', '1m']

  const produce = ['produce', '--input', input, '--topic', name, '--partitions', '2', ...kafka, '--json']
  const produced = JSON.parse((await runWell(produce, env())).stdout) as { points: number }
  expect(produced.points).toBe(POINTS)

  const tokens = ['--listen', '127.0.0.1:0', '--window', '1m']
  const gateway = begin(['gateway', ...kafka, '--topic', name, ...tokens, '--job', name], env())
  const { url } = await gateway.logged(({ msg }) => msg === 'listening')
  const copy = fleetLines(FLEET).find((line) => !line.startsWith('{"manifest"')) ?? ''
  // Ready once Kafka has let it in.
  await vi.waitFor(async () => expect((await fetch(`${String(url)}/readyz`)).status).toBe(200), { timeout: 60_000 })
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${String(url)}/v1/points`, { method: 'POST', headers, body: copy })
  expect(await answer.json()).toEqual({ taken: 1 })
  gateway.child.kill('SIGTERM')
  expect((await gateway.ended).code).toBe(0)

  const summary = summaryOf(await runWell(['run', ...source, ...job, '--once', '--json'], env()))
  expect(summary.points).toMatchObject({ accepted: POINTS, duplicate: 1, rejected: 0 })
  expect(summary.vmWindows).toBe(MANIFESTS)

  const verified = await runWell(['verify', ...source, ...job, '--json'], env())
  expect(JSON.parse(verified.stdout)).toMatchObject({ differenceCount: 0 })
  const status = await runWell(['status', ...job, ...kafka, '--json'], env())
  const { lagProblem, partitions } = JSON.parse(status.stdout) as JobStatus
  expect([lagProblem, ...partitions.map(({ lag }) => lag)]).toEqual([null, 0, 0])
  await runWell(['replay', ...source, ...job, '--from', 'beginning', '--into', `re_${name}`, '--json'], env())
  await runWell(['dead-letters', 'list', ...job, ...kafka, '--dead-letters', `kafka:${name}-dead-letters`], env())
})

it('a run outlives its tokens, and no connection ends with one of them', async () => {
  const kafka = ['--brokers', saslAddress, ...fromServer()]
  const topic = ['--topic', 'outlived', '--window', '1m']
  const [first, rest] = [fleetLines(FLEET).slice(0, 40), fleetLines(FLEET).slice(40)]
  const produce = async (name: string, lines: readonly string[]): Promise<void> => {
    const input = join(folder, `${name}.ndjson`)
    writeFileSync(input, lines.join('\n'))
    await runWell(['produce', '--input', input, '--topic', 'outlived', '--partitions', '2', ...kafka], fromEnv)
  }
  await produce('first', first)
  // No deadline passes: the windows close by their records, the first one once a quorum of VMs has passed its end.
  const closing = ['--grace', '0s', '--deadline', '10000d']
  const job = ['--job', 'outlived', '--data-dir', join(folder, 'outlived'), ...closing, '--json']
  const live = begin(['run', '--source', 'kafka', ...kafka, ...topic, ...job], fromEnv)
  await live.logged(({ msg }) => msg === 'caught-up')
  // Waits for a token that was requested after all earlier ones had expired.
  const over = Math.max(...tokens.given.map((one) => timesOf(one).exp))
  await vi.waitFor(() => expect(timesOf(tokens.given.at(-1) ?? '').iat).toBeGreaterThan(over), { timeout: 120_000 })
  await produce('rest', rest)
  // The second window is complete with the rest only.
  await live.logged(({ msg, window }) => msg === 'published' && window === new Date(FLEET.windowMs).toISOString())
  live.child.kill('SIGTERM')
  const ended = await live.ended
  expect(ended.code, ended.stderr.slice(-3000)).toBe(0)
  expect(ended.stderr).not.toMatch(/"msg":"retry"|KAFKA_UNREACHABLE|"level":50/)
})

describe('the broker rejects', () => {
  const produce = (address: string, flags: readonly string[], env: NodeJS.ProcessEnv) =>
    run(['produce', '--input', join(folder, 'points.ndjson'), '--topic', 'none', '--brokers', address, ...flags], env)

  it('a client with a wrong password, which the broker rejects and the client does not retry for long', async () => {
    const { code, stderr } = await produce(saslAddress, sasl('scram-sha-512'), {
      WINDROW_KAFKA_PASSWORD: `not-${PASSWORD}`,
    })
    expect({ code, said: stderr }).toMatchObject({ code: 1, said: expect.stringContaining('KAFKA_DENIED') as string })
  })

  it('a client that does not trust the certificate authority of the broker', async () => {
    const other = createAuthority(folder, 'another')
    const flags = ['--kafka-ca-file', other.ca, '--kafka-sasl', 'plain', '--kafka-username', USER]
    const { code, stderr } = await produce(saslAddress, flags, fromEnv)
    expect({ code, said: stderr }).toMatchObject({ code: 1, said: expect.stringContaining('KAFKA_TLS') as string })
  })

  it('a client without a certificate at a listener that requires one', async () => {
    const { code, stderr } = await produce(tlsAddress, ['--kafka-ca-file', authority.ca], {})
    expect(code).toBe(1)
    expect(stderr).toMatch(/windrow: KAFKA_(TLS|UNREACHABLE)/)
  })

  it('a client with an expired token, which the broker reports', async () => {
    const { code, stderr } = await produce(saslAddress, token('--kafka-token-file', join(folder, 'expired')), {})
    expect({ code, said: stderr }).toMatchObject({ code: 1, said: expect.stringContaining('KAFKA_DENIED') as string })
    expect(stderr).toContain('invalid_token')
  })

  it('a client that the token server does not know', async () => {
    const { code, stderr } = await produce(saslAddress, fromServer(), { WINDROW_KAFKA_PASSWORD: `not-${PASSWORD}` })
    expect({ code, said: stderr }).toMatchObject({
      code: 1,
      said: expect.stringContaining('KAFKA_TOKEN_REFUSED') as string,
    })
    expect(stderr).toContain('400 invalid_client')
  })

  it('a password file that is not there, which is bad usage', async () => {
    const flags = [...sasl('plain'), '--kafka-password-file', join(folder, 'none')]
    const { code, stderr } = await produce(saslAddress, flags, {})
    expect({ code, said: stderr }).toMatchObject({
      code: 2,
      said: expect.stringContaining('kafkaPasswordFile') as string,
    })
  })
})

it('no password and no token is in anything that was said, however it is written', () => {
  expect(said.length).toBeGreaterThan(40)
  const all = said.join('\n')
  expect(all).toContain('"level":10')
  const forms = [PASSWORD, Buffer.from(PASSWORD).toString('base64'), Buffer.from(PASSWORD).toString('hex')]
  // What PLAIN sends: user and password with zeros in between.
  forms.push(Buffer.from(`\0${USER}\0${PASSWORD}`).toString('base64'))
  forms.push(ASSERTION, ...tokens.given, readFileSync(join(folder, 'token'), 'utf8'))
  for (const form of forms) expect(all).not.toContain(form)
  expect(readFileSync(join(folder, 'password'), 'utf8')).toContain(PASSWORD)
})
