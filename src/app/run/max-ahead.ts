/** Whether `maxAhead` applies to a topic: it compares timestamps with the broker's clock, which only some topics carry. */
import type { TopicDescription } from '../../adapters/kafka/topic.ts'

export const MAX_AHEAD_REMEDY =
  'Set message.timestamp.type=LogAppendTime on the topic before the job begins. The quorum still keeps single fast clocks from closing windows.'

/** Why it does not apply; `null` if it does. */
export function maxAheadProblemOf({ topic, timestampType }: TopicDescription): string | null {
  if (timestampType === 'LogAppendTime') return null
  return `maxAhead does not apply: topic ${topic} has ${timestampType}, so its records carry the clocks of their producers`
}
