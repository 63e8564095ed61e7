/**
 * A real day under a real Prometheus: it scrapes processor, gateway, daprd and scheduler while the day comes in, part of it
 * over HTTP, and every series that a panel, a rule or an alert selects is there. A renamed metric, of ours or of Dapr's, shows here.
 */
import { beforeAll, expect, it, vi } from 'vitest'
import { allSelectors, panelExpressions } from '../observability/selected.ts'
import { assertDataIsThere, expand, oracle } from '../trace/planetlab-day.ts'
import { query, untilAnswered } from './prometheus-api.ts'
import {
  brokersOf,
  createTopic,
  endedWell,
  expectExact,
  fresh,
  isCommitted,
  produce,
  resultsOf,
  stackForTests,
  startCommand,
  startRun,
  type LoggedRun,
} from './run-support.ts'
import { ownStack } from './stacks.ts'

const WINDOW_MS = 21_600_000
const topic = 'planetlab'
/** VMs whose points come over HTTP. */
const OVER_HTTP = 20
const stack = stackForTests(ownStack({ state: 'redis', daprds: 1, with: ['prometheus'] }))

beforeAll(async () => {
  assertDataIsThere()
  await createTopic(stack(), topic, 8)
})

interface Line {
  readonly vmId: string
  readonly timestamp: number
  readonly manifest?: { readonly vmId: string; readonly windowStart: number }
}

/** The lines of each window, in order. */
function byWindow(lines: readonly string[]): string[][] {
  const windows = new Map<number, string[]>()
  for (const line of lines) {
    const { timestamp, manifest } = JSON.parse(line) as Line
    const start = manifest?.windowStart ?? Math.floor(timestamp / WINDOW_MS) * WINDOW_MS
    const window = windows.get(start) ?? []
    window.push(line)
    windows.set(start, window)
  }
  return [...windows.values()]
}

const vmOf = (line: string): string => {
  const { vmId, manifest } = JSON.parse(line) as Line
  return manifest?.vmId ?? vmId
}

async function startGateway(): Promise<string> {
  const { ports } = stack().description
  const gateway = startCommand([
    ...['gateway', '--brokers', brokersOf(stack()), '--topic', topic, '--window', '6h', '--listen', '127.0.0.1:0'],
    ...['--metrics-port', String(ports.gatewayMetrics), '--log-level', 'info'],
  ])
  const url = String((await gateway.logged(({ msg }) => msg === 'listening'))['url'])
  // It listens before it has reached Kafka.
  await vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeout: 60_000 })
  return url
}

async function post(url: string, path: string, lines: readonly string[]): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' }
  const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: lines.join('\n') })
  expect(await response.json()).toEqual({ taken: lines.length })
}

const published = ({ lines }: LoggedRun): number =>
  lines.filter(({ msg }) => msg === 'published').reduce((sum, line) => sum + Number(line['results']), 0)

it('sees every series that a panel, a rule or an alert selects', async () => {
  const job = fresh('seen')
  const { ports } = stack().description
  const url = await startGateway()
  // The day is long past: the wall clock must not close what is still to come.
  const args = ['--metrics-port', String(ports.processorMetrics), '--vms-per-workflow', '8', '--deadline', '9000d']
  const run = startRun(stack(), { job, topic, window: '6h', once: false, args })

  const lines = expand(['--window-ms', String(WINDOW_MS)])
  const exact = oracle(WINDOW_MS)
  const overHttp = new Set([...new Set(lines.map(vmOf))].slice(0, OVER_HTTP))
  const windows = byWindow(lines)
  expect(windows).toHaveLength(4)
  for (const [index, window] of windows.entries()) {
    const [own, others] = [true, false].map((isOwn) => window.filter((line) => overHttp.has(vmOf(line)) === isOwn))
    const isManifest = (line: string): boolean => line.startsWith('{"manifest"')
    await post(url, '/v1/points', own?.filter((line) => !isManifest(line)) ?? [])
    await post(url, '/v1/manifests', own?.filter(isManifest) ?? [])
    await produce(stack(), topic, others ?? [])
    if (index === 0) continue
    // The window before has closed by now, or will. A rise takes two scrapes with a change between them.
    await run.logged(isCommitted)
    await untilAnswered(stack(), [`windrow_results_total{windrow_job="${job}"} > 0`])
  }
  await run.logged(() => published(run) >= exact.size)

  const targets = await query(stack(), 'up')
  const up = targets.map(({ metric, value }) => [metric['job'], value]).sort()
  expect(up).toEqual([
    ['daprd', 1],
    ['scheduler', 1],
    ['windrow', 1],
    ['windrow-gateway', 1],
  ])
  const selectors = allSelectors()
  expect(selectors.length).toBeGreaterThan(50)
  await untilAnswered(stack(), selectors)
  await untilAnswered(stack(), panelExpressions())

  run.child.kill('SIGTERM')
  await endedWell(run)
  expectExact(await resultsOf(stack(), job), exact)
})
