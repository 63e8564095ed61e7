/** What `--results kafka:TOPIC` names: a topic. */
import type { SinkSetting } from '../sink.ts'

export interface TopicSetting extends SinkSetting {
  readonly kind: 'kafka'
  readonly topic: string
}

export function topicSetting(topic: string): TopicSetting {
  return { kind: 'kafka', topic }
}

/** The topic if the setting names one. */
export function topicNameOf(setting: SinkSetting): string | null {
  return setting.kind === 'kafka' ? (setting as TopicSetting).topic : null
}

/** How the sink names a place in messages. */
export function topicDestination({ topic }: TopicSetting): string {
  return `topic ${topic}`
}
