/**
 * Looks for unbounded growth. A fleet sends at a steady rate for half an hour, an hour of event time every ten seconds;
 * every ten seconds the memory and state of the processor and the servers are sampled.
 *
 *   npm run bench -- soak [--minutes 30 --vms 100 --port-base 19000 --figures FILE.json --plot FILE.svg]
 *
 *   soak/fleet.ts   sends at a steady rate      soak/sample.ts  takes samples      soak/plot.ts  draws them
 *
 * Not measured: growth that takes days, and growth with the number of VMs, which is expected.
 */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startStack, type Stack } from '../src/dev/stack/index.ts'
import { createFleetTopic, GRACE_MS, sendHour, WINDOW_MS } from './soak/fleet.ts'
import { plot } from './soak/plot.ts'
import { takeSample, type Sample } from './soak/sample.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    vms: { type: 'string', default: '100' },
    'port-base': { type: 'string', default: '19000' },
    figures: { type: 'string' },
    plot: { type: 'string' },
  },
})
const JOB = 'soak'
const TOPIC = 'soak-in'
/** Wall-clock time of an hour of event time. */
const HOUR_TAKES_MS = 10_000

async function soak(stack: Stack): Promise<Sample[]> {
  const { addresses, daprds } = stack.description
  await createFleetTopic(addresses.kafka, TOPIC)
  const processor = spawn(
    process.execPath,
    [
      ...[resolve('dist/cli/main.js'), 'run', '--source', 'kafka', '--brokers', addresses.kafka, '--topic', TOPIC],
      ...['--job', JOB, '--window', `${WINDOW_MS}ms`, '--grace', `${GRACE_MS}ms`, '--deadline', '36500d'],
      ...['--sidecar', 'dapr', '--dapr-grpc-port', String(daprds[0]?.ports.grpc), '--log-level', 'warn'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const ended = new Promise<never>((_, fail) =>
    processor.once('exit', (code) => fail(new Error(`the processor ended with ${code}`))),
  )
  ended.catch(() => undefined)
  const samples: Sample[] = []
  try {
    const startedMs = performance.now()
    const untilMs = startedMs + Number(values.minutes) * 60_000
    for (let hour = 0; performance.now() < untilMs; hour++) {
      const nextMs = startedMs + (hour + 1) * HOUR_TAKES_MS
      await Promise.race([sendHour(addresses.kafka, TOPIC, Number(values.vms), hour), ended])
      await Promise.race([sleep(Math.max(0, nextMs - performance.now())), ended])
      const seconds = Math.round((performance.now() - startedMs) / 1000)
      const sample = { seconds, ...(await takeSample(stack, processor.pid as number, JOB)) }
      samples.push(sample)
      console.log(JSON.stringify(sample))
    }
    return samples
  } finally {
    processor.removeAllListeners('exit')
    processor.kill('SIGKILL')
  }
}

const dataDir = await mkdtemp(join(tmpdir(), 'windrow-soak-'))
// PostgreSQL runs as another user if we are root.
await chmod(dataDir, 0o755)
let stack: Stack | null = null
try {
  stack = await startStack({ dataDir, portBase: Number(values['port-base']) })
  const samples = await soak(stack)
  const command = `npm run bench -- soak ${process.argv.slice(2).join(' ')}`.trimEnd()
  if (values.figures !== undefined)
    await writeFile(values.figures, `${JSON.stringify({ command, samples }, null, 2)}\n`)
  if (values.plot !== undefined) await writeFile(values.plot, plot(samples, command))
} finally {
  await stack?.down({ purge: true })
  await rm(dataDir, { recursive: true, force: true })
}
