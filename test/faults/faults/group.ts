/** Faults of the consumer group: offsets that differ from the ledgers, and members that join and leave. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaConsumption } from '../../../src/adapters/kafka/consumption.ts'
import { membersOf, setOffsets } from '../group.ts'
import { reached } from './services.ts'
import type { FaultKind, FaultEnvironment } from '../environment.ts'

const CHURN_MS = 60_000
const JOIN_EVERY_MS = 1_000

/** An administrator changes the offsets while the group has no members, as Kafka requires; then all processors restart. */
const moveOffsets = (name: string, to: Parameters<typeof setOffsets>[1]): FaultKind => ({
  name,
  async inject(env, injection) {
    const { processors, watch } = env
    await reached(env, injection)
    const slots = processors.all.map(({ slot }) => slot)
    await processors.stop()
    await watch.until('the group to be empty', async () => ((await membersOf(env)) === 0 ? true : undefined))
    await setOffsets(env, to)
    for (const slot of slots) processors.start(slot)
    return 1
  },
})

export const offsetsToStart = moveOffsets('offsets-to-start', 'start')
export const offsetsToEnd = moveOffsets('offsets-to-end', 'end')
export const offsetsDeleted = moveOffsets('offsets-deleted', 'deleted')

/**
 * For a minute, one more member joins every second and leaves when the next one joins. It uses Windrow's own group membership
 * without a pipeline, since a whole process takes longer than a second to start.
 */
export const churn: FaultKind = {
  name: 'churn',
  async inject(env, injection) {
    await reached(env, injection)
    const beganMs = performance.now()
    let times = 0
    let leaving = Promise.resolve()
    for (; performance.now() < beganMs + CHURN_MS; times++) {
      const nextMs = beganMs + (times + 1) * JOIN_EVERY_MS
      const member = newMember(env)
      await Promise.all([leaving, member.start()])
      // Sleeps until the next full second, since joining itself takes about half a second.
      await sleep(Math.max(0, nextMs - performance.now()))
      leaving = member.close()
    }
    await leaving
    env.watch.progress()
    return times
  },
}

function newMember({ stack, job, topic, watch }: FaultEnvironment) {
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
