/**
 * Results as CloudEvents: their ids and bytes; the order of the events of a VM; what a failure leaves in flight. The sinks
 * themselves: their settings, and what a sidecar receives.
 */
import { describe, expect, it } from 'vitest'
import type { OutboxBatch } from '../../src/ports/index.ts'
import { bindingSink } from '../../src/sinks/binding/sink.ts'
import { createEventPublisher } from '../../src/sinks/event-publisher.ts'
import { pubsubSink } from '../../src/sinks/pubsub/sink.ts'
import { parseSink } from '../../src/sinks/registry.ts'
import { resultEvent, type ResultEvent } from '../../src/sinks/result-event.ts'
import { componentSidecar } from '../adapters/dapr/support/component-sidecar.ts'
import { sinkContext } from './sink-context.ts'

/** The members are not in the order of the alphabet, and the number is in a form that JSON.stringify does not write. */
const lineOf = (vmId: string, revision = 1): string =>
  `{"vmId":${JSON.stringify(vmId)},"windowStart":3600000,"revision":${revision},"metrics":{"b":1.50,"a":"<>"}}`

const batchOf = (results: readonly string[]): OutboxBatch => ({
  marker: { commit: 1, digest: 'd' },
  ...{ resumeOffset: 1, results, deadLetters: [], certificates: [] },
})

describe('an event', () => {
  it('has an id of job, window, revision and VM, and the line as its data, byte for byte', () => {
    const line = lineOf('vm "1"/é')
    const { id, key, path, body } = resultEvent('fleet', line)
    expect(id).toBe('fleet/3600000/1/vm "1"/é')
    expect(key).toBe('vm "1"/é')
    expect(path).toBe('fleet/3600000/vm%20%221%22%2F%C3%A9.1.json')
    const text = body.toString('utf8')
    expect(text.endsWith(`,"data":${line}}`)).toBe(true)
    expect(JSON.parse(text)).toEqual({
      ...{ specversion: '1.0', id, source: 'windrow/fleet', type: 'windrow.vm-window' },
      ...{ subject: key, partitionkey: key, datacontenttype: 'application/json', data: JSON.parse(line) as unknown },
    })
  })

  it('has the same id and bytes each time, and another id for another revision', () => {
    expect(resultEvent('fleet', lineOf('a'))).toEqual(resultEvent('fleet', lineOf('a')))
    expect(resultEvent('fleet', lineOf('a', 2)).id).not.toBe(resultEvent('fleet', lineOf('a')).id)
  })
})

describe('publishing a commit', () => {
  it('keeps the order of the events of a VM while other VMs overtake', async () => {
    const sent: string[] = []
    let release = (): void => undefined
    const isSlow = new Promise<void>((resolve) => (release = resolve))
    const publisher = createEventPublisher('fleet', async ({ id, key }) => {
      if (key === 'slow' && id.includes('/1/')) await isSlow
      sent.push(id)
      if (sent.length === 40) release()
    })
    const others = Array.from({ length: 40 }, (_, i) => lineOf(`vm-${i}`))
    await publisher.publish(batchOf([lineOf('slow', 1), lineOf('slow', 2), ...others]))
    expect(sent).toHaveLength(42)
    expect(sent.slice(-2)).toEqual(['fleet/3600000/1/slow', 'fleet/3600000/2/slow'])
  })

  it('a failure is thrown after everything in flight has ended, and begins no further event', async () => {
    let begun = 0
    let ended = 0
    const failure = new Error('the broker is down')
    const publisher = createEventPublisher('fleet', async () => {
      if (++begun === 1) throw failure
      await new Promise((resolve) => setImmediate(resolve))
      ended++
    })
    const lines = Array.from({ length: 100 }, (_, i) => lineOf(`vm-${i}`))
    await expect(publisher.publish(batchOf(lines))).rejects.toBe(failure)
    expect(ended).toBe(begun - 1)
    expect(begun).toBeLessThan(100)
  })
})

describe('a setting', () => {
  it.each([
    ['pubsub:broker/vm-results', { kind: 'pubsub', component: 'broker', topic: 'vm-results' }],
    ['pubsub:broker/persistent://a/b', { kind: 'pubsub', component: 'broker', topic: 'persistent://a/b' }],
    ['binding:files', { kind: 'binding', component: 'files', operation: 'create' }],
    ['binding:hook/post', { kind: 'binding', component: 'hook', operation: 'post' }],
  ])('%s is parsed', (text, setting) => expect(parseSink(text)).toEqual(setting))

  it.each(['pubsub:broker', 'pubsub:/topic', 'pubsub:broker/', 'binding:', 'binding:a/b/c'])('%s is refused', (text) =>
    expect(parseSink(text)).toHaveProperty('problem'),
  )
})

describe('a sink', () => {
  const event: ResultEvent = resultEvent('fleet', lineOf('a'))

  it('publishes to a topic, raw and keyed by the VM', async () => {
    const { sidecar, api: dapr } = await componentSidecar([['broker', 'pubsub.kafka']])
    const results = { kind: 'pubsub', component: 'broker', topic: 'vm-results' } as const
    const sink = await pubsubSink.open({ results }, sinkContext({ dapr }))
    if (sink.delivery !== 'at-least-once') throw new Error('pub/sub has no transactions')
    await (await sink.publishers.open(0)).publish(batchOf([lineOf('a')]))
    expect(sidecar.calls).toEqual([
      {
        ...{ method: 'PublishEvent', name: 'broker', target: 'vm-results' },
        ...{ contentType: 'application/cloudevents+json', data: event.body.toString() },
        metadata: { rawPayload: 'true', partitionKey: 'a' },
      },
    ])
  })

  it('calls a binding with a place of the event alone', async () => {
    const { sidecar, api: dapr } = await componentSidecar([['files', 'bindings.localstorage']])
    const results = { kind: 'binding', component: 'files', operation: 'create' } as const
    const sink = await bindingSink.open({ results }, sinkContext({ dapr }))
    if (sink.delivery !== 'at-least-once') throw new Error('bindings have no transactions')
    await (await sink.publishers.open(0)).publish(batchOf([lineOf('a')]))
    expect(sidecar.calls).toMatchObject([
      { method: 'InvokeBinding', name: 'files', target: 'create', data: event.body.toString() },
    ])
    expect(sidecar.calls[0]?.metadata).toMatchObject({ id: event.id, fileName: event.path, key: event.path })
  })

  it('does not open if the sidecar lacks the component', async () => {
    const { api: dapr } = await componentSidecar([['statestore', 'state.redis']])
    const results = { kind: 'pubsub', component: 'broker', topic: 'vm-results' } as const
    await expect(pubsubSink.open({ results }, sinkContext({ dapr }))).rejects.toMatchObject({
      code: 'COMPONENT_MISSING',
    })
  })
})
