/** The command line of `windrow gateway`: required settings, rejected settings, and output. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GatewayRequest, GatewaySummary, RunGateway } from '../../src/app/gateway/gateway.ts'
import { createGatewayCommand } from '../../src/cli/gateway.ts'
import { execute } from '../../src/cli/program.ts'
import { fakeCli, only } from './cli-context.ts'

const SUMMARY: GatewaySummary = { points: 1200, manifests: 3, answers: { 200: 12, 503: 1 }, seconds: 90 }
const COMPLETE = ['--brokers', 'k:9092', '--topic', 'vm']

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'windrow-gateway-'))
  writeFileSync(join(folder, 'tokens'), 'alpha 0123456789abcdef\n')
  writeFileSync(join(folder, 'broken'), 'alpha short\nbeta\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

async function gateway(flags: readonly string[], env = {}) {
  const cli = fakeCli(env)
  let request: GatewayRequest | null = null
  const serve: RunGateway = async (given, observer) => {
    request = given
    observer.listening('http://127.0.0.1:8080')
    observer.draining()
    return SUMMARY
  }
  const exitCode = await execute(only(createGatewayCommand(async () => serve)), ['gateway', ...flags], cli.context)
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr(), request: request as GatewayRequest | null }
}

test('on the loopback address only brokers and a topic are required, and no topic is created by default', async () => {
  const { exitCode, stdout, stderr, request } = await gateway(COMPLETE)
  expect(exitCode).toBe(0)
  expect(stderr).toContain('listening on http://127.0.0.1:8080, writing to vm\n')
  expect(stdout).toBe('taken     1,200 points and 3 manifests in 1 m 30 s\nanswered  13 requests: 200 12, 503 1\n')
  expect(request).toMatchObject({ clients: null, partitions: null, topics: { results: 'windrow-results' } })
  expect((await gateway([...COMPLETE, '--partitions', '4'])).request?.partitions).toBe(4)
})

test('with --json the last line is the summary', async () => {
  expect((await gateway([...COMPLETE, '--json'])).stdout).toBe(`${JSON.stringify(SUMMARY)}\n`)
})

test('results are read from the topic of the job, or from the named topic', async () => {
  expect((await gateway([...COMPLETE, '--job', 'fleet'])).request?.topics).toEqual({
    ...{ results: 'fleet-results', certificates: 'fleet-certificates' },
  })
  expect((await gateway([...COMPLETE, '--results', 'kafka:other'])).request?.topics.results).toBe('other')
})

test('a non-loopback address requires tokens, or a flag that disables them', async () => {
  const outside = [...COMPLETE, '--listen', '0.0.0.0:80']
  const refused = await gateway(outside)
  expect(refused).toMatchObject({ exitCode: 2, request: null })
  expect(refused.stderr).toContain('--listen: 0.0.0.0 is reachable from other machines, and no tokens are given')
  expect((await gateway([...outside, '--open-to-all'])).exitCode).toBe(0)
  const { request } = await gateway([...outside, '--tokens-file', join(folder, 'tokens')])
  expect(request?.clients?.map(({ name }) => name)).toEqual(['alpha'])
})

test('all problems are reported at once', async () => {
  const flags = ['--listen', 'nowhere', '--topic', 'no pe', '--results', 'file.ndjson', '--max-pending-bytes', '1MiB']
  const { exitCode, stderr } = await gateway([...flags, '--tokens-file', join(folder, 'broken')])
  expect(exitCode).toBe(2)
  for (const place of ['--listen', '--topic', '--brokers', '--results', '--max-pending-bytes']) {
    expect(stderr).toContain(`  ${place}: `)
  }
  expect(stderr).toMatch(/--tokens-file: .*line 1 gives alpha a token of fewer than 16 characters/)
  expect(stderr).toMatch(/--tokens-file: .*line 2 is not a name and a token/)
  expect(stderr).not.toContain('short')
})

test('a missing token file is an error', async () => {
  const { exitCode, stderr } = await gateway([...COMPLETE, '--tokens-file', join(folder, 'none')])
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining('ENOENT') as string })
})
