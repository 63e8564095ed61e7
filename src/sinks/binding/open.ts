/** Opens the binding sink for a run. */
import { callBinding, requireComponent } from '../../adapters/dapr/components.ts'
import type { Sink } from '../../ports/index.ts'
import { createEventPublisher } from '../event-publisher.ts'
import { CLOUD_EVENT_TYPE } from '../result-event.ts'
import type { SinkContext } from '../sink.ts'
import { bindingDestination, type BindingSetting } from './setting.ts'

export async function openBindingSink(setting: BindingSetting, { job, dapr }: SinkContext): Promise<Sink> {
  const { component: name, operation } = setting
  await requireComponent(dapr, 'bindings', name)
  const publisher = createEventPublisher(job, ({ id, key, path, body: data }) =>
    callBinding(dapr, { name, operation, data, metadata: metadataOf(id, key, path) }),
  )
  return {
    destination: bindingDestination(setting),
    delivery: 'at-least-once',
    publishers: { open: () => Promise.resolve(publisher) },
  }
}

/**
 * Bindings read the members that they know and ignore the others. `fileName` (local storage), `blobName` (Azure) and `key`
 * (S3, Redis) name a place of this event alone, so a repeated call replaces what the first one stored.
 */
function metadataOf(id: string, partitionKey: string, path: string): Record<string, string> {
  return { id, partitionKey, fileName: path, blobName: path, key: path, contentType: CLOUD_EVENT_TYPE }
}
