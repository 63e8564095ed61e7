/** Opens the sink of job windows for a run. */
import { createHash } from 'node:crypto'
import type { AtLeastOncePublisher, Sink } from '../../ports/index.ts'
import type { SinkContext } from '../sink.ts'
import { Announcer } from './announcer.ts'
import { windowsDestination, type WindowsSetting } from './setting.ts'
import { openTarget } from './targets.ts'

export async function openWindowsSink(setting: WindowsSetting, context: SinkContext): Promise<Sink> {
  const { job, partitions, store, clock, deadlineMs } = context
  const destination = windowsDestination(setting)
  // A job may announce its windows at several places, each with a state of its own.
  const place = createHash('sha256').update(destination).digest('hex').slice(0, 12)
  const announcer = new Announcer({
    ...{ job, partitions, store, clock, deadlineMs, key: `${job}-windows-${place}` },
    send: await openTarget(setting.to, context),
  })
  const publisherOf = (partition: number): AtLeastOncePublisher => ({
    publish: (batch) => announcer.take(partition, batch),
    close: () => Promise.resolve(),
  })
  return {
    ...{ destination, delivery: 'at-least-once' },
    publishers: { open: (partition) => Promise.resolve(publisherOf(partition)) },
    finish: () => announcer.finish(),
  }
}
