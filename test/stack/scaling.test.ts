/**
 * A real day while the number of processors changes as in a cluster. Two processors with a sidecar each are joined by a third
 * one; then two are shut down (SIGTERM), and their sidecars after them. Points keep arriving meanwhile. Each step starts when
 * probes, logs and published results show that the previous one is done. Every VM window must equal the exact answer and be
 * published once.
 */
import { beforeAll, expect, it, vi } from 'vitest'
import { assertDataIsThere, expand, oracle } from '../trace/planetlab-day.ts'
import {
  createTopic,
  expectExact,
  fresh,
  isCommitted,
  produce,
  resultsOf,
  stackForTests,
  startRun,
  untilPublished,
  type LoggedRun,
} from './run-support.ts'
import { ownStack } from './stacks.ts'

const WINDOW_MS = 21_600_000
const topic = 'planetlab'
const stack = stackForTests(ownStack({ state: 'redis', daprds: 2 }))

beforeAll(async () => {
  assertDataIsThere()
  await createTopic(stack(), topic, 8)
})

interface Pod {
  readonly run: LoggedRun
  readonly daprd: string
  /** Status of the readiness probe: 200, 503, or `null` if no process listens. */
  readonly ready: () => Promise<number | null>
}

/** A processor and its sidecar, as one pod has them. */
async function startPod(job: string, index: number): Promise<Pod> {
  const { name } = await stack().startDaprd({ index })
  // Between the scheduler's ports and the first sidecar's.
  const healthPort = stack().description.portBase + 16 + index
  // The day is long past: the wall clock must not close what is still to come.
  const args = ['--health-port', String(healthPort), '--vms-per-workflow', '8', '--deadline', '9000d']
  const run = startRun(stack(), { job, topic, daprd: index, window: '6h', once: false, args })
  const ready = async (): Promise<number | null> => {
    try {
      return (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status
    } catch {
      // No process listens before the processor has started and after it has exited.
      return null
    }
  }
  return { run, daprd: name, ready }
}

/** As the kubelet finds out: by asking again. */
async function untilReady({ run, ready }: Pod): Promise<void> {
  const ended = run.ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code} before it was ready: ${stderr.slice(-2000)}`)
  })
  const isReady = vi.waitUntil(async () => (await ready()) === 200, { timeout: 120_000, interval: 200 })
  await Promise.race([isReady, ended])
}

/** Its partitions are others' then; the sidecar goes last, as a native sidecar does. */
async function stopPod({ run, daprd, ready }: Pod): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toMatchObject({ code: 0 })
  expect(await ready()).toBeNull()
  await stack().stop(daprd)
}

it('scales from two to three and back to one, exact', async () => {
  const job = fresh('scale')
  const lines = expand(['--window-ms', String(WINDOW_MS), '--dup', '0.05', '--reorder', '10'])
  const exact = oracle(WINDOW_MS)
  const third = Math.ceil(lines.length / 3)
  const parts = [0, 1, 2].map((part) => lines.slice(part * third, (part + 1) * third))

  const [one, two] = await Promise.all([startPod(job, 0), startPod(job, 1)])
  await Promise.all([untilReady(one), untilReady(two)])
  await produce(stack(), topic, parts[0] ?? [])
  await Promise.all([one.run.logged(isCommitted), two.run.logged(isCommitted)])

  const three = await startPod(job, 2)
  await untilReady(three)
  await produce(stack(), topic, parts[1] ?? [])
  // The new member does its share.
  await three.run.logged(isCommitted)

  await stopPod(one)
  await untilReady(two)
  await stopPod(two)
  await produce(stack(), topic, parts[2] ?? [])

  await untilPublished(stack(), job, [three.run], (results) => results.length >= exact.size)
  expect(await three.ready()).toBe(200)
  await stopPod(three)

  expectExact(await resultsOf(stack(), job), exact)
})
