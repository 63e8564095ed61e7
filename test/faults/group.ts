/** Reads and changes the job's consumer group, with the rights of an administrator. */
import kafkajs from 'kafkajs'
import type { FaultEnvironment } from './environment.ts'

type Group = Pick<FaultEnvironment, 'stack' | 'job' | 'topic' | 'partitions'>

export async function withAdmin<T>(
  { stack }: Pick<FaultEnvironment, 'stack'>,
  use: (admin: kafkajs.Admin) => Promise<T>,
): Promise<T> {
  const brokers = [stack.description.addresses.kafka]
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

export function membersOf(group: Group): Promise<number> {
  return withAdmin(group, async (admin) => (await admin.describeGroups([group.job])).groups[0]?.members.length ?? 0)
}

/** The group must be empty. */
export async function setOffsets(group: Group, to: 'start' | 'end' | 'deleted'): Promise<void> {
  const { job, topic, partitions } = group
  await withAdmin(group, async (admin) => {
    if (to === 'deleted') {
      await admin.deleteGroups([job])
      return
    }
    const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]))
    const offsets = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      offset: to === 'start' ? '0' : (ends.get(partition) ?? '0'),
    }))
    await admin.setOffsets({ groupId: job, topic, partitions: offsets })
  })
}
