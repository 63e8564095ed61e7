/** Conformance of the work item streams: the work of a lost worker is repeated by another one. */
import * as grpc from '@grpc/grpc-js'
import type { DaprWorkflowClient, TWorkflow, WorkflowContext } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ended, workflowClient } from './client.ts'
import type { SidecarUnderTest } from './sidecar-conformance.ts'
import { startWorker } from './worker.ts'
import type { Definitions } from './worker.ts'
import { definitions } from './workflows.ts'
import type { Steps } from './workflows.ts'

export function workerConformance(sidecar: () => SidecarUnderTest, fresh: (what: string) => string): void {
  describe('workers', () => {
    let client: DaprWorkflowClient

    beforeAll(() => {
      client = workflowClient(sidecar().grpcPort)
    })
    afterAll(() => client.stop())

    test('the next worker runs the workflow of a lost worker', async () => {
      const id = fresh('redelivered')
      const lost = openWorkItems(sidecar().grpcPort)
      // On daprd the start call may be cut off with the only worker; the workflow exists nevertheless.
      const started = client.scheduleNewWorkflow('echo', 'survives', id).catch(() => undefined)
      await lost.firstItem
      lost.close()
      const worker = await startWorker(sidecar().grpcPort, definitions)
      expect((await ended(client, id)).serializedOutput).toBe('{"echo":"survives"}')
      await Promise.all([started, worker.stop()])
    })

    test('an activity whose worker is lost runs again on the next one, and its result is used once', async () => {
      const id = fresh('lost-activity')
      const runs = countingActivity()
      const hanging: Definitions = { ...definitions, activities: { slow: () => runs.hang() } }
      const first = await startWorker(sidecar().grpcPort, hanging)
      await client.scheduleNewWorkflow('call-activity', { activity: 'slow', input: 1 }, id)
      await runs.started
      first.lose()
      const second = await startWorker(sidecar().grpcPort, { ...definitions, activities: { slow: () => 'second' } })
      expect((await ended(client, id)).serializedOutput).toBe('{"result":"second"}')
      runs.release()
      await Promise.all([first.stop(), second.stop()])
      expect((await client.getWorkflowState(id, true))?.serializedOutput).toBe('{"result":"second"}')
    })

    test('two workers share the work', async () => {
      const ran = new Set<string>()
      const named = (name: string): Definitions => ({
        workflows: { shared: sharedWorkflow },
        activities: {
          note: () => {
            ran.add(name)
            return name
          },
        },
      })
      const workers = [
        await startWorker(sidecar().grpcPort, named('a')),
        await startWorker(sidecar().grpcPort, named('b')),
      ]
      for (let round = 0; ran.size < 2 && round < 50; round++) {
        const id = fresh('shared')
        await client.scheduleNewWorkflow('shared', 20, id)
        await ended(client, id)
      }
      expect([...ran].sort()).toEqual(['a', 'b'])
      await Promise.all(workers.map((worker) => worker.stop()))
    })
  })
}

const sharedWorkflow: TWorkflow = async function* (context: WorkflowContext, width: number): Steps {
  return yield context.whenAll(Array.from({ length: width }, (_, i) => context.callActivity('note', i + 1)))
}

/** An activity that resolves `started` when it begins and ends when `release` is called. */
function countingActivity() {
  let begin!: () => void
  let release!: () => void
  const started = new Promise<void>((resolve) => (begin = resolve))
  const released = new Promise<string>((resolve) => (release = () => resolve('first')))
  const hang = () => {
    begin()
    return released
  }
  return { started, release, hang }
}

/** A worker that accepts work items and never answers. */
function openWorkItems(grpcPort: number) {
  const channel = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure())
  const path = '/TaskHubSidecarService/GetWorkItems'
  const asIs = (bytes: Buffer) => bytes
  const stream = channel.makeServerStreamRequest(path, asIs, asIs, Buffer.alloc(0))
  const firstItem = new Promise<void>((resolve) => stream.once('data', () => resolve()))
  stream.on('error', () => channel.close())
  return { firstItem, close: () => stream.cancel() }
}
