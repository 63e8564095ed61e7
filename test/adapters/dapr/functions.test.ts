/** Workflows that an earlier version of Windrow has started, after an upgrade: they end under their own names. */
import { expect, it } from 'vitest'
import { activityFunctions, workflowFunctions } from '../../../src/adapters/dapr/functions.ts'
import { createDaprWorkflowEngine } from '../../../src/adapters/dapr/workflow-engine.ts'
import { readLedger } from '../../../src/ledger/ledger.ts'
import {
  AGGREGATE,
  AGGREGATE_V2,
  COMMIT,
  COMMIT_V2,
  PARTITION_WINDOW,
  PARTITION_WINDOW_V2,
} from '../../../src/workflows/names.ts'
import { vmWindow } from '../../../src/workflows/vm-window.ts'
import { Folding } from '../../support/fold.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { planClose, totals } from '../../support/plan.ts'
import { point } from '../../support/records.ts'
import { testClient, testSidecar, testWorker } from './support/sidecar.ts'

it.each([
  ['of this version', PARTITION_WINDOW, [AGGREGATE, COMMIT]],
  ['of the version before', PARTITION_WINDOW_V2, [AGGREGATE_V2, COMMIT_V2]],
])(
  'a parent workflow %s commits its plan, with the activities that its history names',
  async (_, workflowName, named) => {
    const { grpcPort } = await testSidecar()
    const client = await testClient(grpcPort)
    const store = new MemoryStore()
    const env = {
      ...{ store, aggregator: totals, maxInFlight: 2, observe: () => undefined },
      run: (_id: string, order: Parameters<typeof vmWindow>[0]) => Promise.resolve(vmWindow(order, totals)),
    }
    const called: string[] = []
    const activities = Object.entries(activityFunctions(env)).map(([name, activity]) => {
      const recorded: typeof activity = (context, input) => {
        called.push(name)
        return activity(context, input) as unknown
      }
      return [name, recorded] as const
    })
    const workflows = workflowFunctions(totals)
    await testWorker({ grpcPort, workflows, activities: Object.fromEntries(activities) }).ready

    const folding = new Folding({}, totals).feed(point('a', 0, 10), point('b', 0, 20)).end()
    const plan = await planClose(store, folding, folding.closed[0] ?? null)
    const engine = createDaprWorkflowEngine({ client, workflowName })
    await engine.start(plan.attempt, JSON.stringify(plan))
    let status = await engine.poll(plan.attempt)
    while (status.kind === 'running') status = await engine.poll(plan.attempt)
    expect(status).toEqual({ kind: 'completed', output: JSON.stringify({ ok: true, value: { commit: 1 } }) })
    expect(called).toEqual(named)
    expect((await readLedger(store, 'job', 0))?.ledger).toMatchObject({ commit: 1, certified: { sequence: 1 } })
  },
)
