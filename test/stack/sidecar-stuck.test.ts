/**
 * A daprd and its workflow actors: which actors it reports with and without a worker, that it exits on request, and that work
 * continues afterwards.
 */
import { expect, test, vi } from 'vitest'
import { actorsOf, shutDownSidecar } from '../../src/adapters/dapr/actor-watch.ts'
import { testClient, testWorker } from '../adapters/dapr/support/sidecar.ts'
import { createInstanceRunner } from '../../src/adapters/dapr/instance-runner.ts'
import { sharedStack } from './stacks.ts'

vi.setConfig({ testTimeout: 120_000 })

const stack = sharedStack()

const ECHO = 'echo-v1'
const workflows = {
  [ECHO]: async function* (_: unknown, input: string) {
    return input
  },
}

test('it has its actors while a worker is there, is seen to have lost them, and its successor has them again', async () => {
  const { name, ports } = await stack().startDaprd({ index: 3, appId: 'stuck' })
  const client = await testClient(ports.grpc)
  const run = (id: string) => createInstanceRunner({ client }).run(ECHO, id, id)
  await client.waitForSidecar()
  // No worker is connected.
  await vi.waitFor(async () => expect(await actorsOf(client)).toBe('missing'), { timeout: 30_000 })
  const worker = testWorker({ grpcPort: ports.grpc, workflows })
  await worker.ready
  await vi.waitFor(async () => expect(await actorsOf(client)).toBe('registered'), { timeout: 30_000 })
  expect(await run('before')).toEqual({ ok: true, output: 'before' })

  await shutDownSidecar(client)
  await worker.event('disconnected')
  await vi.waitFor(async () =>
    expect((await stack().status()).find(({ service }) => service === name)?.state).toBe('down'),
  )
  await stack().start(name)
  await worker.event('connected', 2)
  await vi.waitFor(async () => expect(await actorsOf(client)).toBe('registered'), { timeout: 30_000 })
  expect(await run('after')).toEqual({ ok: true, output: 'after' })
  expect(worker.events.filter(({ kind }) => kind === 'sidecar-stuck')).toEqual([])
})
