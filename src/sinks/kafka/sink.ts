/** The Kafka sink, `--results kafka:TOPIC`: results, dead letters and certificates as Avro records in topics of their own. */
import type { SinkDefinition, SinkSetting } from '../sink.ts'

export interface TopicSetting extends SinkSetting {
  readonly kind: 'kafka'
  readonly topic: string
}

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
  destination: ({ topic }) => `topic ${topic}`,
  needsBrokers: true,
  companions: (_, { job }) => ({
    deadLetters: topicSetting(`${job}-dead-letters`),
    certificates: topicSetting(`${job}-certificates`),
  }),
  open: async (outputs, context) => (await import('./open.ts')).openKafkaSink(outputs, context),
  openReader: async (outputs, context) => (await import('./open.ts')).openKafkaReader(outputs, context),
}

export function topicSetting(topic: string): TopicSetting {
  return { kind: 'kafka', topic }
}

/** The topic if the setting names one. */
export function topicOf(setting: SinkSetting): string | null {
  return setting.kind === kafkaSink.kind ? (setting as TopicSetting).topic : null
}
