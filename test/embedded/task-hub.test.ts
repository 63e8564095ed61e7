/**
 * Cases that the conformance suite cannot provoke from outside: late and duplicated replies, answers to finished tasks,
 * and the retention of instances. The test plays the worker.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { InstanceStatus } from '../../src/embedded/history.ts'
import type { MessageStream } from '../../src/embedded/grpc.ts'
import { ProtoReader, stringValue, timestamp } from '../../src/adapters/bytes/protobuf.ts'
import { TaskHub } from '../../src/embedded/task-hub.ts'
import type { Action, Retention } from '../../src/embedded/task-hub.ts'
import { WorkQueue } from '../../src/embedded/work-queue.ts'

const caller = { onGone: () => undefined }
const start = { name: 'w', version: undefined, input: stringValue('1') }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function createHub(retention: Partial<Retention> = {}, deliveries = 1) {
  /** Keys of the delivered items, `w/…` for turns and `a/<task>/…` for activities. */
  const delivered: string[] = []
  const queue = new WorkQueue({ workflow: 100, activity: 100 }, ({ key, message }, stream) => {
    delivered.push(key)
    stream.send(message)
    return deliveries
  })
  const turns: string[][] = []
  const stream: MessageStream = {
    send: (message) => {
      const events = newEvents(message)
      if (events !== null) turns.push(events)
    },
    end: () => undefined,
    onGone: () => undefined,
  }
  queue.connect(stream)
  const hub = new TaskHub(queue, { maxFinished: 100, maxAgeMs: 3_600_000, ...retention })
  return { hub, delivered, turns }
}

const task = (id: number): Action => ({ kind: 'task', id, start: { ...start, name: 'a' } })
const child = (id: number, instanceId: string): Action => ({ kind: 'child', id, instanceId, start })
const timer = (id: number, fireAtMs: number): Action => ({ kind: 'timer', id, fireAt: timestamp(fireAtMs), fireAtMs })
const complete = (id: number, status: number = InstanceStatus.COMPLETED, output = '1'): Action => ({
  kind: 'complete',
  id,
  status,
  result: stringValue(output),
  failure: undefined,
  carryover: [],
})

function run(hub: TaskHub, id: string): void {
  hub.start(id, start, null)
  hub.completeTurn(id, [complete(1)], undefined)
}

test('an activity takes effect once, however often its answer arrives', () => {
  const { hub, turns } = createHub()
  hub.start('i', start, null)
  hub.completeTurn('i', [task(1), task(2)], undefined)
  for (let i = 0; i < 3; i++) hub.completeActivity('i', 1, stringValue('"one"'), undefined)
  vi.runOnlyPendingTimers()
  expect(turns.at(-1)).toEqual(['turn-started', 'task-completed 1'])
  hub.completeActivity('i', 1, stringValue('"late"'), undefined)
  hub.completeActivity('i', 2, stringValue('"two"'), undefined)
  hub.completeTurn('i', [], undefined)
  vi.runOnlyPendingTimers()
  expect(turns.at(-1)).toEqual(['turn-started', 'task-completed 2'])
})

test('answers that arrive together cause one turn; answers during a turn cause the next one', () => {
  const { hub, turns } = createHub()
  hub.start('i', start, null)
  hub.completeTurn('i', [task(1), task(2), task(3)], undefined)
  for (const id of [1, 2]) hub.completeActivity('i', id, undefined, undefined)
  vi.runOnlyPendingTimers()
  hub.completeActivity('i', 3, undefined, undefined)
  vi.runOnlyPendingTimers()
  hub.completeTurn('i', [], undefined)
  expect(turns.slice(1)).toEqual([
    ['turn-started', 'task-completed 1', 'task-completed 2'],
    ['turn-started', 'task-completed 3'],
  ])
})

test('the second reply to a turn that was delivered twice does not answer the next turn', () => {
  const { hub } = createHub({}, 2)
  hub.start('i', start, null)
  hub.completeTurn('i', [], undefined)
  hub.raiseEvent('i', 'go', undefined)
  vi.runOnlyPendingTimers()
  hub.completeTurn('i', [], undefined)
  expect(hub.get('i')?.status).toBe(InstanceStatus.RUNNING)
  hub.completeTurn('i', [complete(1)], undefined)
  expect(hub.get('i')?.status).toBe(InstanceStatus.COMPLETED)
})

test('a late reply that schedules the same tasks again is dropped', () => {
  const { hub, delivered } = createHub()
  hub.start('i', start, null)
  hub.completeTurn('i', [task(1)], undefined)
  hub.completeActivity('i', 1, undefined, undefined)
  vi.runOnlyPendingTimers()
  hub.completeTurn('i', [task(1)], undefined)
  hub.completeTurn('i', [complete(2)], undefined)
  expect(hub.get('i')?.status).toBe(InstanceStatus.COMPLETED)
  expect(delivered.filter((key) => key === 'a/1/i')).toHaveLength(1)
})

test('replies for unknown instances and tasks have no effect', () => {
  const { hub } = createHub()
  hub.completeTurn('caller', [complete(1)], undefined)
  hub.completeActivity('caller', 1, undefined, undefined)
  run(hub, 'i')
  hub.completeTurn('i', [complete(1, InstanceStatus.FAILED)], undefined)
  expect(hub.get('i')?.status).toBe(InstanceStatus.COMPLETED)
  expect(hub.get('caller')).toBeUndefined()
})

