/** Which worker receives which item, and the redelivery of items of a lost stream. */
import { expect, test } from 'vitest'
import { GrpcStatus } from '../../src/embedded/grpc.ts'
import type { MessageStream } from '../../src/embedded/grpc.ts'
import { WorkQueue } from '../../src/embedded/work-queue.ts'
import type { WorkKind } from '../../src/embedded/work-queue.ts'

function fakeStream() {
  const received: string[] = []
  const listeners: (() => void)[] = []
  let ended: { status: GrpcStatus; message: string } | null = null
  const stream: MessageStream = {
    send: (message) => void received.push(message.toString()),
    end: (status, message) => void (ended = { status, message }),
    onGone: (listener) => void listeners.push(listener),
  }
  return { stream, received, ended: () => ended, break: () => listeners.forEach((listener) => listener()) }
}

const item = (key: string, kind: WorkKind = 'workflow') => ({ kind, key, message: Buffer.from(key) })
const unlimited = { workflow: 100, activity: 100 }

test('items wait for a worker and are delivered in order', () => {
  const queue = new WorkQueue(unlimited)
  for (const key of ['a', 'b', 'c']) queue.add(item(key))
  const worker = fakeStream()
  queue.connect(worker.stream)
  expect(worker.received).toEqual(['a', 'b', 'c'])
})

test('connected workers take turns', () => {
  const queue = new WorkQueue(unlimited)
  const workers = [fakeStream(), fakeStream()]
  for (const worker of workers) queue.connect(worker.stream)
  for (const key of ['a', 'b', 'c', 'd']) queue.add(item(key))
  expect(workers.map((worker) => worker.received)).toEqual([
    ['a', 'c'],
    ['b', 'd'],
  ])
})

test('each kind of item is held back at its own limit until one is answered', () => {
  const queue = new WorkQueue({ workflow: 2, activity: 1 })
  const worker = fakeStream()
  queue.connect(worker.stream)
  for (const key of ['w1', 'w2', 'w3']) queue.add(item(key))
  for (const key of ['a1', 'a2']) queue.add(item(key, 'activity'))
  expect(worker.received).toEqual(['w1', 'w2', 'a1'])
  queue.remove('a1')
  queue.remove('w2')
  expect(worker.received).toEqual(['w1', 'w2', 'a1', 'a2', 'w3'])
})

test('the items of a lost worker go to the next one, before later items', () => {
  const queue = new WorkQueue({ workflow: 2, activity: 2 })
  const [lost, next] = [fakeStream(), fakeStream()]
  queue.connect(lost.stream)
  for (const key of ['a', 'b', 'c']) queue.add(item(key))
  queue.add(item('act', 'activity'))
  lost.break()
  expect(queue.connectedWorkers).toBe(0)
  queue.connect(next.stream)
  expect(next.received).toEqual(['a', 'b', 'act'])
  queue.remove('a')
  expect(next.received).toEqual(['a', 'b', 'act', 'c'])
})

test('only unanswered items of a lost worker go to the others', () => {
  const queue = new WorkQueue(unlimited)
  const [lost, other] = [fakeStream(), fakeStream()]
  queue.connect(lost.stream)
  queue.add(item('answered'))
  queue.add(item('open'))
  expect(queue.remove('answered')).toBe(true)
  queue.connect(other.stream)
  lost.break()
  expect(other.received).toEqual(['open'])
})

test('an item is answered once; a requeued item can still be answered by its first worker', () => {
  const queue = new WorkQueue(unlimited)
  const worker = fakeStream()
  queue.connect(worker.stream)
  queue.add(item('a'))
  worker.break()
  expect(queue.remove('a')).toBe(true)
  expect(queue.remove('a')).toBe(false)
  const next = fakeStream()
  queue.connect(next.stream)
  expect(next.received).toEqual([])
})

test('an item replaces the previous one with the same key', () => {
  const queue = new WorkQueue({ workflow: 1, activity: 1 })
  const worker = fakeStream()
  queue.connect(worker.stream)
  queue.add(item('a'))
  queue.add({ ...item('a'), message: Buffer.from('a again') })
  queue.add(item('b'))
  expect(worker.received).toEqual(['a', 'a again'])
  queue.remove('a')
  expect(worker.received).toEqual(['a', 'a again', 'b'])
})

test('of the replies to an item that was delivered twice, only the second is surplus', () => {
  const queue = new WorkQueue(unlimited, (delivered, stream) => {
    stream.send(delivered.message)
    stream.send(delivered.message)
    return 2
  })
  const worker = fakeStream()
  queue.connect(worker.stream)
  queue.add(item('a'))
  expect(worker.received).toEqual(['a', 'a'])
  expect(queue.isSurplusReply('a')).toBe(false)
  expect(queue.remove('a')).toBe(true)
  queue.add(item('a'))
  expect(queue.isSurplusReply('a')).toBe(true)
  expect(queue.isSurplusReply('a')).toBe(false)
  expect(queue.remove('a')).toBe(true)
  worker.break()
  expect(queue.isSurplusReply('a')).toBe(false)
})

test('closing ends every stream as unavailable', () => {
  const queue = new WorkQueue(unlimited)
  const worker = fakeStream()
  queue.connect(worker.stream)
  queue.close()
  expect(worker.ended()?.status).toBe(GrpcStatus.UNAVAILABLE)
})
