/**
 * The same schedules through the embedded sidecar: its gRPC server, its store on disk, its workflows, the SDK's worker.
 * Processors crash while the sidecar keeps running, as a daprd does. So workflows of a crashed processor continue while its
 * successor works. The sidecar itself fails calls, loses replies and runs activities twice.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createInstanceRunner } from '../../src/adapters/dapr/instance-runner.ts'
import { createDaprStateStore } from '../../src/adapters/dapr/state-store.ts'
import { createDaprWorkflowEngine } from '../../src/adapters/dapr/workflow-engine.ts'
import { summary } from '../../src/core/summary.ts'
import { keepingChunks } from '../../src/ledger/chunk-cache.ts'
import { startEmbeddedSidecar, type FaultPlan } from '../../src/embedded/index.ts'
import { activityFunctions, workflowFunctions } from '../../src/adapters/dapr/functions.ts'
import { PARTITION_WINDOW, VM_WINDOW } from '../../src/workflows/names.ts'
import type { VmWindowAnswer } from '../../src/workflows/plan.ts'
import { STORE, testClient, testWorker } from '../adapters/dapr/support/sidecar.ts'
import { runSchedule } from './schedule.ts'
import type { OutsideSidecar } from './world.ts'

const SCHEDULES = 20

const faults = (seed: number): FaultPlan => ({
  seed,
  rules: [
    { method: 'SaveState', probability: 0.02, effect: { kind: 'fail-after' } },
    { method: 'SaveState', probability: 0.02, effect: { kind: 'fail-before' } },
    { method: 'StartInstance', probability: 0.02, effect: { kind: 'fail-after' } },
    { method: 'ActivityItem', probability: 0.1, effect: { kind: 'repeat' } },
  ],
})

async function openSidecar(seed: number): Promise<OutsideSidecar> {
  const dataDir = await mkdtemp(join(tmpdir(), 'windrow-schedule-'))
  const sidecar = await startEmbeddedSidecar({ dataDir, inThread: false, faults: faults(seed) })
  onTestFinished(async () => {
    await sidecar.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const { grpcPort } = sidecar
  const client = await testClient(grpcPort)
  const store = keepingChunks(createDaprStateStore({ client, storeName: STORE, maxValueBytes: 2 ** 20 }))
  const runner = createInstanceRunner({ client })
  const run = async (id: string, order: unknown): Promise<VmWindowAnswer> => {
    const result = await runner.run(VM_WINDOW, id, JSON.stringify(order))
    if (!result.ok) throw new Error(result.reason)
    return JSON.parse(result.output) as VmWindowAnswer
  }
  const env = { store, aggregator: summary, run, observe: () => undefined, maxInFlight: 16 }
  const worker = testWorker({
    grpcPort,
    workflows: workflowFunctions(summary),
    activities: activityFunctions(env),
  })
  await worker.ready
  return { store, engine: createDaprWorkflowEngine({ client, workflowName: PARTITION_WINDOW, pollMs: 500 }) }
}

test(
  `${SCHEDULES} seeded schedules through the embedded sidecar publish what an undisturbed run publishes`,
  {
    timeout: 900_000,
  },
  async () => {
    let crashes = 0
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      try {
        crashes += await runSchedule(seed, { sidecar: await openSidecar(seed) })
      } catch (error) {
        throw new Error(`seed ${seed} fails: ${String(error)}`, { cause: error })
      }
    }
    console.log(`${SCHEDULES} schedules through the embedded sidecar, ${crashes} crashes`)
    expect(crashes).toBeGreaterThan(SCHEDULES / 2)
  },
)
