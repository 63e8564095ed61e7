/** The Prometheus sink against a receiver that decodes requests: samples, order, repeats, refusals, errors. */
import { describe, expect, it } from 'vitest'
import type { PipelineEvent } from '../../../src/ports/events.ts'
import type { AtLeastOncePublisher } from '../../../src/ports/index.ts'
import { publishersOf } from '../../../src/pipeline/stored-marker.ts'
import { prometheusSink } from '../../../src/sinks/prometheus/sink.ts'
import { parsePrometheus } from '../../../src/sinks/prometheus/setting.ts'
import { parseSink } from '../../../src/sinks/registry.ts'
import { componentSidecar } from '../../adapters/dapr/support/component-sidecar.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { batchOf, HOUR_MS, resultOf } from '../batches.ts'
import { sinkContext } from '../sink-context.ts'
import { OrderedDatabase, seriesOf, startReceiver } from './receiver.ts'

async function sinkOn(url: string, parameters = '?figures=mean') {
  const results = parsePrometheus(`prometheus:${url}${parameters}`)
  if (results === null || 'problem' in results) throw new Error(results?.problem ?? 'not an address')
  const { api: dapr } = await componentSidecar([])
  const events: PipelineEvent[] = []
  const emit = (event: PipelineEvent): void => void events.push(event)
  const sink = await prometheusSink.open({ results }, sinkContext({ dapr, emit }))
  if (sink.delivery !== 'at-least-once') throw new Error('remote write has no transactions')
  return { sink, events }
}

async function publisherOn(url: string, parameters?: string) {
  const { sink, events } = await sinkOn(url, parameters)
  const publisher: AtLeastOncePublisher = await sink.publishers.open(0)
  return { publisher, events }
}

