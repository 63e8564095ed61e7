/**
 * Sidecars of one Dapr app share the work of all its jobs, so a process runs activities of other jobs. When it shuts down,
 * they are handed out again; the other job does not notice.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runJobWith } from '../../../src/app/run/run.ts'
import { openSidecar } from '../../../src/app/run/sidecar.ts'
import { summary } from '../../../src/core/summary.ts'
import { resolveSettings } from '../../../src/library/settings.ts'
import { NO_TELEMETRY } from '../../../src/telemetry/telemetry.ts'
import { createGate, STORE, testSidecar } from '../../adapters/dapr/support/sidecar.ts'
import { fleetLines } from '../../support/fleet-lines.ts'

it('a process that ends hands activities of another job back instead of failing that job', async () => {
  const { grpcPort } = await testSidecar()
  const folder = mkdtempSync(join(tmpdir(), 'windrow-shared-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const input = join(folder, 'points.ndjson')
  writeFileSync(input, fleetLines({ vms: 6, windows: 6, windowMs: 60_000, pointsPerWindow: 4, seed: 7 }).join('\n'))
  const settings = { input: [input], partitions: 1, window: '1m', sidecar: 'dapr', daprGrpcPort: grpcPort } as const
  const configOf = (job: string) => resolveSettings({ ...settings, job, stateStore: STORE, dataDir: join(folder, job) })
  const { signal } = new AbortController()

  // The process of another job. The first activity that it receives works until the process closes its client.
  const work = createGate()
  const other = await openSidecar(
    configOf('other'),
    1,
    summary,
    {
      onVmWindows: () => undefined,
      onWorkerEvent: () => undefined,
      onWarning: (message) => expect.unreachable(message),
      onPipelineEvent: () => undefined,
      telemetry: {
        ...NO_TELEMETRY,
        sidecar: {
          ...NO_TELEMETRY.sidecar,
          store: (store) => ({
            ...store,
            async get(keys) {
              work.open()
              await work.pass()
              for (;;) await store.get(keys)
            },
          }),
        },
      },
    },
    signal,
  )
  const events: unknown[] = []
  const observer = { progress: () => undefined, event: (event: unknown) => void events.push(event) }
  const live = runJobWith(summary, configOf('live'), observer, signal)
  await Promise.race([work.arrived, live.then(() => expect.unreachable('the other process received no activity'))])
  await other.close()
  expect(await live).toMatchObject({ points: { consumed: 6 * 6 * 4 + 6 * 6 }, windows: { closed: 6 } })
  expect(events.filter((event) => (event as { kind: string }).kind === 'warning')).toEqual([])
})
