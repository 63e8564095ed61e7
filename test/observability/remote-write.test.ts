/**
 * A real Prometheus receives results by remote write: the figures with the end of the window as their time; a repeated commit, an
 * amendment that it refuses, and one that `out_of_order_time_window` covers.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { PipelineEvent } from '../../src/ports/events.ts'
import { openPrometheusSink } from '../../src/sinks/prometheus/open.ts'
import type { PrometheusSetting } from '../../src/sinks/prometheus/setting.ts'
import type { SinkContext } from '../../src/sinks/sink.ts'
import { batchOf, HOUR_MS, resultOf } from '../sinks/batches.ts'
import { freePort } from '../telemetry/exposition.ts'

/** The end of the last full hour: Prometheus takes samples of the last hours. */
const NOW = Math.floor(Date.now() / HOUR_MS) * HOUR_MS

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** `tsdb`: the settings of its storage. */
async function startPrometheus(tsdb: object): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-prometheus-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'prometheus.yml')
  writeFileSync(config, JSON.stringify({ storage: { tsdb } }))
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver'],
    ],
    { stdio: 'ignore' },
  )
  onTestFinished(() => stop(child))
  const url = `http://127.0.0.1:${port}`
  await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).status).toBe(200), {
    ...{ timeout: 60_000, interval: 100 },
  })
  return url
}

async function publisherTo(prometheus: string) {
  const events: PipelineEvent[] = []
  const setting: PrometheusSetting = {
    ...{ kind: 'prometheus', url: `${prometheus}/api/v1/write`, figures: ['mean', 'max'], prefix: 'windrow_' },
  }
  // The sink uses no other member.
  const context = { job: 'fleet', emit: (event: PipelineEvent) => void events.push(event) } as unknown as SinkContext
  const sink = openPrometheusSink(setting, context)
  if (sink.delivery !== 'at-least-once') throw new Error('remote write has no transactions')
  return { publisher: await sink.publishers.open(0), events }
}

/** Pairs of time and value that Prometheus has of each VM. */
async function storedIn(prometheus: string, metric: string): Promise<Map<string, (readonly [number, number])[]>> {
  const query = new URLSearchParams({ query: `${metric}{job="fleet",metric="cpu"}[1d]`, time: String(NOW / 1000 + 60) })
  const { data } = (await (await fetch(`${prometheus}/api/v1/query?${query.toString()}`)).json()) as {
    data: { result: { metric: { vm_id: string }; values: [number, string][] }[] }
  }
  return new Map(
    data.result.map(({ metric: { vm_id }, values }) => [
      vm_id,
      values.map(([seconds, value]) => [seconds * 1000, Number(value)] as const),
    ]),
  )
}

const vms = Array.from({ length: 700 }, (_, vm) => `vm "${vm}" é`)
/** The window that ends `hours` before the last full hour. */
const windowOf = (vm: string, hours: number, revision: number, value: number) =>
  resultOf(vm, NOW - (hours + 1) * HOUR_MS, revision, value)

it('a Prometheus stores each figure once, and refuses revisions without failing the commit', async () => {
  const prometheus = await startPrometheus({})
  const { publisher, events } = await publisherTo(prometheus)
  const value = (vm: string, hours: number): number => vms.indexOf(vm) / 7 + hours
  const closed = (hours: number) =>
    batchOf(
      9 - hours,
      vms.map((vm) => windowOf(vm, hours, 1, value(vm, hours))),
    )
  await publisher.publish(closed(1))
  await publisher.publish(closed(0))
  // As after a crash before the marker was stored.
  await publisher.publish(closed(0))
  expect(events).toEqual([])
  const whole = new Map(vms.map((vm) => [vm, [1, 0].map((hours) => [NOW - hours * HOUR_MS, value(vm, hours)])]))
  for (const metric of ['windrow_mean', 'windrow_max']) expect(await storedIn(prometheus, metric)).toEqual(whole)

  // One VM has another value in its last window, one in the window before, and one is new there.
  const [a = '', b = ''] = vms
  await publisher.publish(batchOf(10, [windowOf(a, 0, 2, 1e6), windowOf(b, 1, 2, 1e6), windowOf('new', 1, 2, 3)]))
  expect(events).toMatchObject([{ kind: 'samples-refused', partition: 0, commit: 10, count: 4 }])
  const named = (events[0] as PipelineEvent & { readonly kind: 'samples-refused' }).samples
  expect(named.filter((text) => text.endsWith(': out of order sample'))).toHaveLength(2)
  expect(named.filter((text) => text.endsWith(': duplicate sample for timestamp'))).toHaveLength(2)
  whole.set('new', [[NOW - HOUR_MS, 3]])
  expect(await storedIn(prometheus, 'windrow_mean')).toEqual(whole)
})

it('with out_of_order_time_window, a late window is stored, and one that is too old is refused', async () => {
  const prometheus = await startPrometheus({ out_of_order_time_window: '90m' })
  const { publisher, events } = await publisherTo(prometheus)
  await publisher.publish(
    batchOf(
      1,
      ['a', 'b'].map((vm) => windowOf(vm, 0, 1, 1)),
    ),
  )
  await publisher.publish(batchOf(2, [windowOf('a', 1, 2, 2)]))
  expect(events).toEqual([])
  await publisher.publish(batchOf(3, [windowOf('a', 3, 2, 3), windowOf('b', 1, 2, 4)]))
  expect(events).toMatchObject([{ kind: 'samples-refused', commit: 3, count: 2 }])
  expect(await storedIn(prometheus, 'windrow_mean')).toEqual(
    new Map([
      [
        'a',
        [
          [NOW - HOUR_MS, 2],
          [NOW, 1],
        ],
      ],
      [
        'b',
        [
          [NOW - HOUR_MS, 4],
          [NOW, 1],
        ],
      ],
    ]),
  )
})
