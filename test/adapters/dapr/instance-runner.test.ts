/** Many instances end, each exactly once for its caller and within the concurrency limit, whatever the sidecar does. */
import type { WorkflowContext } from '@dapr/dapr'
import { describe, expect, it } from 'vitest'
import { createInstanceRunner } from '../../../src/adapters/dapr/instance-runner.ts'
import type { TaskHubClient } from '../../../src/adapters/dapr/task-hub-client.ts'
import { WindrowError } from '../../../src/errors/index.ts'
import { createGate, testClient, testSidecar, testWorker } from './support/sidecar.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

const ECHO = 'echo-v1'
const CALL = 'call-v1'

async function* echo(_: WorkflowContext, input: string) {
  return `echo of ${input}`
}

async function* call(context: WorkflowContext, input: string) {
  return (yield context.callActivity(CALL, input)) as string
}

const ids = (count: number) => Array.from({ length: count }, (_, i) => `id-${i}`)

describe('createInstanceRunner', () => {
  it('runs 300 instances to their end, with at most 48 of them in flight', async () => {
    const { grpcPort } = await testSidecar()
    await testWorker({ grpcPort, workflows: { [ECHO]: echo } }).ready
    const client = await testClient(grpcPort)
    const inFlight = countInFlight(client.hub)
    const runner = createInstanceRunner({ client: { ...client, hub: inFlight.hub } })

    const results = await Promise.all(ids(300).map((id) => runner.run(ECHO, id, `input of ${id}`)))
    expect(results).toEqual(ids(300).map((id) => ({ ok: true, output: `echo of input of ${id}` })))
    expect(inFlight.most()).toBe(48)
  })

  it('joins an instance that is already running, which runs once', async () => {
    const { grpcPort } = await testSidecar()
    const gate = createGate()
    let runs = 0
    const worker = testWorker({
      grpcPort,
      workflows: { [CALL]: call },
      activities: {
        [CALL]: async (_, input: string) => {
          runs++
          await gate.pass()
          return input
        },
      },
    })
    await worker.ready
    const runner = createInstanceRunner({ client: await testClient(grpcPort) })
    const first = runner.run(CALL, 'id', 'the one')
    await gate.arrived
    const second = runner.run(CALL, 'id', 'the one')
    gate.open()
    expect(await Promise.all([first, second])).toEqual([
      { ok: true, output: 'the one' },
      { ok: true, output: 'the one' },
    ])
    expect(runs).toBe(1)
  })

  it('returns a failed workflow as a value with its reason, and frees its slot', async () => {
    const { grpcPort } = await testSidecar()
    const workflows = {
      fails: async function* (): AsyncGenerator<never, string> {
        throw new RangeError('no such fold')
      },
      [ECHO]: echo,
    }
    await testWorker({ grpcPort, workflows }).ready
    const runner = createInstanceRunner({ client: await testClient(grpcPort), maxInFlight: 1 })
    const [failed, next] = await Promise.all([runner.run('fails', 'id-0', 'x'), runner.run(ECHO, 'id-1', 'x')])
    expect(failed).toEqual({ ok: false, reason: expect.stringContaining('no such fold') as string })
    expect(next).toEqual({ ok: true, output: 'echo of x' })
  })

  it('runs all instances to their end although the sidecar restarts and loses its workflows', async () => {
    const proxy = await startTcpProxy()
    const before = await testSidecar()
    proxy.target(before.grpcPort)
    let entered = 0
    const half = createGate()
    const worker = testWorker({
      grpcPort: proxy.port,
      workflows: { [CALL]: call },
      activities: {
        [CALL]: async (_, input: string) => {
          if (++entered === 60) half.open()
          return input
        },
      },
    })
    await worker.ready
    const runner = createInstanceRunner({ client: await testClient(proxy.port), maxInFlight: 16 })
    const all = Promise.all(ids(120).map((id) => runner.run(CALL, id, id)))

    await half.pass()
    await before.close()
    const after = await testSidecar(before.dataDir)
    proxy.target(after.grpcPort)
    expect(await all).toEqual(ids(120).map((id) => ({ ok: true, output: id })))
    await worker.event('connected', 2)
    await proxy.close()
  })

  it('fails with the error of the calls when the sidecar stays unreachable', async () => {
    const proxy = await startTcpProxy()
    await proxy.close()
    const runner = createInstanceRunner({ client: await testClient(proxy.port), giveUpAfterMs: 200 })
    await expect(runner.run(ECHO, 'id', 'x')).rejects.toMatchObject({
      code: 'WORKFLOW_ENGINE_UNAVAILABLE',
      disposition: 'retryable',
      cause: expect.any(Error) as Error,
    })
  })

  it('fails an instance that no worker picks up after its time limit', async () => {
    const hub: Partial<TaskHubClient> = {
      start: async () => 'started',
      waitForEnd: async () => ({ kind: 'running' }),
    }
    const client = { hub: hub as TaskHubClient, closed: new AbortController().signal }
    const runner = createInstanceRunner({ client, stalledAfterMs: 0 })
    await expect(runner.run(ECHO, 'id', 'x')).rejects.toMatchObject({
      code: 'INSTANCE_STALLED',
      disposition: 'retryable',
    })
  })

  it('rejects at once when the client is closed', async () => {
    const { grpcPort } = await testSidecar()
    const gate = createGate()
    const worker = testWorker({
      grpcPort,
      workflows: { [CALL]: call },
      activities: { [CALL]: () => gate.pass() },
    })
    await worker.ready
    const client = await testClient(grpcPort)
    const running = createInstanceRunner({ client }).run(CALL, 'id', 'x')
    await gate.arrived
    client.close()
    await expect(running).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    gate.open()
  })

  it('does not retry a call that cannot succeed', async () => {
    let calls = 0
    const refusal = new WindrowError('no', { code: 'SIDECAR_REFUSED', remedy: 'none' })
    const hub: Partial<TaskHubClient> = {
      start: async () => {
        calls++
        throw refusal
      },
    }
    const client = { hub: hub as TaskHubClient, closed: new AbortController().signal }
    await expect(createInstanceRunner({ client }).run(ECHO, 'id', 'x')).rejects.toBe(refusal)
    expect(calls).toBe(1)
  })
})

/** Counts instances from the answered start to the answered end. */
function countInFlight(hub: TaskHubClient) {
  let now = 0
  let most = 0
  const counting: TaskHubClient = {
    ...hub,
    start(...call) {
      most = Math.max(most, ++now)
      return hub.start(...call)
    },
    async waitForEnd(...call) {
      const status = await hub.waitForEnd(...call)
      now--
      return status
    },
  }
  return { hub: counting, most: () => most }
}
