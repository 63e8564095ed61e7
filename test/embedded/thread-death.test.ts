/** A thread that dies is a failure of the sidecar. The test plays the thread, since the real one has no reason to die. */
import type { EventEmitter } from 'node:events'
import { beforeEach, expect, test, vi } from 'vitest'
import { startEmbeddedSidecar } from '../../src/embedded/index.ts'

const threads = vi.hoisted(() => [] as EventEmitter[])

vi.mock('node:worker_threads', async () => {
  const { EventEmitter } = await import('node:events')
  return {
    Worker: class extends EventEmitter {
      postMessage = vi.fn()
      constructor() {
        super()
        threads.push(this)
      }
    },
  }
})

beforeEach(() => void threads.splice(0))

function startFake() {
  const starting = startEmbeddedSidecar({ dataDir: 'unused' })
  return { starting, thread: threads[0] as EventEmitter }
}

test('a thread that throws fails the sidecar with the reason', async () => {
  const { starting, thread } = startFake()
  thread.emit('message', { kind: 'serving', port: 1234 })
  const sidecar = await starting
  expect(sidecar.grpcPort).toBe(1234)
  thread.emit('error', new Error('out of memory'))
  await expect(sidecar.failed).rejects.toMatchObject({
    code: 'SIDECAR_DIED',
    message: expect.stringContaining('out of memory') as string,
  })
})

test('a thread that ends before it serves fails the start', async () => {
  const { starting, thread } = startFake()
  thread.emit('exit', 134)
  await expect(starting).rejects.toMatchObject({ code: 'SIDECAR_DIED' })
})

test('a thread that ends after it served fails the sidecar and a pending change of its fault plan', async () => {
  const { starting, thread } = startFake()
  thread.emit('message', { kind: 'serving', port: 1234 })
  const sidecar = await starting
  const setting = sidecar.setFaults({ rules: [] })
  thread.emit('exit', 1)
  await expect(setting).rejects.toMatchObject({ code: 'SIDECAR_DIED' })
  await sidecar.close()
})
