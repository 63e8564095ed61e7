/** Opens the pub/sub sink for a run. */
import { publishToTopic, requireComponent } from '../../adapters/dapr/components.ts'
import type { Sink } from '../../ports/index.ts'
import { createEventPublisher } from '../event-publisher.ts'
import { CLOUD_EVENT_TYPE } from '../result-event.ts'
import type { SinkContext } from '../sink.ts'
import { pubsubDestination, type PubsubSetting } from './setting.ts'

export async function openPubsubSink(setting: PubsubSetting, { job, dapr }: SinkContext): Promise<Sink> {
  const { component: pubsubName, topic } = setting
  await requireComponent(dapr, 'pubsub', pubsubName)
  const publisher = createEventPublisher(job, ({ key, body: data }) =>
    publishToTopic(dapr, {
      ...{ pubsubName, topic, data, contentType: CLOUD_EVENT_TYPE },
      // Kafka takes the record's key from partitionKey; without it the events of a VM would be spread over all partitions.
      metadata: { rawPayload: 'true', partitionKey: key },
    }),
  )
  return {
    destination: pubsubDestination(setting),
    delivery: 'at-least-once',
    publishers: { open: () => Promise.resolve(publisher) },
  }
}
