/** What an operator, and the fault harness, can see of a commit: every step, before and after it, in order. */
import { expect, test } from 'vitest'
import { PIPELINE_STEPS, stepped } from '../../src/ports/steps.ts'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { failureOf, lostReply, makeJob } from '../support/job.ts'
import { manifest, point, recordsOf } from '../support/records.ts'

const phasesOf = (events: readonly PipelineEvent[]): string[] =>
  events.flatMap((event) => (event.kind === 'step' ? [`${event.step} ${event.phase}`] : []))

test('a commit emits the begin and the end of each step of the owner, in order', async () => {
  const job = makeJob(recordsOf([point('a', 0, 0), manifest('a', 0, 0, 1)]))
  await job.run()
  const owners = PIPELINE_STEPS.filter((step) => step !== 'aggregate' && step !== 'commit')
  const expected = owners.flatMap((step) => [`${step} begins`, `${step} ended`])
  const phases = phasesOf(job.events)
  // The publisher is opened before the first record is read.
  expect(phases.slice(0, 2)).toEqual(['open-publisher begins', 'open-publisher ended'])
  expect(phases.slice(2)).toEqual(expected.filter((phase) => !phase.startsWith('open-publisher')))
})

test('a step that fails has begun and has no end', async () => {
  const events: PipelineEvent[] = []
  const place = { partition: 3, window: 1_000, commit: 7 }
  const failing = stepped(
    (event) => events.push(event),
    'publish',
    place,
    () => Promise.reject(lostReply()),
  )
  expect(await failureOf(failing)).toMatchObject({ code: 'STATE_STORE_UNAVAILABLE' })
  expect(events).toEqual([{ kind: 'step', ...place, step: 'publish', phase: 'begins' }])
})