test('an instance that ended with a running activity is not restarted before its answer', () => {
  const { hub } = createHub()
  hub.start('i', start, null)
  hub.completeTurn('i', [task(1)], undefined)
  hub.terminate('i', stringValue('"enough"'))
  vi.runOnlyPendingTimers()
  hub.completeTurn('i', [complete(2, InstanceStatus.TERMINATED)], undefined)
  expect(() => hub.start('i', start, null)).toThrow(/already awaiting an activity result/)
  hub.completeActivity('i', 1, stringValue('"late"'), undefined)
  run(hub, 'i')
  expect(hub.get('i')?.status).toBe(InstanceStatus.COMPLETED)
})

test('an instance is not restarted while a child of its last run is active', () => {
  const { hub } = createHub()
  hub.start('parent', start, null)
  hub.completeTurn('parent', [child(1, 'kid')], undefined)
  hub.terminate('parent', undefined)
  vi.runOnlyPendingTimers()
  hub.completeTurn('parent', [complete(2, InstanceStatus.TERMINATED)], undefined)
  expect(() => hub.start('parent', start, null)).toThrow(/child workflow 'kid'.*not yet completed/)
  hub.completeTurn('kid', [complete(1)], undefined)
  expect(() => hub.start('parent', start, null)).not.toThrow()
})

test('a child with the id of another active workflow fails for its parent, and the other continues', () => {
  const { hub, turns } = createHub()
  hub.start('taken', start, null)
  hub.start('parent', start, null)
  hub.completeTurn('parent', [child(1, 'taken')], undefined)
  vi.runOnlyPendingTimers()
  expect(turns.at(-1)).toEqual(['turn-started', 'child-failed 1'])
  expect(hub.get('taken')?.status).toBe(InstanceStatus.PENDING)
})

test('timers of an instance that ended or continued as new do not fire', () => {
  const { hub, turns } = createHub()
  const now = Date.now()
  hub.start('ended', start, null)
  hub.completeTurn('ended', [timer(1, now + 1000)], undefined)
  hub.raiseEvent('ended', 'go', undefined)
  vi.advanceTimersByTime(1)
  hub.completeTurn('ended', [complete(2)], undefined)
  hub.start('continued', start, null)
  hub.completeTurn('continued', [timer(1, now + 1000)], undefined)
  hub.raiseEvent('continued', 'go', undefined)
  vi.advanceTimersByTime(1)
  hub.completeTurn('continued', [complete(2, InstanceStatus.CONTINUED_AS_NEW)], undefined)
  hub.completeTurn('continued', [timer(1, now + 5000)], undefined)
  const before = turns.length
  vi.advanceTimersByTime(2000)
  expect(turns).toHaveLength(before)
  vi.advanceTimersByTime(4000)
  expect(turns.at(-1)).toEqual(['turn-started', 'timer-fired 1'])
})

test('a start scheduled for later waits for its time, an earlier event does not', () => {
  const { hub, turns } = createHub()
  hub.start('later', start, Date.now() + 60_000)
  hub.start('called', start, Date.now() + 60_000)
  hub.raiseEvent('called', 'go', undefined)
  vi.advanceTimersByTime(1000)
  expect(turns).toEqual([['turn-started', 'execution-started', 'event-raised']])
  expect(hub.get('later')?.status).toBe(InstanceStatus.PENDING)
  vi.advanceTimersByTime(60_000)
  expect(turns.at(-1)).toEqual(['turn-started', 'execution-started'])
})

test('finished instances above the retention count are deleted, oldest first; active ones never', () => {
  const { hub } = createHub({ maxFinished: 3 })
  hub.start('active', start, null)
  for (let i = 0; i < 10; i++) run(hub, `i${i}`)
  const known = ['active', ...Array.from({ length: 10 }, (_, i) => `i${i}`)].filter((id) => hub.get(id) !== undefined)
  expect(known).toEqual(['active', 'i7', 'i8', 'i9'])
})

test('finished instances are deleted at the retention age, which restarts when they run again', () => {
  const { hub } = createHub({ maxAgeMs: 10_000 })
  run(hub, 'old')
  run(hub, 'again')
  vi.advanceTimersByTime(6000)
  run(hub, 'again')
  vi.advanceTimersByTime(14_000 - 6000)
  expect([hub.get('old'), hub.get('again')?.status]).toEqual([undefined, InstanceStatus.COMPLETED])
  vi.advanceTimersByTime(20_000)
  expect(hub.get('again')).toBeUndefined()
})

test('a wait for an instance that was purged is answered by the next one of its id', async () => {
  const { hub } = createHub()
  run(hub, 'i')
  hub.purge('i')
  const waiting = hub.watch('i', caller, (instance) => instance.status === InstanceStatus.COMPLETED)
  hub.start('i', start, null)
  hub.completeTurn('i', [complete(1, InstanceStatus.COMPLETED, '"second"')], undefined)
  expect((await waiting).output).toEqual(stringValue('"second"'))
})

const EVENTS: Record<number, string> = {
  3: 'execution-started',
  5: 'terminated',
  7: 'task-completed',
  8: 'task-failed',
  10: 'child-completed',
  11: 'child-failed',
  13: 'timer-fired',
  14: 'turn-started',
  17: 'event-raised',
}

/** The new events of a turn, each with the number of the task that it resolves; `null` for an activity. */
function newEvents(item: Buffer): string[] | null {
  const outer = new ProtoReader(item)
  outer.next()
  if (outer.field !== 1) return null
  const events: string[] = []
  const request = outer.message()
  while (request.next()) {
    if (request.field !== 4) continue
    const event = request.message()
    while (event.next()) {
      const name = EVENTS[event.field]
      if (name !== undefined) events.push([name, ...taskIdOf(name, event.message())].join(' '))
    }
  }
  return events
}

function taskIdOf(name: string, body: ProtoReader): number[] {
  const field = name === 'timer-fired' ? 2 : /^(task|child)/.test(name) ? 1 : null
  while (field !== null && body.next()) if (body.field === field) return [body.int32()]
  return []
}
