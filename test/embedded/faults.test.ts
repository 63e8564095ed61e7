/** Injected faults affect the chosen calls with the documented effect; workflows survive every fault that daprd may cause. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommunicationProtocolEnum, DaprClient, StateConcurrencyEnum, StateConsistencyEnum } from '@dapr/dapr'
import type { WorkflowContext } from '@dapr/dapr'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { FaultInjector } from '../../src/embedded/faults.ts'
import { startEmbeddedSidecar } from '../../src/embedded/index.ts'
import type { FaultRule } from '../../src/embedded/index.ts'
import { ended, workflowClient } from '../conformance/client.ts'
import { startWorker } from '../conformance/worker.ts'
import type { Steps } from '../conformance/workflows.ts'

const UNAVAILABLE = 14
const INSERT_ONLY = {
  concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
  consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
}

beforeEach(() => {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation(() => undefined)
  }
})

async function sidecarWith(...rules: FaultRule[]) {
  const dataDir = await mkdtemp(join(tmpdir(), 'windrow-faults-'))
  const sidecar = await startEmbeddedSidecar({ dataDir, inThread: false, faults: { seed: 7, rules } })
  const state = new DaprClient({
    daprHost: '127.0.0.1',
    daprPort: String(sidecar.grpcPort),
    communicationProtocol: CommunicationProtocolEnum.GRPC,
  })
  const workflows = workflowClient(sidecar.grpcPort)
  onTestFinished(async () => {
    await workflows.stop()
    await sidecar.close()
    await rm(dataDir, { recursive: true })
  })
  return { sidecar, state: state.state, workflows }
}

/** A workflow of three steps, and how often each step ran. */
async function threeSteps(grpcPort: number) {
  const runs = new Map<string, number>()
  const definitions = {
    workflows: {
      steps: async function* (context: WorkflowContext, name: string): Steps {
        const results: unknown[] = []
        for (const step of [1, 2, 3]) results.push(yield context.callActivity('step', `${name}-${step}`))
        return results
      },
    },
    activities: {
      step: (_: unknown, name: string) => {
        runs.set(name, (runs.get(name) ?? 0) + 1)
        return name
      },
    },
  }
  const worker = await startWorker(grpcPort, definitions)
  onTestFinished(() => worker.stop())
  return { runs, another: () => startWorker(grpcPort, definitions) }
}

test('a plan affects the nth call, and with a probability the same calls for the same seed', () => {
  const injector = new FaultInjector()
  const hits = (rule: Omit<FaultRule, 'effect'>, seed = 1) => {
    injector.set({ seed, rules: [{ ...rule, effect: { kind: 'repeat' } }] })
    return Array.from({ length: 200 }, (_, i) => (injector.decide('A') && i + 1) || 0).filter((i) => i > 0)
  }
  expect(hits({ method: 'A', nth: 3 })).toEqual([3])
  expect(hits({ method: 'B' })).toEqual([])
  expect(hits({ method: 'A' })).toHaveLength(200)
  expect(hits({ method: 'A', probability: 0 })).toEqual([])
  const some = hits({ method: 'A', probability: 0.25 }, 5)
  expect(some.length).toBeGreaterThan(25)
  expect(some.length).toBeLessThan(75)
  expect(hits({ method: 'A', probability: 0.25 }, 5)).toEqual(some)
  expect(hits({ method: 'A', probability: 0.25 }, 6)).not.toEqual(some)
})

test('a call that fails before has no effect, one that fails after has its effect', async () => {
  const { state } = await sidecarWith(
    { method: 'SaveState', nth: 1, effect: { kind: 'fail-before' } },
    { method: 'SaveState', nth: 2, effect: { kind: 'fail-after' } },
  )
  await expect(state.save('statestore', [{ key: 'before', value: 'x' }])).rejects.toMatchObject({ code: UNAVAILABLE })
  await expect(state.save('statestore', [{ key: 'after', value: 'x' }])).rejects.toMatchObject({ code: UNAVAILABLE })
  await state.save('statestore', [{ key: 'third', value: 'x' }])
  expect(await Promise.all(['before', 'after', 'third'].map((key) => state.get('statestore', key)))).toEqual([
    '',
    'x',
    'x',
  ])
})

