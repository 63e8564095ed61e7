/** The Kafka sink, `--results kafka:TOPIC`: results, dead letters and certificates as Avro records in topics of their own. */
import type { SinkDefinition } from '../sink.ts'
import { topicDestination, topicSetting, type TopicSetting } from './setting.ts'

export const TOPIC_NAME = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/
const PREFIX = 'kafka:'

export const kafkaSink: SinkDefinition<TopicSetting> = {
  kind: 'kafka',
  form: 'kafka:TOPIC',
  expects: 'kafka: and a topic name',
  guarantee: 'Exactly once for consumers that read with isolation.level=read_committed.',
  parse(text) {
    if (!text.startsWith(PREFIX)) return null
    const topic = text.slice(PREFIX.length)
    return TOPIC_NAME.test(topic) ? topicSetting(topic) : { problem: `${JSON.stringify(topic)} is not a topic name` }
  },
  destination: topicDestination,
  needsBrokers: true,
  companions: (_, { job }) => ({
    deadLetters: topicSetting(`${job}-dead-letters`),
    certificates: topicSetting(`${job}-certificates`),
  }),
  open: async (outputs, context) => (await import('./open.ts')).openKafkaSink(outputs, context),
  openReader: async (outputs, context) => (await import('./open.ts')).openKafkaReader(outputs, context),
}
