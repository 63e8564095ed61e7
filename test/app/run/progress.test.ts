/** Warnings about retries: cause and remedy, once, no matter how many partitions and attempts are affected. */
import { expect, test } from 'vitest'
import { ProgressMeter } from '../../../src/app/run/progress.ts'
import type { RunEvent } from '../../../src/app/types.ts'

function meterAt() {
  const events: RunEvent[] = []
  const clock = { nowMs: 0 }
  const meter = new ProgressMeter(
    { progress: () => undefined, event: (event) => events.push(event) },
    () => clock.nowMs,
  )
  const retry = (partition: number, reason: string, pauseMs: number): void =>
    meter.observe({ kind: 'retry', partition, window: null, step: 'publishing', reason, pauseMs })
  return { events, clock, retry }
}

test('one reason is one warning', () => {
  const { events, retry } = meterAt()
  for (const pauseMs of [100, 200, 400])
    for (const partition of [0, 1, 2]) retry(partition, 'the disk is full', pauseMs)
  const message = 'publishing failed and will be retried: the disk is full'
  expect(events).toEqual([{ kind: 'warning', message, remedy: expect.stringContaining('Nothing is lost') as string }])
})

test('another reason is another warning', () => {
  const { events, retry } = meterAt()
  retry(0, 'the disk is full', 100)
  retry(0, 'the folder is gone', 200)
  expect(events).toHaveLength(2)
})

test('a reason that persists for a minute is reported again', () => {
  const { events, clock, retry } = meterAt()
  retry(0, 'the disk is full', 100)
  clock.nowMs = 59_999
  retry(0, 'the disk is full', 100)
  expect(events).toHaveLength(1)
  clock.nowMs = 60_000
  retry(0, 'the disk is full', 100)
  expect(events).toHaveLength(2)
})
