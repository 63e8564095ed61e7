/** How a process runs its partitions: all of one input at once, or as a consumer group assigns and revokes them. */
import { expect, test } from 'vitest'
import { driveAll, OwnedPartitions } from '../../../src/app/run/drive.ts'

/** Runs that continue until they are stopped. */
function partitions() {
  const started: number[] = []
  const owned = new OwnedPartitions({
    run: (partition, signal) => {
      started.push(partition)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
    },
    clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
    confirmMembership: () => Promise.resolve(),
    onHalted: (_, error) => {
      throw error
    },
    onRetry: () => undefined,
  })
  return { owned, started }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a stopping process does not start partitions that the group assigns to it', async () => {
  const { owned, started } = partitions()
  owned.assign([0])
  await settled()
  const closing = owned.close()
  // Another process stops at the same time, and leaves first.
  owned.assign([0, 1])
  await closing
  await settled()
  expect(started).toEqual([0])
})

test('many partitions of one input do not look like a leak of listeners', async () => {
  const warnings: Error[] = []
  const keep = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', keep)
  const stop = new AbortController()
  const running = driveAll(
    64,
    (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
    stop.signal,
  )
  await settled()
  stop.abort()
  await running
  await settled()
  process.off('warning', keep)
  expect(warnings).toEqual([])
})
