/** Calls of pub/sub and binding components: what the sidecar receives, and which of its answers can pass. */
import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { callBinding, publishToTopic, requireComponent } from '../../../src/adapters/dapr/components.ts'
import { componentSidecar, failing } from './support/component-sidecar.ts'

const EVENT = {
  pubsubName: 'broker',
  topic: 'results',
  data: Buffer.from('{"a":"<é>"}'),
  contentType: 'application/cloudevents+json',
  metadata: { rawPayload: 'true', partitionKey: 'vm-é', empty: '' },
}

it('a message reaches the sidecar with its bytes, content type and metadata', async () => {
  const { sidecar, api } = await componentSidecar([])
  await publishToTopic(api, EVENT)
  const { pubsubName: name, topic: target, contentType, metadata } = EVENT
  expect(sidecar.calls).toEqual([
    { method: 'PublishEvent', name, target, contentType, metadata, data: EVENT.data.toString() },
  ])
})

it('a call of a binding reaches the sidecar with its operation', async () => {
  const { sidecar, api } = await componentSidecar([])
  await callBinding(api, { name: 'files', operation: 'create', data: EVENT.data, metadata: { fileName: 'a/b' } })
  expect(sidecar.calls).toMatchObject([{ name: 'files', target: 'create', metadata: { fileName: 'a/b' } }])
})

describe('an answer of the sidecar', () => {
  it.each([
    [status.NOT_FOUND, "pubsub 'broker' not found", 'COMPONENT_MISSING', 'fatal'],
    [status.INVALID_ARGUMENT, 'pubsub broker is not found', 'COMPONENT_MISSING', 'fatal'],
    [status.FAILED_PRECONDITION, 'pubsub broker is not configured', 'COMPONENT_MISSING', 'fatal'],
    [status.PERMISSION_DENIED, 'topic results is not allowed for app id windrow', 'COMPONENT_FORBIDDEN', 'fatal'],
    [status.INTERNAL, 'error when publishing: Message was too large, server rejected it', 'MESSAGE_TOO_LARGE', 'fatal'],
    [
      status.INTERNAL,
      'error when publishing: client has run out of available brokers',
      'COMPONENT_FAILED',
      'retryable',
    ],
    [status.INTERNAL, 'Request was for a topic that does not exist on this broker', 'COMPONENT_FAILED', 'retryable'],
    [status.UNAVAILABLE, 'connection dropped', 'COMPONENT_UNAVAILABLE', 'retryable'],
    [status.UNIMPLEMENTED, 'unknown method', 'SIDECAR_API_DENIED', 'fatal'],
    [status.UNAUTHENTICATED, 'wrong token', 'SIDECAR_REFUSED', 'fatal'],
  ])('%s "%s" is %s (%s)', async (code, message, expected, disposition) => {
    const { sidecar, api } = await componentSidecar([])
    sidecar.onCall = () => failing(code, message)
    await expect(publishToTopic(api, EVENT)).rejects.toMatchObject({ code: expected, disposition })
  })

  it.each([
    ["couldn't find output binding files", 'COMPONENT_MISSING'],
    ['binding files does not support operation append. supported operations:create', 'COMPONENT_MISSING'],
    ['error invoking output binding files: no space left on device', 'COMPONENT_FAILED'],
  ])('of a binding: "%s" is %s', async (message, code) => {
    const { sidecar, api } = await componentSidecar([])
    sidecar.onCall = () => failing(status.INTERNAL, message)
    const call = { name: 'files', operation: 'append', data: EVENT.data, metadata: {} }
    await expect(callBinding(api, call)).rejects.toMatchObject({ code })
  })
})

it('a component must be loaded under its name, with its type', async () => {
  const { api } = await componentSidecar([
    ['statestore', 'state.redis'],
    ['broker', 'pubsub.kafka'],
  ])
  await expect(requireComponent(api, 'pubsub', 'broker')).resolves.toBeUndefined()
  await expect(requireComponent(api, 'bindings', 'broker')).rejects.toMatchObject({ code: 'COMPONENT_MISSING' })
  await expect(requireComponent(api, 'pubsub', 'statestore')).rejects.toThrow('it has broker')
})
