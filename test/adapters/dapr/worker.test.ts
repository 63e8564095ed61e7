/** A worker survives a sidecar that starts late, restarts or cuts its connection; when it cannot, it reports an error. */
import type { WorkflowContext } from '@dapr/dapr'
import { ConsoleLoggerService } from '@dapr/dapr'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createInstanceRunner } from '../../../src/adapters/dapr/instance-runner.ts'
import { createGate, testClient, testSidecar, testWorker } from './support/sidecar.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

const ECHO = 'echo-v1'
const CALL = 'call-v1'

const workflows = {
  [ECHO]: async function* (_: WorkflowContext, input: string) {
    return input
  },
  [CALL]: async function* (context: WorkflowContext, input: string) {
    return (yield context.callActivity(CALL, input)) as string
  },
}

const run = async (grpcPort: number, name: string, id: string) =>
  createInstanceRunner({ client: await testClient(grpcPort) }).run(name, id, id)

afterEach(() => vi.restoreAllMocks())

describe('a workflow worker', () => {
  it('waits for a sidecar that starts after it, then executes work', async () => {
    const proxy = await startTcpProxy()
    const worker = testWorker({ grpcPort: proxy.port, workflows })
    expect((await worker.event('waiting')).cause).toBeInstanceOf(Error)
    await worker.event('waiting', 3)
    const sidecar = await testSidecar()
    proxy.target(sidecar.grpcPort)
    await worker.ready
    expect(worker.events.at(-1)).toEqual({ kind: 'connected' })
    expect(await run(sidecar.grpcPort, ECHO, 'id')).toEqual({ ok: true, output: 'id' })
    await proxy.close()
  })

  it('notices that the sidecar stopped, and continues with the restarted one', async () => {
    const proxy = await startTcpProxy()
    const before = await testSidecar()
    proxy.target(before.grpcPort)
    const worker = testWorker({ grpcPort: proxy.port, workflows })
    await worker.ready
    expect(await run(proxy.port, ECHO, 'before')).toEqual({ ok: true, output: 'before' })

    await before.close()
    expect((await worker.event('disconnected')).cause).toBeInstanceOf(Error)
    proxy.target((await testSidecar(before.dataDir)).grpcPort)
    await worker.event('connected', 2)
    expect(await run(proxy.port, ECHO, 'after')).toEqual({ ok: true, output: 'after' })
    await proxy.close()
  })

  it('repeats the work that was running when its connection was cut', async () => {
    const proxy = await startTcpProxy()
    const sidecar = await testSidecar()
    proxy.target(sidecar.grpcPort)
    const gate = createGate()
    let runs = 0
    const worker = testWorker({
      grpcPort: proxy.port,
      workflows,
      activities: {
        [CALL]: async (_, input: string) => {
          if (++runs === 1) await gate.pass()
          return input
        },
      },
    })
    await worker.ready
    const result = run(sidecar.grpcPort, CALL, 'id')
    await gate.arrived
    proxy.cut()
    await worker.event('disconnected')
    expect(await result).toEqual({ ok: true, output: 'id' })
    expect(runs).toBe(2)
    gate.open()
    await proxy.close()
  })

  it('reconnects after every one of many cuts, and all instances complete', async () => {
    const proxy = await startTcpProxy()
    const sidecar = await testSidecar()
    proxy.target(sidecar.grpcPort)
    const worker = testWorker({ grpcPort: proxy.port, workflows })
    const runner = createInstanceRunner({ client: await testClient(sidecar.grpcPort) })
    for (let round = 1; round <= 4; round++) {
      await worker.event('connected', round)
      const batch = Promise.all(Array.from({ length: 40 }, (_, i) => runner.run(ECHO, `id-${round}-${i}`, `${i}`)))
      proxy.cut()
      expect((await batch).every((result) => result.ok)).toBe(true)
    }
    await proxy.close()
  })

  it('runs more activities at once than the SDK limit of ten, and loses none of a burst', async () => {
    const { grpcPort } = await testSidecar()
    const gate = createGate()
    let inside = 0
    const all = createGate()
    const worker = testWorker({
      grpcPort,
      workflows: {
        many: async function* (context: WorkflowContext) {
          const calls = Array.from({ length: 150 }, (_, i) => context.callActivity(CALL, `${i}`))
          return ((yield context.whenAll(calls)) as string[]).join()
        },
      },
      activities: {
        [CALL]: async (_, input: string) => {
          if (++inside === 10) all.open()
          await gate.pass()
          return input
        },
      },
      maxConcurrent: 20,
    })
    await worker.ready
    const result = run(grpcPort, 'many', 'id')
    await all.pass()
    gate.open()
    expect(await result).toEqual({ ok: true, output: Array.from({ length: 150 }, (_, i) => `${i}`).join() })
  })

  it('opens a new stream when work is reported as stalled, but does not replace a young stream', async () => {
    const sidecar = await testSidecar()
    const worker = testWorker({ grpcPort: sidecar.grpcPort, workflows, renewedAfterMs: 0 })
    await worker.ready
    const cause = new Error('nothing moves')
    worker.renew(cause)
    expect((await worker.event('disconnected')).cause).toBe(cause)
    await worker.event('connected', 2)
    expect(await run(sidecar.grpcPort, ECHO, 'id')).toEqual({ ok: true, output: 'id' })

    const young = testWorker({ grpcPort: sidecar.grpcPort, workflows })
    await young.ready
    young.renew(cause)
    expect(await run(sidecar.grpcPort, ECHO, 'other')).toEqual({ ok: true, output: 'other' })
    expect(young.events.map(({ kind }) => kind)).toEqual(['connected'])
  })

  it('fails with an error when no sidecar starts within the time limit', async () => {
    const proxy = await startTcpProxy()
    const worker = testWorker({ grpcPort: proxy.port, workflows, giveUpAfterMs: 300 })
    const expected = {
      code: 'SIDECAR_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${proxy.port}`) as string,
    }
    await expect(worker.failed).rejects.toMatchObject(expected)
    await expect(worker.ready).rejects.toMatchObject(expected)
    expect(await worker.event('gave-up')).toMatchObject({ error: expected })
    await proxy.close()
  })

  it('fails when the sidecar answers but never keeps the stream open', async () => {
    const sidecar = await testSidecar()
    const proxy = await startTcpProxy()
    proxy.target(sidecar.grpcPort)
    const worker = testWorker({ grpcPort: proxy.port, workflows, giveUpAfterMs: 500 })
    const cutting = (async () => {
      for (let nth = 1; ; nth++) {
        await worker.event('connected', nth)
        proxy.cut()
      }
    })()
    await expect(Promise.race([worker.failed, cutting])).rejects.toMatchObject({
      code: expect.stringMatching(/^(WORKER_LOST|SIDECAR_UNREACHABLE)$/) as string,
      disposition: 'fatal',
    })
    expect(worker.events.filter((event) => event.kind === 'disconnected').length).toBeGreaterThan(1)
    await proxy.close()
  })

  it('ends at once and is not ready when it is stopped while it waits', async () => {
    const proxy = await startTcpProxy()
    const worker = testWorker({ grpcPort: proxy.port, workflows })
    await worker.event('waiting')
    await worker.stop()
    await expect(worker.ready).rejects.toMatchObject({ code: 'WORKER_STOPPED' })
    expect(worker.events.some((event) => event.kind === 'gave-up')).toBe(false)
    await proxy.close()
  })

  it('finishes running work when it is stopped, and does not reconnect', async () => {
    const { grpcPort } = await testSidecar()
    const gate = createGate()
    let ended = false
    const worker = testWorker({
      grpcPort,
      workflows,
      activities: {
        [CALL]: async () => {
          await gate.pass()
          ended = true
          return 'done'
        },
      },
    })
    await worker.ready
    const client = await testClient(grpcPort)
    await client.hub.start(CALL, 'id', 'x')
    await gate.arrived
    const stopped = worker.stop()
    gate.open()
    await stopped
    expect(ended).toBe(true)
    expect(worker.events.map((event) => event.kind)).toEqual(['connected'])
  })

  it('silences the log lines of the SDK on the console, and no others', async () => {
    const lines: string[] = []
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((line: unknown) => void lines.push(String(line)))
    }
    const { grpcPort } = await testSidecar()
    const worker = testWorker({
      grpcPort,
      workflows,
      activities: {
        [CALL]: () => {
          console.info('the application speaks')
          new ConsoleLoggerService().info('[Other, Part] of the SDK')
          throw new Error('activity fails')
        },
      },
    })
    await worker.ready
    expect(await run(grpcPort, CALL, 'id')).toMatchObject({ ok: false })
    await worker.stop()
    expect(lines).toEqual(['the application speaks', expect.stringContaining('[Other, Part] of the SDK')])
    expect(worker.events).toContainEqual(expect.objectContaining({ kind: 'log', level: 'error' }))

    new ConsoleLoggerService().info('[DurableTask, OrchestrationExecutor] after the last worker')
    expect(lines.at(-1)).toContain('after the last worker')
  })
})