test('a delayed call is overtaken; a repeated call gets the answer of the first', async () => {
  const { state, sidecar } = await sidecarWith({ method: 'SaveState', nth: 1, effect: { kind: 'delay', delayMs: 100 } })
  const order: string[] = []
  const save = (key: string) => state.save('statestore', [{ key, value: 'x' }]).then(() => order.push(key))
  await Promise.all([save('slow'), save('fast')])
  expect(order).toEqual(['fast', 'slow'])

  await sidecar.setFaults({ rules: [{ method: 'SaveState', effect: { kind: 'repeat' } }] })
  await state.save('statestore', [{ key: 'once', value: 'x', options: INSERT_ONLY }])
  expect(await state.get('statestore', 'once')).toBe('x')
})

test('a start whose reply is lost has started the workflow', async () => {
  const { sidecar, workflows } = await sidecarWith({ method: 'StartInstance', nth: 1, effect: { kind: 'fail-after' } })
  await threeSteps(sidecar.grpcPort)
  await expect(workflows.scheduleNewWorkflow('steps', 'x', 'i')).rejects.toMatchObject({ code: UNAVAILABLE })
  expect((await ended(workflows, 'i')).serializedOutput).toBe('["x-1","x-2","x-3"]')
})

test('activities and turns that are delivered twice take effect once', async () => {
  const { sidecar, workflows } = await sidecarWith(
    { method: 'ActivityItem', effect: { kind: 'repeat' } },
    { method: 'WorkflowItem', effect: { kind: 'repeat' } },
  )
  const { runs } = await threeSteps(sidecar.grpcPort)
  await workflows.scheduleNewWorkflow('steps', 'x', 'i')
  expect((await ended(workflows, 'i')).serializedOutput).toBe('["x-1","x-2","x-3"]')
  await vi.waitFor(() => expect([...runs.values()]).toEqual([2, 2, 2]))
})

test('replies that arrive twice or late, or are not acknowledged, take effect once', async () => {
  const { sidecar, workflows } = await sidecarWith(
    { method: 'CompleteActivityTask', nth: 1, effect: { kind: 'repeat' } },
    { method: 'CompleteActivityTask', nth: 2, effect: { kind: 'fail-after' } },
    { method: 'CompleteActivityTask', nth: 3, effect: { kind: 'delay', delayMs: 30 } },
    { method: 'CompleteOrchestratorTask', effect: { kind: 'repeat' } },
  )
  const { runs } = await threeSteps(sidecar.grpcPort)
  await workflows.scheduleNewWorkflow('steps', 'x', 'i')
  expect((await ended(workflows, 'i')).serializedOutput).toBe('["x-1","x-2","x-3"]')
  expect([...runs.values()]).toEqual([1, 1, 1])
})

test.each(['fail-before', 'fail-after'] as const)('a stream that breaks (%s an item) loses nothing', async (kind) => {
  const { sidecar, workflows } = await sidecarWith({ method: 'ActivityItem', nth: 2, effect: { kind } })
  const { another } = await threeSteps(sidecar.grpcPort)
  await workflows.scheduleNewWorkflow('steps', 'x', 'i')
  const second = await another()
  expect((await ended(workflows, 'i')).serializedOutput).toBe('["x-1","x-2","x-3"]')
  await second.stop()
})

test('sixty workflows complete despite many duplicated, late and unacknowledged messages', async () => {
  const { sidecar, workflows } = await sidecarWith(
    ...['ActivityItem', 'WorkflowItem'].map((method): FaultRule => ({
      method,
      probability: 0.2,
      effect: { kind: 'repeat' },
    })),
    ...['CompleteActivityTask', 'CompleteOrchestratorTask', 'WaitForInstanceCompletion'].flatMap(
      (method): FaultRule[] => [
        { method, probability: 0.1, effect: { kind: 'delay', delayMs: 5 } },
        { method, probability: 0.1, effect: { kind: 'repeat' } },
      ],
    ),
    { method: 'CompleteActivityTask', probability: 0.2, effect: { kind: 'fail-after' } },
    { method: 'CompleteOrchestratorTask', probability: 0.2, effect: { kind: 'fail-after' } },
  )
  await threeSteps(sidecar.grpcPort)
  const outputs = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      await workflows.scheduleNewWorkflow('steps', `x${i}`, `i${i}`)
      return (await ended(workflows, `i${i}`)).serializedOutput
    }),
  )
  expect(outputs).toEqual(Array.from({ length: 60 }, (_, i) => `["x${i}-1","x${i}-2","x${i}-3"]`))
})
