/**
 * A real Prometheus sends its samples to a real gateway by remote write. Every sample that it has scraped is in the topic, with
 * its time and value, and a job over the topic counts each of them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avro from 'avsc'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ROOT } from '../support/built.ts'
import { freePort } from '../telemetry/exposition.ts'
import {
  brokersOf,
  committedValues,
  createTopic,
  endedWell,
  fresh,
  resultsOf,
  stackForTests,
  startCommand,
  startRun,
} from './run-support.ts'

const stack = stackForTests()
const SAMPLES = 8
/** A VM window may have only a few metrics, so the sender chooses. */
const METRICS = ['up', 'nodejs_eventloop_delay_p99', 'windrow_gateway_acknowledgement_duration_count']
const HEADER_BYTES = 10

interface StoredPoint {
  readonly vmId: string
  readonly producer: string
  readonly metric: string
  readonly timestamp: number
  readonly value: number
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** All samples that Prometheus has of a metric: its labels, then pairs of seconds and values as texts. */
async function samplesIn(url: string, metric: string) {
  const answer = (await (await fetch(`${url}/api/v1/query?query=${metric}[1h]`)).json()) as {
    data?: { result: { metric: Record<string, string>; values: [number, string][] }[] }
  }
  return answer.data?.result ?? []
}

it('the samples that a Prometheus sends by remote write are in the topic, and a job counts them', async () => {
  const [job, topic] = [fresh('pushed'), fresh('samples')]
  await createTopic(stack(), topic, 2)
  const [metricsPort, prometheusPort] = [await freePort(), await freePort()]
  const gateway = startCommand([
    ...['gateway', '--brokers', brokersOf(stack()), '--topic', topic, '--window', '1m', '--listen', '127.0.0.1:0'],
    ...['--metrics-port', String(metricsPort), '--log-level', 'info'],
  ])
  const gatewayUrl = String((await gateway.logged(({ msg }) => msg === 'listening'))['url'])
  await vi.waitFor(async () => expect((await fetch(`${gatewayUrl}/readyz`)).status).toBe(200), { timeout: 60_000 })

  const folder = mkdtempSync(join(tmpdir(), 'windrow-pushed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'prometheus.yml')
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'gateways', static_configs: [{ targets: [`127.0.0.1:${metricsPort}`] }] }],
      remote_write: [
        {
          url: `${gatewayUrl}/v1/write`,
          queue_config: { batch_send_deadline: '500ms' },
          write_relabel_configs: [{ source_labels: ['__name__'], regex: METRICS.join('|'), action: 'keep' }],
        },
      ],
    }),
  )
  const prometheus = spawn(
    'prometheus',
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ],
    { stdio: 'ignore' },
  )
  onTestFinished(() => stop(prometheus))
  const url = `http://127.0.0.1:${prometheusPort}`
  await vi.waitFor(async () => expect((await samplesIn(url, 'up'))[0]?.values.length).toBeGreaterThanOrEqual(SAMPLES), {
    timeout: 60_000,
    interval: 500,
  })
  const scraped = (await Promise.all(METRICS.map((metric) => samplesIn(url, metric)))).flat()
  expect(scraped.length).toBeGreaterThanOrEqual(METRICS.length)
  // Prometheus sends what it has not sent yet before it ends.
  await stop(prometheus)

  const schema = JSON.parse(readFileSync(join(ROOT, 'schemas', 'unsequenced-data-point.avsc'), 'utf8')) as avro.Schema
  const type = avro.Type.forSchema(schema)
  const points = (await committedValues(stack(), topic)).map(
    (value) => type.fromBuffer(value.subarray(HEADER_BYTES)) as StoredPoint,
  )
  const keyOf = (point: Omit<StoredPoint, 'value'>): string =>
    [point.vmId, point.producer, point.metric, point.timestamp].join(' ')
  const found = new Map(points.map((point) => [keyOf(point), point.value]))
  for (const { metric, values } of scraped) {
    const { __name__: name, instance = '', job: scrapeJob = '', ...labels } = metric
    const attributes = Object.keys(labels).sort()
    const series =
      attributes.length === 0 ? name : `${name}{${attributes.map((key) => `${key}="${labels[key]}"`).join(',')}}`
    for (const [seconds, value] of values) {
      const key = keyOf({
        ...{ vmId: instance, producer: scrapeJob, metric: series ?? '', timestamp: Math.round(seconds * 1000) },
      })
      expect([key, found.get(key)]).toEqual([key, Number(value)])
    }
  }

  const settings = join(folder, 'windrow.yaml')
  writeFileSync(settings, 'fields: { seq: null }\nexpectEvery: 1s\n')
  const run = startRun(stack(), { job, topic, window: '1m', args: ['--config', settings] })
  const { stdout } = await endedWell(run)
  const { points: counts } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    points: { accepted: number; rejected: number; duplicate: number }
  }
  expect(counts).toMatchObject({ accepted: found.size, rejected: 0, duplicate: points.length - found.size })
  for (const result of await resultsOf(stack(), job)) expect(result.vmId).toBe(`127.0.0.1:${metricsPort}`)
})
