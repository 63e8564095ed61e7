/** How many calls to the sidecar a commit makes that closes a small window: they are most of what such a window costs. */
import { expect, it } from 'vitest'
import { activityFunctions, workflowFunctions } from '../../src/adapters/dapr/functions.ts'
import { createInstanceRunner } from '../../src/adapters/dapr/instance-runner.ts'
import { createDaprStateStore } from '../../src/adapters/dapr/state-store.ts'
import { createDaprWorkflowEngine } from '../../src/adapters/dapr/workflow-engine.ts'
import { summary } from '../../src/core/summary.ts'
import { keepingChunks } from '../../src/ledger/chunk-cache.ts'
import { PARTITION_WINDOW, VM_WINDOW } from '../../src/workflows/names.ts'
import type { VmWindowAnswer } from '../../src/workflows/plan.ts'
import { STORE, testClient, testSidecar, testWorker } from '../adapters/dapr/support/sidecar.ts'
import { makeJob } from '../support/job.ts'
import { point, recordsOf } from '../support/records.ts'
import { Counted } from '../support/counted.ts'

const WINDOWS = 30
/** Two VMs in each window; each record of the next window closes the one before. */
const list = recordsOf(
  Array.from({ length: WINDOWS * 2 }, (_, i) => point(i % 2 === 0 ? 'a' : 'b', i >> 1, (i >> 1) * 100 + 50)),
)

it.each([
  ['one window per commit', 1, 8, 6],
  ['up to 16 windows per commit', 16, 1.5, 1],
])('with %s, a small window takes few state calls and workflow calls', async (_, windowsPerCommit, states, starts) => {
  const { grpcPort } = await testSidecar()
  const client = await testClient(grpcPort)
  const state = new Counted(client.api, ['getState', 'getBulkState', 'saveState', 'deleteBulkState'])
  const workflows = new Counted(client.hub, ['start', 'status', 'waitForEnd', 'purge', 'terminate'])
  const counted = { ...client, api: state.counted, hub: workflows.counted, closed: client.closed }
  const store = keepingChunks(createDaprStateStore({ client: counted, storeName: STORE, maxValueBytes: 2 ** 20 }))
  const runner = createInstanceRunner({ client: counted })
  const run = async (id: string, order: unknown): Promise<VmWindowAnswer> => {
    const result = await runner.run(VM_WINDOW, id, JSON.stringify(order))
    if (!result.ok) throw new Error(result.reason)
    return JSON.parse(result.output) as VmWindowAnswer
  }
  const worker = testWorker({
    grpcPort,
    workflows: workflowFunctions(summary),
    activities: activityFunctions({ store, aggregator: summary, run, observe: () => undefined, maxInFlight: 16 }),
  })
  await worker.ready
  const engine = createDaprWorkflowEngine({ client: counted, workflowName: PARTITION_WINDOW })
  const job = makeJob(list)
  const limits = { ...job.env.limits, vmsPerWorkflow: 31, windowsPerCommit }
  const { commit } = await job.run({ store, engine, limits })

  expect(job.results.results).toHaveLength(WINDOWS * 2)
  expect(commit).toBeLessThan((WINDOWS + 2) / (windowsPerCommit === 1 ? 1 : 4))
  const perWindow = (calls: number): number => calls / WINDOWS
  console.log(`${commit} commits: state ${JSON.stringify(state.calls)}, workflows ${JSON.stringify(workflows.calls)}`)
  expect(perWindow(state.total)).toBeLessThan(states)
  expect(perWindow(workflows.total)).toBeLessThan(starts)
})
