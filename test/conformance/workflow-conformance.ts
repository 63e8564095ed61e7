/** Conformance of the workflow API: start, end, and everything that a workflow can schedule. */
import { WorkflowRuntimeStatus } from '@dapr/dapr'
import type { DaprWorkflowClient } from '@dapr/dapr'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ended, workflowClient } from './client.ts'
import type { SidecarUnderTest } from './sidecar-conformance.ts'
import { startWorker } from './worker.ts'
import type { Worker } from './worker.ts'
import { definitions } from './workflows.ts'

/**
 * Parents with eighty children each that run at once. Two are more than daprd 1.18.2 is sure to survive: docs/operating/upgrade.md.
 */
const PARENTS = Number(process.env['WINDROW_CONFORMANCE_PARENTS'] ?? 1)

export function workflowConformance(sidecar: () => SidecarUnderTest, fresh: (what: string) => string): void {
  describe('workflows', () => {
    let client: DaprWorkflowClient
    let worker: Worker

    beforeAll(async () => {
      client = workflowClient(sidecar().grpcPort)
      worker = await startWorker(sidecar().grpcPort, definitions)
    })
    afterAll(() => Promise.all([worker.stop(), client.stop()]))

    const runToEnd = async (workflow: string, input: unknown, id = fresh(workflow)) => {
      await client.scheduleNewWorkflow(workflow, input, id)
      return ended(client, id)
    }
    const outputOf = async (workflow: string, input?: unknown) => {
      const state = await runToEnd(workflow, input)
      expect(state.workflowFailureDetails?.getErrorMessage()).toBeUndefined()
      return JSON.parse(state.serializedOutput ?? 'null') as unknown
    }

    test('a workflow runs to its end and its state has name, input, output and times', async () => {
      const id = fresh('echo')
      const state = await runToEnd('echo', { text: 'Zürich 🌍' }, id)
      expect(state).toMatchObject({
        instanceId: id,
        name: 'echo',
        runtimeStatus: WorkflowRuntimeStatus.COMPLETED,
        serializedInput: '{"text":"Zürich 🌍"}',
        serializedOutput: '{"echo":{"text":"Zürich 🌍"}}',
      })
      expect(Math.abs(Date.now() - state.createdAt.getTime())).toBeLessThan(60_000)
      expect(state.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(state.createdAt.getTime())
      expect(await client.getWorkflowState(id, true)).toMatchObject({ serializedOutput: state.serializedOutput })
    })

    test('the state without payloads has only the status', async () => {
      const { instanceId } = await runToEnd('echo', 'x')
      const state = await client.getWorkflowState(instanceId, false)
      expect(state).toMatchObject({ runtimeStatus: WorkflowRuntimeStatus.COMPLETED })
      expect([state?.serializedInput, state?.serializedOutput]).toEqual([undefined, undefined])
    })

    test('a started workflow has left PENDING when the start returns', async () => {
      const id = fresh('started')
      await client.scheduleNewWorkflow('wait-for-events', ['go'], id)
      expect((await client.getWorkflowState(id, false))?.runtimeStatus).toBe(WorkflowRuntimeStatus.RUNNING)
      expect((await client.waitForWorkflowStart(id))?.runtimeStatus).toBe(WorkflowRuntimeStatus.RUNNING)
      await client.terminateWorkflow(id, null)
    })

    test('a workflow that throws has FAILED, with type and message', async () => {
      const state = await runToEnd('failing', null)
      expect(state.runtimeStatus).toBe(WorkflowRuntimeStatus.FAILED)
      expect(state.workflowFailureDetails?.getErrorType()).toBe('TypeError')
      expect(state.workflowFailureDetails?.getErrorMessage()).toBe('this workflow fails')
    })

    test('an unregistered workflow fails instead of waiting', async () => {
      const state = await runToEnd('not-registered', null)
      expect(state.runtimeStatus).toBe(WorkflowRuntimeStatus.FAILED)
    })

    test('the start of an active workflow id is rejected', async () => {
      const id = fresh('active')
      await client.scheduleNewWorkflow('wait-for-events', ['go'], id)
      await expect(client.scheduleNewWorkflow('echo', 'again', id)).rejects.toThrow(/already exists/)
      await client.raiseEvent(id, 'go', 1)
      expect((await ended(client, id)).serializedOutput).toBe('[1]')
    })

    test('the start of a completed workflow id runs again from the beginning, with the new input', async () => {
      const id = fresh('again')
      expect((await runToEnd('echo', 'first', id)).serializedOutput).toBe('{"echo":"first"}')
      const second = await runToEnd('call-activity', { activity: 'double', input: 21 }, id)
      expect(second).toMatchObject({ name: 'call-activity', serializedOutput: '{"result":42}' })
    })

    test('the start of a failed workflow id runs it again', async () => {
      const id = fresh('failed-again')
      await runToEnd('failing', null, id)
      expect(await runToEnd('echo', 1, id)).toMatchObject({ runtimeStatus: WorkflowRuntimeStatus.COMPLETED })
    })

    test('an activity returns its result; an error that it throws can be caught', async () => {
      expect(await outputOf('call-activity', { activity: 'double', input: 4 })).toEqual({ result: 8 })
      expect(await outputOf('catch-activity')).toMatch(/caught: .*this activity fails/)
    })

    test('an uncaught error of an activity fails the workflow', async () => {
      const state = await runToEnd('call-activity', { activity: 'throwing', input: 'x' })
      expect(state.runtimeStatus).toBe(WorkflowRuntimeStatus.FAILED)
      expect(state.workflowFailureDetails?.getErrorMessage()).toMatch(/this activity fails/)
    })

    test('thirty concurrent activities return their results in order', async () => {
      expect(await outputOf('fan-out', 30)).toEqual(Array.from({ length: 30 }, (_, i) => 2 * (i + 1)))
    })

    // The SDK drops these before the sidecar sees them; a workflow that needs them wraps them in an object.
    test('an activity receives undefined for an input of 0, an empty text, or false', async () => {
      for (const input of [0, '', false]) {
        expect(await outputOf('call-activity', { activity: 'type-of', input })).toEqual({ result: 'undefined' })
      }
    })

    test('a workflow receives its falsy input unchanged, and an activity without a result returns undefined', async () => {
      expect(await Promise.all([0, '', false].map((input) => outputOf('echo', input)))).toEqual([
        { echo: 0 },
        { echo: '' },
        { echo: false },
      ])
      expect(await outputOf('call-activity', { activity: 'nothing', input: 1 })).toEqual({})
    })

    test('a timer fires at its time, not before', async () => {
      expect(await outputOf('sleep', 1)).toBeGreaterThanOrEqual(1000)
    })

    test('events arrive in order, with case-insensitive names, before and while the workflow waits for them', async () => {
      const id = fresh('events')
      await client.scheduleNewWorkflow('wait-for-events', ['first', 'second', 'second'], id)
      await client.raiseEvent(id, 'SECOND', { n: 1 })
      await client.raiseEvent(id, 'second', { n: 2 })
      await client.raiseEvent(id, 'First', { n: 0 })
      expect(JSON.parse((await ended(client, id)).serializedOutput ?? '')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    })

    test('a workflow can end with an event while its timer is pending', async () => {
      const id = fresh('timer-or-event')
      await client.scheduleNewWorkflow('timer-or-event', null, id)
      await client.raiseEvent(id, 'go', 1)
      expect((await ended(client, id)).serializedOutput).toBe('"event"')
    })

    test('a child workflow returns its result, and twenty return theirs in order', async () => {
      expect(await outputOf('parent', { child: 'echo', input: 7 })).toEqual({ child: { echo: 7 } })
      expect(await outputOf('parent-of-many', 20)).toEqual(Array.from({ length: 20 }, (_, i) => ({ echo: i + 1 })))
    })

    test(`children of children return their results to ${PARENTS} at once`, async () => {
      const twenty = Array.from({ length: 20 }, (_, i) => ({ echo: i + 1 }))
      const widths = [20, 20, 20, 20]
      const outputs = await Promise.all(Array.from({ length: PARENTS }, () => outputOf('parent-of-parents', widths)))
      expect(outputs).toEqual(outputs.map(() => widths.map(() => twenty)))
    })

    test('the failure of a child can be caught; uncaught, it fails the parent', async () => {
      expect(await outputOf('catch-child')).toMatch(/caught: .*this workflow fails/)
      const state = await runToEnd('parent', { child: 'failing', input: 1 })
      expect(state.runtimeStatus).toBe(WorkflowRuntimeStatus.FAILED)
    })

    test('a workflow that continues as new restarts with the new input, under its id', async () => {
      expect(await outputOf('count-to-five', 1)).toEqual({ n: 5 })
    })

    test('events that were not consumed are kept across continue-as-new if requested', async () => {
      const id = fresh('kept')
      await client.scheduleNewWorkflow('keep-events', 1, id)
      await client.raiseEvent(id, 'kept', 'early')
      await client.raiseEvent(id, 'next-generation', 1)
      expect((await ended(client, id)).serializedOutput).toBe('"early"')
    })

    test('a custom status is visible while the workflow runs', async () => {
      const id = fresh('status')
      await client.scheduleNewWorkflow('status', null, id)
      expect((await client.getWorkflowState(id, true))?.customStatus).toBe('halfway')
      await client.raiseEvent(id, 'go', 1)
      expect((await ended(client, id)).serializedOutput).toBe('"done"')
    })

    test('a terminated workflow is TERMINATED with the given output, and its id can be started again', async () => {
      const id = fresh('terminated')
      await client.scheduleNewWorkflow('wait-for-events', ['never'], id)
      await client.terminateWorkflow(id, { by: 'a test' })
      expect(await ended(client, id)).toMatchObject({
        runtimeStatus: WorkflowRuntimeStatus.TERMINATED,
        serializedOutput: '{"by":"a test"}',
      })
      expect(await runToEnd('echo', 1, id)).toMatchObject({ runtimeStatus: WorkflowRuntimeStatus.COMPLETED })
    })

    test('a suspended workflow keeps its events until it is resumed', async () => {
      const id = fresh('suspended')
      await client.scheduleNewWorkflow('wait-for-events', ['go'], id)
      await client.suspendWorkflow(id)
      expect((await client.getWorkflowState(id, false))?.runtimeStatus).toBe(WorkflowRuntimeStatus.SUSPENDED)
      await client.raiseEvent(id, 'go', 'held')
      await client.resumeWorkflow(id)
      expect((await ended(client, id)).serializedOutput).toBe('["held"]')
    })

    test('a finished workflow can be purged and is then absent; an active or absent one cannot', async () => {
      const { instanceId } = await runToEnd('echo', 1)
      expect(await client.purgeWorkflow(instanceId)).toBe(true)
      expect(await client.getWorkflowState(instanceId, true)).toBeUndefined()
      await expect(client.purgeWorkflow(instanceId)).rejects.toThrow(/no such instance exists/)

      const active = fresh('purge-active')
      await client.scheduleNewWorkflow('wait-for-events', ['go'], active)
      await expect(client.purgeWorkflow(active)).rejects.toThrow(/not yet completed/)
      await client.terminateWorkflow(active, null)
    })

    test('events for an absent workflow and its termination are rejected', async () => {
      await expect(client.raiseEvent(fresh('absent'), 'go', 1)).rejects.toThrow(/no such instance exists/)
      await expect(client.terminateWorkflow(fresh('absent'), null)).rejects.toThrow(/no such instance exists/)
    })

    test('an absent workflow has no state; a wait for it lasts until it was started and has ended', async () => {
      const id = fresh('awaited')
      expect(await client.getWorkflowState(id, true)).toBeUndefined()
      await expect(client.waitForWorkflowCompletion(id, true, 0.3)).rejects.toThrow(/Timeout/i)
      const waiting = client.waitForWorkflowCompletion(id, true, 30)
      await client.scheduleNewWorkflow('echo', 'there', id)
      expect((await waiting)?.serializedOutput).toBe('{"echo":"there"}')
    })

    test('200 workflows complete with 48 of them in flight', async () => {
      const payload = 'x'.repeat(2000)
      let next = 0
      const outputs = new Map<number, string | undefined>()
      const lane = async () => {
        while (next < 200) {
          const i = next++
          outputs.set(i, (await runToEnd('echo', { i, payload })).serializedOutput)
        }
      }
      await Promise.all(Array.from({ length: 48 }, lane))
      for (let i = 0; i < 200; i++) expect(outputs.get(i)).toBe(JSON.stringify({ echo: { i, payload } }))
    })
  })
}
