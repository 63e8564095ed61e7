/** Publishes the results of a commit one by one: those of a VM in their order, several VMs at once. At least once. */
import type { AtLeastOncePublisher } from '../ports/index.ts'
import { resultEvent, type ResultEvent } from './result-event.ts'

/** Events in flight per partition. A sidecar answers in a few milliseconds, so this many keep it busy. */
const MAX_IN_FLIGHT = 32

/** `send` resolves when the event is stored durably. */
export function createEventPublisher(job: string, send: (event: ResultEvent) => Promise<void>): AtLeastOncePublisher {
  return {
    async publish({ results }) {
      const lanes = new Map<string, ResultEvent[]>()
      for (const line of results) {
        const event = resultEvent(job, line)
        const lane = lanes.get(event.key)
        if (lane === undefined) lanes.set(event.key, [event])
        else lane.push(event)
      }
      await sendLanes([...lanes.values()], send)
    },
    close: () => Promise.resolve(),
  }
}

/**
 * Rejects with the first failure, after everything in flight has ended: the caller publishes the commit again, and an event
 * of this attempt must not arrive after those of the next one.
 */
async function sendLanes(lanes: ResultEvent[][], send: (event: ResultEvent) => Promise<void>): Promise<void> {
  const waiting = lanes.values()
  let failure: { readonly error: unknown } | null = null
  const work = async (): Promise<void> => {
    for (const lane of waiting) {
      for (const event of lane) {
        if (failure !== null) return
        try {
          await send(event)
        } catch (error) {
          failure ??= { error }
        }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_IN_FLIGHT, lanes.length) }, work))
  const failed = failure as { readonly error: unknown } | null
  if (failed !== null) throw failed.error
}
