/** Starting never runs an instance twice, polling always returns, and purging works in every state of an instance. */
import type { WorkflowActivityContext, WorkflowContext } from '@dapr/dapr'
import { describe, expect, it } from 'vitest'
import { createDaprWorkflowEngine } from '../../../src/adapters/dapr/workflow-engine.ts'
import type { SidecarClient } from '../../../src/adapters/dapr/client.ts'
import { Counted } from '../../support/counted.ts'
import { createGate, testClient, testSidecar, testWorker } from './support/sidecar.ts'

const PARENT = 'parent-v1'
const ACT = 'act-v1'

async function testEngine(act: (context: WorkflowActivityContext, input: string) => unknown, pollMs = 5_000) {
  const { grpcPort } = await testSidecar()
  const worker = testWorker({
    grpcPort,
    workflows: {
      [PARENT]: async function* (context: WorkflowContext, input: string) {
        return (yield context.callActivity(ACT, input)) as string
      },
    },
    activities: { [ACT]: act },
  })
  await worker.ready
  const client = await testClient(grpcPort)
  const hub = new Counted(client.hub, ['start', 'status', 'waitForEnd', 'purge', 'terminate'])
  const counted = { hub: hub.counted } as SidecarClient
  return { worker, hub, client, engine: createDaprWorkflowEngine({ client: counted, workflowName: PARENT, pollMs }) }
}

describe('start and poll', () => {
  it('pass input and output texts through unchanged', async () => {
    const { engine } = await testEngine((_, input) => `${input}${input}`)
    for (const [i, text] of ['{"a": 1.0}', '"', 'ü 🪟\n', '17', 'x'.repeat(100_000)].entries()) {
      await engine.start(`id-${i}`, text)
      expect(await engine.poll(`id-${i}`)).toEqual({ kind: 'completed', output: `${text}${text}` })
    }
  })

  it('starting an active id or a completed one does nothing', async () => {
    const gate = createGate()
    const runs: string[] = []
    const { engine } = await testEngine(async (_, input) => {
      runs.push(input)
      await gate.pass()
      return input
    })
    await engine.start('id', 'first')
    await gate.arrived
    await engine.start('id', 'while active')
    gate.open()
    expect(await engine.poll('id')).toEqual({ kind: 'completed', output: 'first' })
    await engine.start('id', 'after its end')
    expect(await engine.poll('id')).toEqual({ kind: 'completed', output: 'first' })
    expect(runs).toEqual(['first'])
  })

  it('an instance takes three calls from its start to its end', async () => {
    const { engine, hub } = await testEngine((_, input) => input)
    await engine.start('id', 'x')
    await engine.poll('id')
    await engine.purge('id')
    expect(hub.calls).toEqual({ start: 1, waitForEnd: 1, purge: 1 })
    expect(await engine.poll('id')).toEqual({ kind: 'absent' })
  })

  it('an instance that the sidecar has lost is absent, and can be started again', async () => {
    const gate = createGate()
    const { engine, client } = await testEngine(async (_, input) => {
      if (input === 'lost') await gate.pass()
      return input
    }, 50)
    await engine.start('id', 'lost')
    await gate.arrived
    expect(await engine.poll('id')).toEqual({ kind: 'running' })
    await client.hub.terminate('id')
    gate.open()
    while ((await client.hub.status('id')).kind === 'running') await client.hub.waitForEnd('id', 50)
    await client.hub.purge('id')
    expect(await engine.poll('id')).toEqual({ kind: 'absent' })
    await engine.start('id', 'found')
    expect(await engine.poll('id')).toEqual({ kind: 'completed', output: 'found' })
  })

  it('a failing activity fails its workflow, with the reason', async () => {
    const { engine, worker } = await testEngine(() => {
      throw new RangeError('counts differ: 5 of 6')
    })
    await engine.start('id', 'x')
    expect(await engine.poll('id')).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('counts differ: 5 of 6') as string,
    })
    expect(await worker.event('log')).toMatchObject({
      level: 'error',
      message: expect.stringContaining('counts differ: 5 of 6') as string,
    })
  })

  it('an activity that throws a value that is not an Error fails its workflow as well', async () => {
    const { engine } = await testEngine(() => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error
      throw undefined
    })
    await engine.start('id', 'x')
    expect(await engine.poll('id')).toMatchObject({ kind: 'failed' })
  })

  it('a workflow that does not return a text fails with that reason', async () => {
    const { engine } = await testEngine(() => ({ not: 'a text' }))
    await engine.start('id', 'x')
    expect(await engine.poll('id')).toEqual({ kind: 'failed', reason: 'returned object instead of a text' })
  })

  it('the poll of an id that was never started returns absent', async () => {
    const { engine } = await testEngine((_, input) => input)
    expect(await engine.poll('never')).toEqual({ kind: 'absent' })
  })

  it('a poll of a running workflow returns "running" after its timeout', async () => {
    const gate = createGate()
    const { engine } = await testEngine(() => gate.pass().then(() => 'done'), 50)
    await engine.start('id', 'x')
    expect(await engine.poll('id')).toEqual({ kind: 'running' })
    gate.open()
  })
})

describe('purge', () => {
  it('deletes an ended workflow and ignores an absent one', async () => {
    const { engine } = await testEngine((_, input) => input)
    await engine.start('id', 'x')
    await engine.poll('id')
    await engine.purge('id')
    await engine.purge('id')
    expect(await engine.poll('id')).toEqual({ kind: 'absent' })
  })

  it('terminates an abandoned workflow that is still running, then deletes it', async () => {
    const gate = createGate()
    const { engine } = await testEngine(() => gate.pass().then(() => 'too late'))
    await engine.start('id', 'x')
    await gate.arrived
    await engine.purge('id')
    expect(await engine.poll('id')).toEqual({ kind: 'absent' })
    gate.open()
  })
})
