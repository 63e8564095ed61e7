/** The consumer group: offsets that say something else than the ledgers, and members that come and go. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaConsumption } from '../../../src/adapters/kafka/consumption.ts'
import { membersOf, setOffsets } from '../group.ts'
import { reached } from './parts.ts'
import type { FaultKind, Site } from '../site.ts'

const CHURN_MS = 60_000
const JOIN_EVERY_MS = 1_000

/** An administrator changes the offsets while nobody is there, as Kafka demands; then all come back. */
const moveOffsets = (name: string, to: Parameters<typeof setOffsets>[1]): FaultKind => ({
  name,
  async strike(site, draw) {
    const { processors, watch } = site
    await reached(site, draw)
    const slots = processors.all.map(({ slot }) => slot)
    await processors.stop()
    await watch.until('the group to be empty', async () => ((await membersOf(site)) === 0 ? true : undefined))
    await setOffsets(site, to)
    for (const slot of slots) processors.start(slot)
    return 1
  },
})

export const offsetsToStart = moveOffsets('offsets-to-start', 'start')
export const offsetsToEnd = moveOffsets('offsets-to-end', 'end')
export const offsetsDeleted = moveOffsets('offsets-deleted', 'deleted')

/**
 * For a minute a further member joins every second and leaves as the next one joins: it stays for what joining leaves of the
 * second. It is Windrow's own membership without a pipeline behind it: a whole process takes longer than a second to start.
 */
export const churn: FaultKind = {
  name: 'churn',
  async strike(site, draw) {
    await reached(site, draw)
    const beganMs = performance.now()
    let times = 0
    let leaving = Promise.resolve()
    for (; performance.now() < beganMs + CHURN_MS; times++) {
      const nextMs = beganMs + (times + 1) * JOIN_EVERY_MS
      const member = newMember(site)
      await Promise.all([leaving, member.start()])
      // One second after another, not one after the time that joining took: it takes half of one.
      await sleep(Math.max(0, nextMs - performance.now()))
      leaving = member.close()
    }
    await leaving
    site.watch.progress()
    return times
  },
}

function newMember({ stack, job, topic, watch }: Site) {
  return createKafkaConsumption({
    connection: { brokers: [stack.description.addresses.kafka] },
    topic,
    groupId: job,
    decode: () => ({ kind: 'undecodable', code: 'undecodable', detail: 'never read' }),
    clock: { nowMs: () => Date.now(), sleep: (ms) => sleep(ms) },
    listener: {
      onAssigned: () => undefined,
      onRevoked: () => undefined,
      onFailed: (error) => watch.fail(error),
    },
  })
}
