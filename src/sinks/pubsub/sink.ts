/**
 * The pub/sub sink, `--results pubsub:COMPONENT/TOPIC`: each result as a CloudEvent in a topic of a Dapr pub/sub component.
 * The bytes are published as they are (`rawPayload`), since a sidecar would sort the members of an event that it wraps.
 */
import type { SinkDefinition } from '../sink.ts'
import { pubsubDestination, type PubsubSetting } from './setting.ts'

const PREFIX = 'pubsub:'
const PLACE = /^([\w.-]+)\/([^\s]+)$/

export const pubsubSink: SinkDefinition<PubsubSetting> = {
  kind: 'pubsub',
  form: 'pubsub:COMPONENT/TOPIC',
  expects: 'pubsub: and the name of a Dapr component, / and a topic',
  guarantee: 'At least once: a crash may repeat the events of a commit, with the same ids.',
  parse(text) {
    if (!text.startsWith(PREFIX)) return null
    const [, component, topic] = PLACE.exec(text.slice(PREFIX.length)) ?? []
    if (component !== undefined && topic !== undefined) return { kind: 'pubsub', component, topic }
    return { problem: `${JSON.stringify(text)} names no component and topic` }
  },
  destination: pubsubDestination,
  needsDaprd: () => true,
  allowsSeveral: true,
  open: async ({ results }, context) => (await import('./open.ts')).openPubsubSink(results, context),
}