it('one sample per metric and figure has the end of the window as its time', async () => {
  const { url, requests } = await startReceiver(() => [204])
  const { publisher } = await publisherOn(url, '?figures=mean,max,absent&prefix=fleet:')
  await publisher.publish(batchOf(1, [resultOf('vm "é"', HOUR_MS, 1, { cpu: 1.5, 'net.rx': 0 })]))
  expect(requests).toHaveLength(1)
  expect(requests[0]?.url).toBe('/api/v1/write')
  expect(requests[0]?.headers).toMatchObject({
    ...{ 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    'x-prometheus-remote-write-version': '0.1.0',
  })
  const labels = (metric: string) => ({ job: 'fleet', metric, vm_id: 'vm "é"' })
  expect(requests[0]?.samples).toEqual([
    { name: 'fleet:mean', labels: labels('cpu'), at: 2 * HOUR_MS, value: 1.5 },
    { name: 'fleet:max', labels: labels('cpu'), at: 2 * HOUR_MS, value: 1.5 },
    { name: 'fleet:mean', labels: labels('net.rx'), at: 2 * HOUR_MS, value: 0 },
    { name: 'fleet:max', labels: labels('net.rx'), at: 2 * HOUR_MS, value: 0 },
  ])
})

it('the windows of a commit come in the order of time, and of two revisions only the newer one', async () => {
  const database = new OrderedDatabase()
  const { url, requests } = await startReceiver((request) => database.answer(request))
  const { publisher, events } = await publisherOn(url)
  const results = [3, 1, 2].map((hour) => resultOf('a', hour * HOUR_MS, 1, hour))
  await publisher.publish(batchOf(1, [...results, resultOf('a', HOUR_MS, 2, 10)]))
  expect(database.stored.get('windrow_mean cpu a')?.map(({ at, value }) => [at / HOUR_MS, value])).toEqual([
    [2, 10],
    [3, 2],
    [4, 3],
  ])
  expect(requests).toHaveLength(3)
  expect(events).toEqual([])
})

it('a large commit is written in several requests', async () => {
  const { url, requests } = await startReceiver(() => [204])
  const { publisher } = await publisherOn(url)
  await publisher.publish(
    batchOf(
      1,
      Array.from({ length: 1200 }, (_, vm) => resultOf(`vm-${vm}`, 0, 1, vm / 7)),
    ),
  )
  expect(requests.map(({ samples }) => samples.length)).toEqual([500, 500, 200])
  expect(requests.flatMap(({ samples }) => samples.map(({ value }) => value))).toEqual(
    Array.from({ length: 1200 }, (_, vm) => vm / 7),
  )
  // The labels repeat, so the requests are compressed.
  for (const { headers, samples } of requests)
    expect(Number(headers['content-length'])).toBeLessThan(40 * samples.length)
})

it('a refused revision is named, and takes no other sample of the request with it', async () => {
  const database = new OrderedDatabase()
  const { url } = await startReceiver((request) => database.answer(request))
  const { publisher, events } = await publisherOn(url)
  const vms = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  await publisher.publish(
    batchOf(
      1,
      vms.map((vm) => resultOf(vm, 0, 1, 1)),
    ),
  )
  await publisher.publish(batchOf(2, [resultOf('c', HOUR_MS, 1, 1), resultOf('e', HOUR_MS, 1, 1)]))
  // New to the receiver, and of the same request as two that it refuses.
  const amended = [...vms, 'new'].map((vm) => resultOf(vm, 0, 2, vm === 'c' || vm === 'a' ? 5 : 1))
  await publisher.publish(batchOf(3, [...amended, resultOf('a', HOUR_MS, 1, 9)]))
  expect(database.stored.get('windrow_mean cpu new')).toHaveLength(1)
  expect(database.stored.get('windrow_mean cpu a')?.map(({ value }) => value)).toEqual([1, 9])
  const sample = (vm: string): string =>
    `windrow_mean{job="fleet",metric="cpu",vm_id="${vm}"} at 1970-01-01T01:00:00.000Z`
  expect(events).toEqual([
    {
      ...{ kind: 'samples-refused', partition: 0, window: null, commit: 3, count: 3 },
      destination: `remote write to ${url}`,
      samples: [
        `${sample('a')}: duplicate sample for timestamp`,
        `${sample('c')}: out of order sample`,
        `${sample('e')}: out of order sample`,
      ],
    },
  ])
})

it('of many refused samples, ten are named and all are counted', async () => {
  const { url } = await startReceiver(() => [400, 'out of bounds'])
  const { publisher, events } = await publisherOn(url)
  await publisher.publish(
    batchOf(
      1,
      Array.from({ length: 25 }, (_, vm) => resultOf(`vm-${vm}`, 0, 1, 1)),
    ),
  )
  expect(events).toMatchObject([{ kind: 'samples-refused', count: 25 }])
  expect(events[0]).toHaveProperty('samples.length', 10)
})

describe('a commit that failed', () => {
  it('is written again as a whole, and its marker is stored only then', async () => {
    const database = new OrderedDatabase()
    let failing = true
    const { url, requests } = await startReceiver((request) => {
      // The second request of the first attempt fails.
      if (failing && request.samples.some(({ labels }) => labels['vm_id'] === 'vm-500')) return [503, 'starting']
      return database.answer(request)
    })
    const { sink, events } = await sinkOn(url)
    const publishers = publishersOf(sink, new MemoryStore(), 'fleet')
    const batch = batchOf(
      7,
      Array.from({ length: 600 }, (_, vm) => resultOf(`vm-${vm}`, 0, 1, vm)),
    )
    await expect((await publishers.open(0)).publish(batch)).rejects.toMatchObject({
      ...{ code: 'PROMETHEUS_UNAVAILABLE', disposition: 'retryable' },
    })
    const again = await publishers.open(0)
    expect(again.marker).toBeNull()
    failing = false
    await again.publish(batch)
    expect((await publishers.open(0)).marker).toEqual(batch.marker)
    // The first 500 were sent twice, with the same times and values: the receiver has each once.
    expect(requests.map(({ samples }) => samples.length)).toEqual([500, 100, 500, 100])
    expect(requests[2]?.samples).toEqual(requests[0]?.samples)
    expect(database.stored.size).toBe(600)
    expect([...database.stored.values()].every((samples) => samples.length === 1)).toBe(true)
    expect(new Set(requests.flatMap(({ samples }) => samples.map(seriesOf))).size).toBe(600)
    expect(events).toEqual([])
  })

  it.each([
    [500, 'disk full', 'PROMETHEUS_UNAVAILABLE', 'retryable'],
    [503, '', 'PROMETHEUS_UNAVAILABLE', 'retryable'],
    [408, '', 'PROMETHEUS_UNAVAILABLE', 'retryable'],
    [429, 'out of order', 'PROMETHEUS_UNAVAILABLE', 'retryable'],
    [302, '', 'PROMETHEUS_REFUSED', 'fatal'],
    [400, 'snappy: corrupt input', 'PROMETHEUS_REFUSED', 'fatal'],
    [401, '', 'PROMETHEUS_REFUSED', 'fatal'],
    [404, 'remote write receiver needs to be enabled', 'PROMETHEUS_REFUSED', 'fatal'],
  ])('with %i %s is %s (%s)', async (status, text, code, disposition) => {
    const { url, requests } = await startReceiver(() => [status, text])
    const { publisher, events } = await publisherOn(url)
    const publishing = publisher.publish(batchOf(1, [resultOf('a', 0, 1, 1), resultOf('b', 0, 1, 1)]))
    await expect(publishing).rejects.toMatchObject({ code, disposition })
    expect(requests).toHaveLength(1)
    expect(events).toEqual([])
  })

  it('without an answer is retryable', async () => {
    const { publisher } = await publisherOn('http://127.0.0.1:1/api/v1/write')
    await expect(publisher.publish(batchOf(1, [resultOf('a', 0, 1, 1)]))).rejects.toMatchObject({
      ...{ code: 'PROMETHEUS_UNAVAILABLE', disposition: 'retryable' },
    })
  })
})

it.each([
  [400, 'out of order sample'],
  [400, 'duplicate sample for timestamp'],
  [400, 'out of bounds'],
  [400, 'too old sample'],
  // Prometheus before 2.49.
  [500, 'too old sample'],
  [409, 'store locally for endpoint: conflict: out of order sample'],
  [400, 'failed pushing to ingester: err-mimir-sample-out-of-order'],
  [400, 'send data to ingesters: err-mimir-sample-duplicate-timestamp'],
])('the answer %i %s does not fail the commit', async (status, text) => {
  const { url } = await startReceiver(() => [status, text])
  const { publisher, events } = await publisherOn(url)
  await publisher.publish(batchOf(1, [resultOf('a', 0, 1, 1)]))
  expect(events).toMatchObject([{ kind: 'samples-refused', count: 1 }])
})

describe('a setting', () => {
  it('has defaults', () =>
    expect(parseSink('prometheus:http://prometheus:9090')).toEqual({
      ...{ kind: 'prometheus', url: 'http://prometheus:9090/api/v1/write', prefix: 'windrow_' },
      figures: ['count', 'mean', 'max', 'p95'],
    }))

  it('names figures and a prefix, which are no part of the destination', () => {
    const setting = parsePrometheus('prometheus:https://mimir/api/v1/push?figures=rate,rate&prefix=')
    expect(setting).toEqual({ kind: 'prometheus', url: 'https://mimir/api/v1/push', figures: ['rate'], prefix: '' })
    if (setting === null || 'problem' in setting) throw new Error('the address is valid')
    expect(prometheusSink.destination(setting)).toBe('remote write to https://mimir/api/v1/push')
  })

  it.each([
    ['prometheus:', 'is not http'],
    ['prometheus:host:9090', 'is not http'],
    ['prometheus:ftp://host/', 'is not http'],
    ['prometheus:http://u:secret@host/', 'contains a user or a password'],
    ['prometheus:http://host/?token=secret', 'token= is none of figures, prefix'],
    ['prometheus:http://host/?figures=', 'is not a name of a metric'],
    ['prometheus:http://host/?figures=a-b', '"windrow_a-b" (prefix and figure) is not a name of a metric'],
    ['prometheus:http://host/?figures=1m&prefix=', 'is not a name of a metric'],
    ['prometheus:http://host/?prefix=9', 'is not a name of a metric'],
  ])('%s: %s', (text, problem) => {
    const setting = parsePrometheus(text)
    expect(setting).toHaveProperty('problem', expect.stringContaining(problem))
    expect(JSON.stringify(setting)).not.toContain('secret')
  })
})
