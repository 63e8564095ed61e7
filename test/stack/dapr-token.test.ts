/**
 * A daprd that asks for its API token (`DAPR_API_TOKEN`, header `dapr-api-token`): a run that has it does its work, by state and by
 * workflows; one without it, or with another, is refused and says so. The token is in nothing that is said.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fleetLines } from '../support/fleet-lines.ts'
import { summaryOf, type Ended } from '../support/windrow-process.ts'
import {
  brokersOf,
  createTopic,
  exactOf,
  expectExact,
  fresh,
  produce,
  resultsOf,
  stackForTests,
  startCommand,
} from './run-support.ts'

const TOKEN = 'a-token-of-dapr_4711'
const WINDOW_MS = 60_000
const FLEET = { vms: 5, windows: 3, windowMs: WINDOW_MS, pointsPerWindow: 4, seed: 5 }
const topic = fresh('token')
const said: string[] = []
let grpcPort: string

const stack = stackForTests()

beforeAll(async () => {
  const before = process.env['DAPR_API_TOKEN']
  // As its supervisor gives it: what is started here inherits it.
  process.env['DAPR_API_TOKEN'] = TOKEN
  try {
    const { ports } = await stack().startDaprd({ index: 4, appId: 'windrow-token' })
    grpcPort = String(ports.grpc)
  } finally {
    if (before === undefined) delete process.env['DAPR_API_TOKEN']
    else process.env['DAPR_API_TOKEN'] = before
  }
  await createTopic(stack(), topic, 2)
  await produce(stack(), topic, fleetLines(FLEET))
})
afterAll(() => {
  const all = said.join('\n')
  expect(all).toContain('"level":10')
  for (const form of [TOKEN, Buffer.from(TOKEN).toString('base64')]) expect(all).not.toContain(form)
})

async function run(job: string, token: string | undefined): Promise<Ended> {
  const ended = await startCommand(
    [
      ...['run', '--source', 'kafka', '--brokers', brokersOf(stack()), '--topic', topic, '--job', job],
      ...['--window', '1m', '--sidecar', 'dapr', '--once', '--json', '--log-level', 'trace'],
    ],
    { DAPR_GRPC_PORT: grpcPort, DAPR_API_TOKEN: token, WINDROW_DEBUG: '1' },
  ).ended
  said.push(ended.stdout, ended.stderr)
  return ended
}

describe('a daprd with a token', () => {
  it('does the work of a run that gives it', async () => {
    const job = fresh('token')
    const ended = await run(job, TOKEN)
    expect(ended.code, ended.stderr.slice(-3000)).toBe(0)
    expect(summaryOf(ended).vmWindows).toBe(FLEET.vms * FLEET.windows)
    expectExact(await resultsOf(stack(), job), exactOf(fleetLines(FLEET), WINDOW_MS))
  })

  it.each([
    ['none', undefined],
    ['another one', `not-${TOKEN}`],
  ])('refuses a run with %s, which exits with the reason at once', async (_, token) => {
    const { code, stderr } = await run(fresh('token'), token)
    expect({ code, said: stderr }).toMatchObject({
      code: 1,
      said: expect.stringContaining('windrow: SIDECAR_REFUSED') as string,
    })
    expect(stderr).toContain('DAPR_API_TOKEN')
  })

  it('shows the status of a job to a caller with the token', async () => {
    const job = fresh('token')
    expect((await run(job, TOKEN)).code).toBe(0)
    const args = ['status', '--sidecar', 'dapr', '--job', job, '--json']
    const asked = await startCommand(args, { DAPR_GRPC_PORT: grpcPort, DAPR_API_TOKEN: TOKEN }).ended
    expect(asked.code, asked.stderr).toBe(0)
    expect(JSON.parse(asked.stdout)).toMatchObject({ job })
  })
})
