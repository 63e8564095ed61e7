/**
 * Measures the throughput of the embedded sidecar as Windrow uses it, with the SDK's client, worker and state client in
 * this process and the sidecar in its own thread.
 *
 *   workflows   5,000 instances without activities, input 2 kB and output 1 kB of JSON, started through
 *               DaprWorkflowClient and awaited, 48 in flight, by an activity of another workflow
 *   values      1,000 inserts of 250 kB, 16 in flight
 *   ledger      5,000 compare-and-swap writes of 2 kB over 8 keys, one writer per key
 *
 * It does not measure Kafka, folding or the content of a window. CPU time is printed beside the rate, since rates depend
 * on other work on the machine. One round warms up.
 *
 *   npm run build && node bench/hub.ts [rounds]        (Node 22.18 or later; it strips the types)
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import {
  CommunicationProtocolEnum,
  DaprClient,
  DaprWorkflowClient,
  StateConcurrencyEnum,
  StateConsistencyEnum,
  WorkflowRuntime,
} from '@dapr/dapr'
import type { WorkflowActivityContext, WorkflowContext } from '@dapr/dapr'
import { startEmbeddedSidecar } from '../src/embedded/index.ts'

const INSTANCES = 5_000
const IN_FLIGHT = 48
const STORE = 'statestore'

const insertOnly = {
  concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
  consistency: StateConsistencyEnum.CONSISTENCY_STRONG,
}

const print = (line: string) => process.stdout.write(line + '\n')
// The SDK writes several lines per turn; printing them would dominate the measurement.
for (const level of ['info', 'warn', 'error', 'debug', 'log'] as const) console[level] = () => undefined

const input = {
  points: Array.from({ length: 40 }, (_, i) => ({ at: 1_700_000_000_000 + i, value: Math.sqrt(i), n: i })),
}
const output = {
  metrics: Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`metric-${i}`, Math.sqrt(i) * 1e6])),
}

const dataDir = await mkdtemp(join(tmpdir(), 'windrow-bench-'))
const sidecar = await startEmbeddedSidecar({ dataDir })
const address = { daprHost: '127.0.0.1', daprPort: String(sidecar.grpcPort) }
const state = new DaprClient({ ...address, communicationProtocol: CommunicationProtocolEnum.GRPC, maxBodySizeMb: 64 })
const workflows = new DaprWorkflowClient(address)
const runtime = new WorkflowRuntime(address)
let round = 0

runtime.registerWorkflowWithName('vm-window', async function* () {
  return output
})
runtime.registerWorkflowWithName('parent', async function* (context: WorkflowContext, name: string): AsyncGenerator {
  yield context.callActivity('aggregate', name)
})
runtime.registerActivityWithName('aggregate', async (_: WorkflowActivityContext, name: string) => {
  await inFlight(INSTANCES, IN_FLIGHT, async (i) => {
    const id = `${name}-${i}`
    await workflows.scheduleNewWorkflow('vm-window', input, id)
    const ended = await workflows.waitForWorkflowCompletion(id, true, 60)
    if (ended?.serializedOutput === undefined) throw new Error(`${id} has no output`)
  })
  return 'done'
})

try {
  Object.assign((runtime as unknown as { worker: object }).worker, { _maxConcurrentWorkItems: 500 })
  await runtime.start()
  await state.start()
  print(`input ${JSON.stringify(input).length} B, output ${JSON.stringify(output).length} B, Node ${process.version}`)
  const rounds = Number(process.argv[2] ?? 3)
  for (round = 0; round <= rounds; round++) {
    const label = round === 0 ? 'warm-up' : `round ${round}`
    await measure(`${label}: workflows`, INSTANCES, async () => {
      const id = await workflows.scheduleNewWorkflow('parent', `w${round}`, `parent-${round}`)
      await workflows.waitForWorkflowCompletion(id, true, 600)
    })
    const value = JSON.stringify(Array.from({ length: 13_000 }, () => Math.random()))
    await measure(`${label}: values of ${Math.round(value.length / 1000)} kB`, 1000, () =>
      inFlight(1000, 16, (i) => state.state.save(STORE, [{ key: `value-${round}-${i}`, value, options: insertOnly }])),
    )
    await measure(`${label}: ledger`, 5000, () => inFlight(8, 8, (key) => swapMany(`ledger-${round}-${key}`, 5000 / 8)))
  }
} finally {
  await runtime.stop()
  await workflows.stop()
  await sidecar.close()
  await rm(dataDir, { recursive: true })
}

/** Runs `count` tasks, `width` of them concurrently. */
async function inFlight(count: number, width: number, task: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

async function swapMany(key: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const stored = (await state.state.getBulk(STORE, [key])) as { etag: string }[]
    const etag = stored[0]?.etag ?? ''
    await state.state.save(STORE, [{ key, value: { i, text: 'x'.repeat(2000) }, ...(etag !== '' && { etag }) }])
  }
}

/** CPU seconds of this thread so far; of the process on systems without per-thread CPU times. */
async function threadCpuSeconds(): Promise<number> {
  const stat = await readFile(`/proc/self/task/${process.pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return process.cpuUsage().user / 1e6
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticksASecond = 100
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond
}

async function measure(name: string, count: number, run: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage()
  const threadCpu = await threadCpuSeconds()
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const threadMs = ((await threadCpuSeconds()) - threadCpu) * 1000
  const totalMs = (user + system) / 1000
  print(
    `${name}: ${Math.round(count / seconds)}/s; ms of CPU each: ${(threadMs / count).toFixed(2)} in this thread, ` +
      `${((totalMs - threadMs) / count).toFixed(2)} in the sidecar's and in those of the garbage collector and the disk`,
  )
}
