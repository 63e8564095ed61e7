/**
 * Two jobs of one Dapr app. Sidecars of one app id share the work of all its jobs, so each process runs activities of both.
 * A process that ends must not fail those of the other job.
 *
 * Both processes have the same sidecar, because a daprd that loses its last worker in the middle of work can deadlock, which
 * is another subject (docs/internals/decisions/0015-a-stuck-sidecar-is-asked-to-end.md).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSidecar, type SidecarStack } from '../../src/app/run/sidecar.ts'
import { summary } from '../../src/core/summary.ts'
import { resolveSettings } from '../../src/library/settings.ts'
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts'
import { createGate } from '../adapters/dapr/support/sidecar.ts'
import { samplePoints } from '../support/sample-points.ts'
import { createTopic, endedWell, exactOf, expectExact, fresh, produce, resultsOf } from './run-support.ts'
import { stackForTests, startRun } from './run-support.ts'

const WINDOW_MS = 3_600_000
const PARTITIONS = 4
const stack = stackForTests()

/** The process of another job. Activities that it receives work until the process closes its client. */
async function openOther(grpcPort: number): Promise<SidecarStack & { readonly received: Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'windrow-neighbor-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const work = createGate()
  work.open()
  const config = resolveSettings({
    ...{ job: fresh('other'), input: ['unread.ndjson'], window: '1h', dataDir: folder },
    ...{ sidecar: 'dapr', daprGrpcPort: grpcPort },
  })
  const hooks = {
    ...{ onVmWindows: () => undefined, onWorkerEvent: () => undefined, onWarning: () => undefined },
    onPipelineEvent: () => undefined,
    telemetry: {
      ...NO_TELEMETRY,
      sidecar: {
        ...NO_TELEMETRY.sidecar,
        store: (store: SidecarStack['store']): SidecarStack['store'] => ({
          ...store,
          async get(keys) {
            await work.pass()
            for (;;) await store.get(keys)
          },
        }),
      },
    },
  }
  const sidecar = await openSidecar(config, 1, summary, hooks, new AbortController().signal)
  return { ...sidecar, received: work.arrived }
}

it('a process that ends in the middle of activities of another job does not halt that job', async () => {
  const vms = Array.from({ length: 24 }, (_, index) => `vm-${index}`)
  const lines = samplePoints({ vms, windows: 6, pointsPerWindow: 4, windowMs: WINDOW_MS }).trimEnd().split('\n')
  const live = { job: fresh('live'), topic: fresh('live_topic') }
  await createTopic(stack(), live.topic, PARTITIONS)
  await produce(stack(), live.topic, lines)

  const grpcPort = stack().description.daprds[0]?.ports.grpc ?? 0
  const other = await openOther(grpcPort)
  const running = startRun(stack(), live)
  const endedFirst = running.ended.then(() => expect.unreachable('the other process received no activity of the job'))
  await Promise.race([other.received, endedFirst])
  await other.close()
  await endedWell(running)
  expectExact(await resultsOf(stack(), live.job), exactOf(lines, WINDOW_MS))
})
