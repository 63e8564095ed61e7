/** What `--results pubsub:COMPONENT/TOPIC` names: a topic of a Dapr pub/sub component. */
import type { SinkSetting } from '../sink.ts'

export interface PubsubSetting extends SinkSetting {
  readonly kind: 'pubsub'
  readonly component: string
  readonly topic: string
}

/** How the sink names a place in messages. */
export function pubsubDestination({ component, topic }: PubsubSetting): string {
  return `topic ${topic} of the component ${component}`
}
